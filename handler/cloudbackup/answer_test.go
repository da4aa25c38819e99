package cloudbackup_test

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"backup-statistics/handler/cloudbackup"
	"backup-statistics/handler/fault"
	"backup-statistics/report"
)

// A canned service gives one answer to everything, and counts.
type canned struct {
	status   int
	header   http.Header
	body     string
	requests int
}

func (c *canned) RoundTrip(r *http.Request) (*http.Response, error) {
	c.requests++
	return &http.Response{StatusCode: c.status, Header: c.header, Body: io.NopCloser(strings.NewReader(c.body)), Request: r}, nil
}

func (c *canned) client(t *testing.T) *cloudbackup.Client {
	return &cloudbackup.Client{
		Endpoint: "http://127.0.0.1:1", Credential: credential(t, key), Web: &http.Client{Transport: c}, Attempts: 2, Pause: time.Nanosecond,
	}
}

// whole is a good answer. The rows change a part of it.
const whole = `{"RequestId":"R-1","Code":"200","Message":"successful","Success":true,"SourceType":"ECS_FILE",` +
	`"RegionStatistics":[{"RegionId":"cn-a","ProtectedDataSize":5,"ProtectedResourceCount":1},{"RegionId":"cn-b","ProtectedDataSize":6,"ProtectedResourceCount":3}],` +
	`"GlobalStatistics":{"ProtectedDataSize":70,"ProtectedResourceCount":20}}`

const (
	integer = ": want an integer from 0 to 9223372036854775807"
	once    = ": want an object in which no name stands twice"
)

func TestHostileAnswers(t *testing.T) {
	for _, tt := range []struct {
		name, part, instead string // part "": instead is the whole answer
		want                string // after "GetBasicStatistics: " and before " (request R-1)"
	}{
		{"a fraction", `70`, `5.5`, `answer: GlobalStatistics.ProtectedDataSize is 5.5` + integer},
		{"a fraction of nothing", `70`, `5.0`, `answer: GlobalStatistics.ProtectedDataSize is 5.0` + integer},
		{"an exponent", `70`, `5e3`, `answer: GlobalStatistics.ProtectedDataSize is 5e3` + integer},
		{"an exponent in capitals", `70`, `5E0`, `answer: GlobalStatistics.ProtectedDataSize is 5E0` + integer},
		{"a number in a string", `70`, `"70"`, `answer: GlobalStatistics.ProtectedDataSize is "70"` + integer},
		{"null for a number", `70`, `null`, `answer: GlobalStatistics.ProtectedDataSize is null` + integer},
		{"true for a number", `70`, `true`, `answer: GlobalStatistics.ProtectedDataSize is true` + integer},
		{"a list for a number", `70`, `[70]`, `answer: GlobalStatistics.ProtectedDataSize is [70]` + integer},
		{"an object for a number", `70`, `{}`, `answer: GlobalStatistics.ProtectedDataSize is {}` + integer},
		{"a negative number", `70`, `-1`, `answer: GlobalStatistics.ProtectedDataSize is -1` + integer},
		{"minus zero", `70`, `-0`, `answer: GlobalStatistics.ProtectedDataSize is -0` + integer},
		{"one more than fits", `70`, `9223372036854775808`, `answer: GlobalStatistics.ProtectedDataSize is 9223372036854775808` + integer},
		{"many more than fit", `70`, strings.Repeat("9", 60), `answer: GlobalStatistics.ProtectedDataSize is ` + strings.Repeat("9", 40) + "…" + integer},
		{"a fraction of instances", `:20}`, `:2.5}`, `answer: GlobalStatistics.ProtectedResourceCount is 2.5` + integer},
		{"negative instances", `:20}`, `:-20}`, `answer: GlobalStatistics.ProtectedResourceCount is -20` + integer},
		{"no global bytes", `"ProtectedDataSize":70,`, ``, `answer: GlobalStatistics.ProtectedDataSize is missing` + integer},
		{"no global instances", `,"ProtectedResourceCount":20`, ``, `answer: GlobalStatistics.ProtectedResourceCount is missing` + integer},
		{"global bytes in another spelling", `"ProtectedDataSize":70`, `"protectedDataSize":70`, `answer: GlobalStatistics.ProtectedDataSize is missing` + integer},
		{"global bytes twice", `"ProtectedDataSize":70`, `"ProtectedDataSize":0,"ProtectedDataSize":70`, `answer: GlobalStatistics is {"ProtectedDataSize":0,"ProtectedDataSiz…` + once},
		{"no global numbers", `"GlobalStatistics"`, `"Global"`, `answer: GlobalStatistics is missing: want an object`},
		{"null for the global numbers", `{"ProtectedDataSize":70,"ProtectedResourceCount":20}`, `null`, `answer: GlobalStatistics is null: want an object`},
		{"a list of global numbers", `{"ProtectedDataSize":70,"ProtectedResourceCount":20}`, `[70,20]`, `answer: GlobalStatistics is [70,20]` + once},
		{"empty global numbers", `{"ProtectedDataSize":70,"ProtectedResourceCount":20}`, `{}`, `answer: GlobalStatistics.ProtectedDataSize is missing` + integer},
		{"global numbers twice", `"GlobalStatistics"`, `"GlobalStatistics":{},"GlobalStatistics"`, `answer: "GlobalStatistics" stands twice: want it once`},
		{"a fraction in a region", `:6,`, `:6.5,`, `answer: RegionStatistics[1].ProtectedDataSize is 6.5` + integer},
		{"a negative number in a region", `:6,`, `:-6,`, `answer: RegionStatistics[1].ProtectedDataSize is -6` + integer},
		{"null instances in a region", `:3}`, `:null}`, `answer: RegionStatistics[1].ProtectedResourceCount is null` + integer},
		{"no bytes in a region", `"ProtectedDataSize":5,`, ``, `answer: RegionStatistics[0].ProtectedDataSize is missing` + integer},
		{"no instances in a region", `,"ProtectedResourceCount":1`, ``, `answer: RegionStatistics[0].ProtectedResourceCount is missing` + integer},
		{"a region's bytes twice", `"ProtectedDataSize":5,`, `"ProtectedDataSize":5,"ProtectedDataSize":5,`, `answer: RegionStatistics[0] is {"RegionId":"cn-a","ProtectedDataSize":5…` + once},
		{"a region without a name", `"RegionId":"cn-a",`, ``, `answer: RegionStatistics[0].RegionId is missing: want a string that is not empty`},
		{"a region with an empty name", `cn-a`, ``, `answer: RegionStatistics[0].RegionId is "": want a string that is not empty`},
		{"a region that is a number", `"cn-a"`, `1`, `answer: RegionStatistics[0].RegionId is 1: want a string that is not empty`},
		{"a region with a line break", `cn-a`, `cn\na`, `answer: RegionStatistics[0].RegionId is "cn\na": want at most 64 bytes, none of them control characters`},
		{"a region with a control character of Latin-1", `cn-a`, `cn\u0085`, `answer: RegionStatistics[0].RegionId is "cn\u0085": want at most 64 bytes, none of them control characters`},
		{"a region with a long name", `cn-a`, strings.Repeat("r", 65), `answer: RegionStatistics[0].RegionId is "` + strings.Repeat("r", 65) + `": want at most 64 bytes, none of them control characters`},
		{"a region twice", `cn-b`, `cn-a`, `answer: RegionStatistics[1].RegionId is "cn-a" for the second time: want each region once`},
		{"a region twice, once escaped", `cn-b`, `cn-\u0061`, `answer: RegionStatistics[1].RegionId is "cn-a" for the second time: want each region once`},
		{"null for a region", `[{"RegionId":"cn-a","ProtectedDataSize":5,"ProtectedResourceCount":1}`, `[null`, `answer: RegionStatistics[0] is null` + once},
		{"a word for a region", `[{"RegionId":"cn-a","ProtectedDataSize":5,"ProtectedResourceCount":1}`, `["cn-a"`, `answer: RegionStatistics[0] is "cn-a"` + once},
		{"no regions", `"RegionStatistics"`, `"Regions"`, `answer: RegionStatistics is missing: want a list, which may be empty`},
		{"regions in another spelling", `"RegionStatistics"`, `"regionStatistics"`, `answer: RegionStatistics is missing: want a list, which may be empty`},
		{"null for the regions", `"RegionStatistics":`, `"RegionStatistics":null,"Rest":`, `answer: RegionStatistics is null: want a list, which may be empty`},
		{"an object for the regions", `"RegionStatistics":`, `"RegionStatistics":{},"Rest":`, `answer: RegionStatistics is {}: want a list, which may be empty`},
		{"no success", `"Success":true,`, ``, `answer: Success is missing: want true`},
		{"success in another spelling", `"Success"`, `"success"`, `answer: Success is missing: want true`},
		{"success in a string", `true`, `"true"`, `answer: Success is "true": want true`},
		{"success as a number", `true`, `1`, `answer: Success is 1: want true`},
		{"null for success", `true`, `null`, `answer: Success is null: want true`},
		{"success twice", `"Success":true`, `"Success":false,"Success":true`, `answer: "Success" stands twice: want it once`},
		{"no success though Code is good", `true`, `false`, `answer: Success is false: want true, since Code is 200`},
		{"no success though Code is a good number", `"Code":"200","Message":"successful","Success":true`, `"Code":200,"Success":false`, `answer: Success is false: want true, since Code is 200`},
		{"no Code", `"Code":"200",`, ``, `answer: Code is missing: want 200`},
		{"null for Code", `"200"`, `null`, `answer: Code is null: want 200`},
		{"an empty Code", `"200"`, `""`, `answer: Code is "": want 200`},
		{"true for Code", `"200"`, `true`, `answer: Code is true: want 200`},
		{"an object for Code", `"200"`, `{"a":200}`, `answer: Code is {"a":200}: want 200`},
		{"Code twice", `"Code":"200"`, `"Code":"500","Code":"200"`, `answer: "Code" stands twice: want it once`},
		{"no request id", `"RequestId":"R-1",`, ``, `answer: RequestId is missing: want a string that is not empty`},
		{"an empty request id", `"R-1"`, `""`, `answer: RequestId is "": want a string that is not empty`},
		{"null for the request id", `"R-1"`, `null`, `answer: RequestId is null: want a string that is not empty`},
		{"another source type", `ECS_FILE`, `OTHER`, `answer: SourceType is "OTHER": want "ECS_FILE", which was asked for`},
		{"the source type in another case", `ECS_FILE`, `ecs_file`, `answer: SourceType is "ecs_file": want "ECS_FILE", which was asked for`},
		{"no source type", `"SourceType":"ECS_FILE",`, ``, `answer: SourceType is missing: want a string that is not empty`},
		{"null for the source type", `"ECS_FILE"`, `null`, `answer: SourceType is null: want a string that is not empty`},
		{"invalid UTF-8", `successful`, "\xff", `answer: invalid UTF-8: want JSON in UTF-8`},
		{"something behind it", `20}}`, `20}} {}`, `answer: "{}" behind the object: want nothing there`},
		{"a comma too many", `20}}`, `20},}`, `answer: broken at byte 325: invalid character '}' looking for beginning of object key string`},
		{"a leading zero", `70`, `070`, `answer: broken at byte 281: invalid character '7' after object key:value pair`},
		{"a plus sign", `70`, `+70`, `answer: broken at byte 280: invalid character '+' looking for beginning of value`},
		{"not a number", `70`, `NaN`, `answer: broken at byte 280: invalid character 'N' looking for beginning of value`},
		{"a list", ``, `[` + whole + `]`, `answered 200 with "[{"RequestId":"R-1","Code":"200","Message":"successful","Suc…": want JSON`},
		{"null", ``, `null`, `answered 200 with "null": want JSON`},
		{"a list that ends in the middle", ``, `[{"RequestId":`, `answered 200 with "[{"RequestId":": want JSON`},
		{"a word", ``, `OK`, `answered 200 with "OK": want JSON`},
		{"a page", ``, "<html>\n<p>log in</p>", `answered 200 with "<html> <p>log in</p>": want JSON`},
		{"a byte order mark", ``, "\uFEFF" + whole, `answered 200 with "{"RequestId":"R-1","Code":"200","Message":"successful","Succ…": want JSON`},
		{"blanks that JSON does not know", ``, whole + "\u00a0", `answer: "\u00a0" behind the object: want nothing there`},
	} {
		body := tt.instead
		if tt.part != "" {
			if strings.Count(whole, tt.part) != 1 {
				t.Fatalf("%s: %q is not once in the answer", tt.name, tt.part)
			}
			body = strings.Replace(whole, tt.part, tt.instead, 1)
		}
		service := &canned{status: 200, body: body}
		s, err := service.client(t).Statistics(t.Context(), "ECS_FILE")
		if err == nil {
			t.Errorf("%s: accepted as %v %v, want %s", tt.name, s.Total, s.Regions, tt.want)
			continue
		}
		// What says neither yes nor no may be anybody's, and is asked for again.
		requests := 2
		var refusal *cloudbackup.Refusal
		if errors.As(err, &refusal) {
			requests = 1
		}
		got := strings.TrimSuffix(strings.TrimSuffix(err.Error(), " (tried 2 times)"), " (request R-1)")
		if got != "GetBasicStatistics: "+tt.want {
			t.Errorf("%s: error =\n\t%s, want\n\tGetBasicStatistics: %s", tt.name, got, tt.want)
		}
		if service.requests != requests || s.Regions != nil || s.Response != nil || s.RequestID != "" || s.Total != (report.Amount{}) {
			t.Errorf("%s: %d requests and statistics %v, want %d and none", tt.name, service.requests, s, requests)
		}
	}
}

func TestGoodAnswers(t *testing.T) {
	const regions = "[{cn-a {5 1}} {cn-b {6 3}}]"
	for _, tt := range []struct{ name, part, instead, want string }{
		{"the whole", `R-1`, `R-1`, "{70 20} " + regions},
		{"Code is a number", `"200"`, `200`, "{70 20} " + regions},
		{"the largest number", `70`, `9223372036854775807`, "{9223372036854775807 20} " + regions},
		{"more than a float holds", `:6,`, `:9007199254740993,`, "{70 20} [{cn-a {5 1}} {cn-b {9007199254740993 3}}]"},
		{"nothing", `70`, `0`, "{0 20} " + regions},
		{"no region", `[{"RegionId":"cn-a","ProtectedDataSize":5,"ProtectedResourceCount":1},{"RegionId":"cn-b","ProtectedDataSize":6,"ProtectedResourceCount":3}]`, `[ ]`, "{70 20} []"},
		{"fields that came later", `"Success"`, `"success":false,"Later":{"a":[null]},"Success"`, "{70 20} " + regions},
		{"a field that came later in a region", `:6,`, `:6,"protectedDataSize":1.5,`, "{70 20} " + regions},
		{"a region of 64 bytes", `cn-a`, strings.Repeat("r", 64), "{70 20} [{" + strings.Repeat("r", 64) + " {5 1}} {cn-b {6 3}}]"},
		{"no message", `"Message":"successful",`, ``, "{70 20} " + regions},
	} {
		service := &canned{status: 200, body: strings.Replace(whole, tt.part, tt.instead, 1)}
		s, err := service.client(t).Statistics(t.Context(), "ECS_FILE")
		if got := text(s); got != tt.want || err != nil || string(s.Response) != service.body {
			t.Errorf("%s: statistics = %s, error %v, want %s and the answer kept", tt.name, got, err, tt.want)
		}
	}
}

func TestRefusals(t *testing.T) {
	json := func(code, message string) string {
		return `{"RequestId":"R-1","HostId":"h","Code":"` + code + `","Message":"` + message + `","Recommend":"r"}`
	}
	for _, tt := range []struct {
		name     string
		status   int
		body     string
		want     string // after "GetBasicStatistics: "
		requests int
	}{
		{"no permission", 403, json("NoPermission", "User is not authorized to do this operation."), "NoPermission (403, request R-1): User is not authorized to do this operation.", 1},
		{"forbidden by RAM", 403, json("Forbidden.RAM", "m"), "Forbidden.RAM (403, request R-1): m", 1},
		{"not activated", 403, json("ServiceNotActivated", "m"), "ServiceNotActivated (403, request R-1): m", 1},
		{"in debt", 403, json("InDebtOverdue", "m"), "InDebtOverdue (403, request R-1): m", 1},
		{"no source type", 400, json("MissingSourceType", "SourceType is mandatory for this action."), "MissingSourceType (400, request R-1): SourceType is mandatory for this action.", 1},
		{"no such operation", 404, json("InvalidApi.NotFound", "m"), "InvalidApi.NotFound (404, request R-1): m", 1},
		{"plain http", 404, json("InvalidProtocol.NeedSsl", "m"), "InvalidProtocol.NeedSsl (404, request R-1): m", 1},
		{"a clock that is wrong", 400, json("InvalidTimeStamp.Expired", "m"), "InvalidTimeStamp.Expired (400, request R-1): m", 1},
		{"an expired token", 403, json("InvalidSecurityToken.Expired", "token"), "InvalidSecurityToken.Expired (403, request R-1)", 1},
		{"an unknown key", 404, json("InvalidAccessKeyId.NotFound", "id"), "InvalidAccessKeyId.NotFound (404, request R-1)", 1},
		{"a wrong signature", 400, json("SignatureDoesNotMatch", "what was signed"), "SignatureDoesNotMatch (400, request R-1)", 1},
		{"half a signature", 400, json("IncompleteSignature", "what was signed"), "IncompleteSignature (400, request R-1)", 1},
		{"no method", 400, json("UnsupportedHTTPMethod", "m"), "UnsupportedHTTPMethod (400, request R-1): m", 1},
		{"a code that nobody knows", 400, json("Air.NotSupported", "m"), "Air.NotSupported (400, request R-1): m", 1},
		{"a code that is a number", 404, `{"RequestId":"R-1","Code":404,"Message":"m"}`, "404 (404, request R-1): m", 1},
		{"a code that is a passing status", 400, `{"RequestId":"R-1","Code":507}`, "507 (400, request R-1) (tried 2 times)", 2},
		{"a page for the lost", 404, "<html>\n<body>nginx</body></html>", `answered 404 with text/html "<html> <body>nginx</body></html>": want JSON (tried 2 times)`, 2},
		{"nobody's refusal", 403, `{"Code":"NoPermission","Message":"m"}`, `answered 403 with text/html "{"Code":"NoPermission","Message":"m"}": want a RequestId (tried 2 times)`, 2},
		{"a page that is long", 403, strings.Repeat("ä", 70), `answered 403 with text/html "` + strings.Repeat("ä", 60) + `…": want JSON (tried 2 times)`, 2},
		{"nothing for the lost", 404, " \n", `answered 404 with an empty body: want JSON (tried 2 times)`, 2},
		{"JSON without a code", 400, `{"RequestId":"R-1","code":"Throttling"}`, `answered 400 with text/html "{"RequestId":"R-1","code":"Throttling"}": want JSON with a Code (request R-1) (tried 2 times)`, 2},
		{"a redirect that says that it throttles", 302, json("Throttling", "m"), "answered 302: redirects are not followed (request R-1)", 1},
		{"not modified", 304, ``, "answered 304: redirects are not followed (tried 2 times)", 2},
		{"no room", 507, "", "answered 507 with an empty body: want JSON (tried 2 times)", 2},
		{"too late", 408, json("Late", "m"), "Late (408, request R-1): m (tried 2 times)", 2},
		{"a message that is long", 403, json("NoPermission", strings.Repeat("ä", 201)), "NoPermission (403, request R-1): " + strings.Repeat("ä", 200) + "…", 1},
		{"a message that just fits", 403, json("NoPermission", strings.Repeat("ä", 200)), "NoPermission (403, request R-1): " + strings.Repeat("ä", 200), 1},
		{"a message with line breaks", 403, json("No\\nPermission", `a\nb\u0007\u202ec\td`), "No Permission (403, request R-1): a bc d", 1},
		{"a message that is none", 403, `{"RequestId":"R-1","Code":"NoPermission","Message":{"a":1}}`, "NoPermission (403, request R-1)", 1},
		{"no success and no code", 200, `{"RequestId":"R-1","Success":false}`, "refused without a Code (200, request R-1)", 1},
		{"no success and no permission", 200, `{"RequestId":"R-1","Code":"NoPermission","Message":"m","Success":false}`, "NoPermission (200, request R-1): m", 1},
		{"success that is not activated", 200, `{"RequestId":"R-1","Code":"ServiceNotActivated","Success":true}`, "ServiceNotActivated (200, request R-1)", 1},
		{"success with another good code", 200, strings.Replace(whole, `"200"`, `200.0`, 1), "200.0 (200, request R-1): successful", 1},
		{"throttling", 400, json("Throttling", "m"), "Throttling (400, request R-1): m (tried 2 times)", 2},
		{"throttling of a user", 400, json("Throttling.User", "m"), "Throttling.User (400, request R-1): m (tried 2 times)", 2},
		{"throttling of an API", 400, json("Throttling.Api", "m"), "Throttling.Api (400, request R-1): m (tried 2 times)", 2},
		{"throttling by another word", 400, json("Rejected.Throttling", "m"), "Rejected.Throttling (400, request R-1): m (tried 2 times)", 2},
		{"too many requests", 429, json("TooMany", "m"), "TooMany (429, request R-1): m (tried 2 times)", 2},
		{"too many requests, says a gateway", 429, "", "answered 429 with an empty body: want JSON (tried 2 times)", 2},
		{"unavailable", 503, json("ServiceUnavailable", "m"), "ServiceUnavailable (503, request R-1): m (tried 2 times)", 2},
		{"unavailable with status 200", 200, `{"RequestId":"R-1","Code":"ServiceUnavailable","Success":false}`, "ServiceUnavailable (200, request R-1) (tried 2 times)", 2},
		{"an internal error", 500, json("InternalError", "m"), "InternalError (500, request R-1): m (tried 2 times)", 2},
		{"ECS fails", 400, json("EcsClientError", "m"), "EcsClientError (400, request R-1): m (tried 2 times)", 2},
		{"the vault fails", 400, json("AccessVaultFail", "m"), "AccessVaultFail (400, request R-1): m (tried 2 times)", 2},
		{"a nonce that was used", 400, json("SignatureNonceUsed", "m"), "SignatureNonceUsed (400, request R-1) (tried 2 times)", 2},
		{"a gateway's page", 502, "<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>", `answered 502 with text/html "<html><head><title>502 Bad Gateway</title></head><body>nginx…": want JSON (tried 2 times)`, 2},
		{"a gateway's nothing", 504, "", "answered 504 with an empty body: want JSON (tried 2 times)", 2},
		{"an internal error with status 200", 200, `{"RequestId":"R-1","Code":"InternalError","Message":"m","Success":false}`, "InternalError (200, request R-1): m (tried 2 times)", 2},
		{"throttling with status 200", 200, `{"RequestId":"R-1","Code":"Throttling.User","Success":false}`, "Throttling.User (200, request R-1) (tried 2 times)", 2},
		{"a code of 500 with status 200", 200, `{"RequestId":"R-1","Code":500,"Success":false}`, "500 (200, request R-1) (tried 2 times)", 2},
		{"an answer that ends in the middle", 200, whole[:100], "answer cut short after 100 bytes: want a whole JSON object (tried 2 times)", 2},
		{"an answer that ends before its last brace", 200, whole[:len(whole)-1] + "\n", "answer cut short after " + strconv.Itoa(len(whole)) + " bytes: want a whole JSON object (tried 2 times)", 2},
		{"an answer that ends after a blank", 200, "\n" + whole[:100], "answer cut short after 101 bytes: want a whole JSON object (tried 2 times)", 2},
		{"an answer that does not begin", 200, "", "answer cut short after 0 bytes: want a whole JSON object (tried 2 times)", 2},
	} {
		service := &canned{status: tt.status, header: http.Header{"Content-Type": {"text/html; charset=utf-8"}}, body: tt.body}
		_, err := service.client(t).Statistics(t.Context(), "ECS_FILE")
		if err == nil || err.Error() != "GetBasicStatistics: "+tt.want || service.requests != tt.requests {
			t.Errorf("%s: after %d requests, want %d: error =\n\t%v, want\n\tGetBasicStatistics: %s", tt.name, service.requests, tt.requests, err, tt.want)
		}
		if service.requests > 1 && fault.Of(err) == "" {
			t.Errorf("%s: it has no cause, and is tried again", tt.name)
		}
		if got, want := cloudbackup.NotActivated(err), strings.Contains(tt.want, "ServiceNotActivated"); got != want {
			t.Errorf("%s: NotActivated = %v, want %v", tt.name, got, want)
		}
	}
}

// Decoders refuse what is nested deeper than 10,000 levels, and a snapshot holds the
// answer one level below its own: what is accepted can be read back.
func TestDeepAnswers(t *testing.T) {
	for levels, want := range map[int]string{
		9_999:  "",
		10_000: "GetBasicStatistics: answer: nested too deep: want what can be read as a part of a snapshot, too (tried 2 times)",
	} {
		deep := strings.Repeat("[", levels-1) + strings.Repeat("]", levels-1)
		service := &canned{status: 200, body: `{"Deep":` + deep + `,` + whole[1:]}
		s, err := service.client(t).Statistics(t.Context(), "ECS_FILE")
		if got := fmt.Sprint(err); got != cmp.Or(want, "<nil>") {
			t.Errorf("%d levels: error = %s, want %s", levels, got, want)
		}
		if err != nil {
			continue
		}
		o := report.Occasion{Date: 20000, TimeZone: "UTC", Trigger: report.Manual}
		data, err := report.NewSnapshot(o, "1", "ECS_FILE", time.Unix(1<<30, 0), s).Encode()
		must(t, err)
		if _, err := report.DecodeSnapshot(data); err != nil {
			t.Errorf("%d levels: accepted, and the snapshot can't be read: %v", levels, err)
		}
	}
}

// That an account has no Cloud Backup is a state of which nothing breaks: only the
// service may say so.
func TestNotActivatedIsTheServicesWord(t *testing.T) {
	for body, want := range map[string]bool{
		`{"RequestId":"R-1","Code":"ServiceNotActivated"}`: true,
		`{"RequestId":"","Code":"ServiceNotActivated"}`:    false,
		`{"Code":"ServiceNotActivated"}`:                   false,
	} {
		for _, status := range []int{403, 200} {
			service := &canned{status: status, body: strings.Replace(body, "}", `,"Success":false}`, 1)}
			_, err := service.client(t).Statistics(t.Context(), "ECS_FILE")
			if got := cloudbackup.NotActivated(err); got != want {
				t.Errorf("%d %s: NotActivated = %v, want %v (%v)", status, body, got, want, err)
			}
		}
	}
}

func TestOtherGoodStatus(t *testing.T) {
	service := &canned{status: 203, body: whole}
	if _, err := service.client(t).Statistics(t.Context(), "ECS_FILE"); err != nil {
		t.Errorf("status 203: error = %v, want none", err)
	}
}

func TestRequestIDFromTheHeader(t *testing.T) {
	service := &canned{status: 404, header: http.Header{"X-Acs-Request-Id": {"H-1"}}}
	_, err := service.client(t).Statistics(t.Context(), "ECS_FILE")
	if want := "GetBasicStatistics: answered 404 with an empty body: want JSON (request H-1) (tried 2 times)"; err == nil || err.Error() != want {
		t.Errorf("error = %v, want %s", err, want)
	}
}

// text is the numbers of statistics.
func text(s report.Statistics) string {
	regions := "["
	for i, r := range s.Regions {
		if i > 0 {
			regions += " "
		}
		regions += "{" + r.RegionID + " " + amount(r.Amount) + "}"
	}
	return amount(s.Total) + " " + regions + "]"
}

func amount(a report.Amount) string {
	return "{" + strconv.FormatInt(a.ProtectedDataBytes, 10) + " " + strconv.FormatInt(a.ProtectedResourceCount, 10) + "}"
}
