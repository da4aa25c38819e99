package local

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	openapi "github.com/alibabacloud-go/darabonba-openapi/v2/client"
	openapiutil "github.com/alibabacloud-go/darabonba-openapi/v2/utils"
	"github.com/alibabacloud-go/tea/dara"
	"github.com/aliyun/aliyun-oss-go-sdk/oss"
	"github.com/aliyun/fc-runtime-go-sdk/fccontext"

	"backup-statistics/handler"
	"backup-statistics/report/zones"
)

// collect is a function as small as can be, on the real SDKs: it stores what
// Cloud Backup answers, for each account, under the date of the event.
func collect(ctx context.Context, event []byte) (any, error) {
	fctx, _ := fccontext.FromContext(ctx)
	var timer struct{ TriggerTime time.Time }
	switch text := string(event); {
	case text == "fail":
		return nil, &childError{"this event was refused " + strings.Repeat("and refused ", 20)}
	case text == "exit":
		fmt.Println("these are my last words")
		os.Exit(3)
	case json.Unmarshal(event, &timer) != nil:
		return map[string]string{"status": "exists", "event": text}, nil
	}
	zone, err := zones.Load(cmp.Or(os.Getenv("TIME_ZONE"), "Asia/Shanghai"))
	if err != nil {
		return nil, err
	}
	accounts, err := credentialsOf(fctx)
	if err != nil {
		return nil, err
	}
	for id, c := range accounts {
		answer, err := callService(c, "CLOUD_BACKUP_ENDPOINT", "2017-09-08", "GetBasicStatistics", "SourceType", cmp.Or(os.Getenv("SOURCE_TYPES"), "ECS_FILE"))
		if err != nil {
			return nil, err
		}
		document, _ := json.Marshal(map[string]any{"pid": os.Getpid(), "due": timer.TriggerTime, "key": fctx.Credentials.AccessKeyId, "answer": answer})
		key := "dt=" + timer.TriggerTime.In(zone).Format("2006-01-02") + "/" + id + ".json"
		err = putObject(fctx, key, document)
		var refused oss.ServiceError
		if errors.As(err, &refused) && refused.Code == "FileAlreadyExists" {
			return map[string]string{"status": "exists"}, nil
		}
		if err != nil {
			return nil, err
		}
	}
	return map[string]string{"status": "written"}, nil
}

// credentialsOf returns those of the function and of the members, by account.
func credentialsOf(fctx *fccontext.FcContext) (map[string]fccontext.Credentials, error) {
	all := map[string]fccontext.Credentials{fctx.AccountId: fctx.Credentials}
	role := os.Getenv("MEMBER_ROLE_NAME")
	if role == "" {
		return all, nil
	}
	directory, err := callService(fctx.Credentials, "RESOURCE_DIRECTORY_ENDPOINT", "2022-04-19", "ListAccounts", "MaxResults", "100")
	if err != nil {
		return nil, err
	}
	for _, m := range directory["Accounts"].(map[string]any)["Account"].([]any) {
		id := m.(map[string]any)["AccountId"].(string)
		answer, err := callService(fctx.Credentials, "STS_ENDPOINT", "2015-04-01", "AssumeRole",
			"RoleArn", "acs:ram::"+id+":role/"+role, "RoleSessionName", "test")
		if err != nil {
			return nil, err
		}
		c := answer["Credentials"].(map[string]any)
		all[id] = fccontext.Credentials{
			AccessKeyId: c["AccessKeyId"].(string), AccessKeySecret: c["AccessKeySecret"].(string), SecurityToken: c["SecurityToken"].(string),
		}
	}
	return all, nil
}

func callService(c fccontext.Credentials, endpoint, version, action string, query ...string) (map[string]any, error) {
	client, err := openapi.NewClient(&openapiutil.Config{
		AccessKeyId: &c.AccessKeyId, AccessKeySecret: &c.AccessKeySecret, SecurityToken: &c.SecurityToken,
		Endpoint: dara.String(strings.TrimPrefix(os.Getenv(endpoint), "http://")), Protocol: dara.String("HTTP"),
	})
	if err != nil {
		return nil, err
	}
	request := &openapiutil.OpenApiRequest{Query: make(map[string]*string)}
	for pair := range slices.Chunk(query, 2) {
		request.Query[pair[0]] = &pair[1]
	}
	answer, err := client.CallApi(&openapiutil.Params{
		Action: &action, Version: &version, Protocol: dara.String("HTTP"), Pathname: dara.String("/"), Method: dara.String("GET"),
		AuthType: dara.String("AK"), Style: dara.String("RPC"), ReqBodyType: dara.String("formData"), BodyType: dara.String("json"),
	}, request, &dara.RuntimeOptions{})
	if err != nil {
		text, _, _ := strings.Cut(err.Error(), "Data:")
		return nil, &childError{action + ": " + text}
	}
	return answer["body"].(map[string]any), nil
}

func putObject(fctx *fccontext.FcContext, key string, data []byte) error {
	c := fctx.Credentials
	client, err := oss.New(os.Getenv("OSS_ENDPOINT"), c.AccessKeyId, c.AccessKeySecret,
		oss.SecurityToken(c.SecurityToken), oss.AuthVersion(oss.AuthV4), oss.Region(os.Getenv("OSS_REGION")),
		oss.HTTPClient(handler.NewWeb(1, 1).Client)) // which finds names below localhost
	if err != nil {
		return err
	}
	bucket, err := client.Bucket(os.Getenv("OSS_BUCKET"))
	if err != nil {
		return err
	}
	return bucket.PutObject(key, bytes.NewReader(data), oss.ForbidOverWrite(true))
}

// A trial runs the command with this test binary as the function.
type trial struct {
	t       *testing.T
	dir     string
	env     map[string]string
	command command
	wide    bool // what the function answers is wide
	out     bytes.Buffer
	log     bytes.Buffer
}

func newTrial(t *testing.T) *trial {
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	tr := &trial{t: t, dir: filepath.Join(t.TempDir(), "bucket"), env: make(map[string]string)}
	tr.command = command{
		path: path, env: []string{childVariable + "=collecting"}, pause: time.Nanosecond,
		getenv: func(name string) string { return tr.env[name] },
		now:    time.Date(2026, 11, 25, 16, 30, 0, 0, time.UTC), // already the 26th in Shanghai
	}
	return tr
}

func (tr *trial) run(args ...string) (string, error) {
	tr.t.Helper()
	tr.out.Reset()
	tr.log.Reset()
	tr.command.stdout, tr.command.stderr = &tr.out, &tr.log
	err := tr.command.run(tr.t.Context(), append([]string{"-dir", tr.dir}, args...))
	for line := range strings.Lines(tr.out.String()) {
		line, _, _ = strings.Cut(line, tr.dir)
		if !tr.wide && utf8.RuneCountInString(strings.TrimSuffix(line, "\n")) > 100 || strings.Contains(line, "\x1b") {
			tr.t.Errorf("%q: want up to 100 columns of plain text", line)
		}
	}
	return tr.out.String(), err
}

// A stored document is what collect stores.
type stored struct {
	PID    int
	Due    time.Time
	Key    string
	Answer struct {
		RegionStatistics []struct {
			RegionID                                  string `json:"RegionId"`
			ProtectedDataSize, ProtectedResourceCount int64
		}
	}
}

// bucket reads the documents of the bucket, by key.
func (tr *trial) bucket() map[string]stored {
	tr.t.Helper()
	all := make(map[string]stored)
	root := os.DirFS(tr.dir)
	err := fs.WalkDir(root, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := fs.ReadFile(root, path)
		if err != nil {
			return err
		}
		var s stored
		err = json.Unmarshal(data, &s)
		all[path] = s
		return err
	})
	if err != nil {
		tr.t.Fatal(err)
	}
	return all
}

// protected is what a document says, as History has it.
func (s stored) protected() []Region {
	var regions []Region
	for _, r := range s.Answer.RegionStatistics {
		regions = append(regions, Region{r.RegionID, r.ProtectedDataSize, r.ProtectedResourceCount})
	}
	return regions
}

func contains(t *testing.T, text string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

const today = "dt=2026-11-26/1234567890123456.json"

// dayOf counts as History does.
func dayOf(year int, month time.Month, day int) int {
	return int(time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Unix() / 86400)
}

func TestLocalPlaysToday(t *testing.T) {
	tr := newTrial(t)
	tr.command.now = tr.command.now.Add(20 * time.Hour) // 20:30 in Shanghai
	out, err := tr.run()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	contains(t, out, "One timer event for 2026-11-26;", "Answer\n  {\n    \"status\": \"written\"\n  }\n", "└── "+today, "1 file, ", tr.dir)
	first := tr.bucket()[today]
	if want := time.Date(2026, 11, 26, 12, 17, 0, 0, time.UTC); !first.Due.Equal(want) {
		t.Errorf("the timer was due %v, want %v, 20:17 in Shanghai", first.Due, want)
	}
	if want := History("1234567890123456", dayOf(2026, 11, 26)); !slices.Equal(first.protected(), want) {
		t.Errorf("protected %v, want %v", first.protected(), want)
	}
	out, err = tr.run()
	again := tr.bucket()[today]
	if err != nil || again.PID != first.PID {
		t.Errorf("a second run: %v; the document of process %d is of %d now", err, first.PID, again.PID)
	}
	contains(t, out, `"status": "exists"`)
	if tr.log.Len() > 0 {
		t.Errorf("the log is shown without -v:\n%s", &tr.log)
	}
}

func TestLocalKnowsItsDays(t *testing.T) {
	for _, tt := range []struct{ name, zone, date, key, due string }{
		{"a day of Shanghai", "", "2026-11-23", "dt=2026-11-23", "2026-11-23T12:17:00Z"},
		{"a leap day elsewhere", "America/New_York", "2024-02-29", "dt=2024-02-29", "2024-03-01T01:17:00Z"},
		{"today elsewhere, where the evening is to come", "America/New_York", "", "dt=2026-11-25", "2026-11-25T16:30:00Z"},
		{"today, after the evening", "Asia/Tokyo", "2026-11-25", "dt=2026-11-25", "2026-11-25T11:17:00Z"},
		{"summer time", "Europe/Berlin", "2026-07-01", "dt=2026-07-01", "2026-07-01T18:17:00Z"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tr := newTrial(t)
			tr.env["TIME_ZONE"] = tt.zone
			var args []string
			if tt.date != "" {
				args = []string{"-date", tt.date}
			}
			if out, err := tr.run(args...); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			got, ok := tr.bucket()[tt.key+"/1234567890123456.json"]
			if due := got.Due.UTC().Format(time.RFC3339); !ok || due != tt.due {
				t.Errorf("documents %v, due %s, want %s, due %s", slices.Collect(maps.Keys(tr.bucket())), due, tt.key, tt.due)
			}
		})
	}
}

func TestLocalPlaysManyDays(t *testing.T) {
	tr := newTrial(t)
	out, err := tr.run("-days", "30", "-date", "2026-11-23", "-gap", "2", "-gap", "2026-11-20", "-gap", "2026-11-21", "-drop", "10", "-accounts", "3")
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	contains(t, out, "28 timer events, 2026-10-25 to 2026-11-23, 3 accounts;",
		"30 days: 28 written, 0 exists, 0 failed, 2 left out; ",
		"├── dt=2026-10-25/\n", "│   ├── 1234567890123456.json ", "├── … 26 more ", "└── dt=2026-11-23/\n", "84 files, ")
	if n := strings.Count(out, `"status": "written"`); n != 1 {
		t.Errorf("%d answers are shown, want the last", n)
	}
	all := tr.bucket()
	pids, keys := make(map[int]bool), make(map[string]bool)
	for day := dayOf(2026, 10, 25); day <= dayOf(2026, 11, 23); day++ {
		date := time.Unix(int64(day)*86400, 0).UTC().Format("2006-01-02")
		for i, account := range []string{"1234567890123456", "1234567890123457", "1234567890123458"} {
			s, ok := all["dt="+date+"/"+account+".json"]
			if gap := date == "2026-11-20" || date == "2026-11-21"; gap == ok {
				t.Fatalf("%s of %s is there: %v", date, account, ok)
			} else if gap {
				continue
			}
			want := History(account, day)
			if i == 0 {
				want = Dropped(account, day, dayOf(2026, 11, 13))
			}
			if !slices.Equal(s.protected(), want) {
				t.Fatalf("%s, %s: %v, want %v", account, date, s.protected(), want)
			}
			pids[s.PID], keys[s.Key] = true, true
		}
	}
	if len(pids) != 1 || len(keys) != 28 {
		t.Errorf("%d processes and %d credentials, want one process, and new credentials for each of 28 events", len(pids), len(keys))
	}
}

func TestLocalSendsEventLikeConsole(t *testing.T) {
	tr := newTrial(t)
	out, err := tr.run("-event", `"<any> text"`)
	if err != nil {
		t.Errorf("error = %v", err)
	}
	contains(t, out, "One event, sent as the console sends it;", `"event": "\"\u003cany\u003e text\""`)
	if out, err = tr.run("-event", ""); err != nil {
		t.Errorf("an empty event: error = %v", err)
	}
	contains(t, out, `"event": ""`)

	out, err = tr.run("-event", "fail")
	contains(t, out, "\nError\n  childError\n  this event was refused and refused ", "\nBucket\n", "0 files, ")
	if err == nil || err.Error() != "local: the function answered an error for the event" || isUsage(err) {
		t.Errorf("error = %v, want one that says so, and is not about the arguments", err)
	}
	if strings.Contains(out, "Attempt") {
		t.Errorf("the console does not repeat:\n%s", out)
	}
}

func TestLocalLeavesSettingsToFunction(t *testing.T) {
	tr := newTrial(t)
	tr.env["TIME_ZONE"] = "Mars/Olympus"
	out, err := tr.run()
	contains(t, out, "\nError\n", `unknown time zone "Mars/Olympus"`)
	if err == nil || isUsage(err) {
		t.Errorf("error = %v, want the function's", err)
	}
	tr.command.env = []string{childVariable + "=obedient"}
	tr.wide = true
	out, err = tr.run("-event", "context", "-timeout", "7s")
	contains(t, out, `"Timeout": 7`)
	if err != nil {
		t.Error(err)
	}
}

// An error that every attempt ended with is shown once.
func TestLocalShowsSameErrorOnce(t *testing.T) {
	tr := newTrial(t)
	tr.env["TIME_ZONE"] = "Mars/Olympus"
	for _, args := range [][]string{nil, {"-days", "3"}} {
		out, err := tr.run(args...)
		if n := strings.Count(out, `unknown time zone "Mars/Olympus"`); err == nil || n != 1 || strings.Contains(out, "Attempt") {
			t.Errorf("%q: error %v, shown %d times, want once:\n%s", args, err, n, out)
		}
	}
}

func TestLocalSaysWhatHasNoEffect(t *testing.T) {
	const stays = ": the snapshots are there already, and stay;"
	for _, tt := range []struct{ name, first, args, want string }{
		{"a loss on days to come", "-days 2 -date 2026-11-20", "-days 4 -date 2026-11-24 -drop 2", ""},
		{"a loss on days that are there", "-days 3", "-days 3 -drop 1", "-drop changed nothing on 2 days" + stays},
		{"a loss that begins on a day that is there", "-days 2 -date 2026-11-25", "-days 3 -drop 1", "-drop changed nothing on 1 day" + stays},
		{"numbers of a day that is there", "", "-protect 1234567890123456=", "-protect 1234567890123456 changed nothing on 1 day" + stays},
		{"numbers of a new day", "-date 2026-11-20", "-protect 1234567890123456=", ""},
		{"a day that is left out", "-days 3", "-days 3 -gap 1", ""},
		{"numbers for an event without any", "", "-event any -protect 1234567890123456=", "-protect 1234567890123456 changed nothing: this event"},
		{"a run that fails", "", "-event fail -protect 1234567890123456=", ""},
	} {
		tr := newTrial(t)
		if out, err := tr.run(strings.Fields(tt.first)...); err != nil || strings.Contains(out, "note: ") {
			t.Errorf("%s: the first run: %v\n%s", tt.name, err, out)
		}
		out, _ := tr.run(strings.Fields(tt.args)...)
		if tt.want == "" && strings.Contains(out, "note: ") || !strings.Contains(strings.ReplaceAll(out, "\n", " "), tt.want) {
			t.Errorf("%s: want %q in\n%s", tt.name, tt.want, out)
		}
	}
	tr := newTrial(t)
	day := filepath.Join(tr.dir, "own", "snapshots", "dt=2026-11-25")
	if err := errors.Join(os.MkdirAll(day, 0o755), os.WriteFile(filepath.Join(day, "any"), nil, 0o644)); err != nil {
		t.Fatal(err)
	}
	tr.env["OSS_PREFIX"] = "own/"
	out, err := tr.run("-days", "3", "-gap", "1")
	contains(t, out, "note: -gap changed nothing on 1 day: ")
	if err != nil {
		t.Error(err)
	}
}

// The page's address is what a browser takes, and an opener without a browser is told of.
func TestLocalOpensPage(t *testing.T) {
	tr := newTrial(t)
	tr.dir = filepath.Join(t.TempDir(), "some body's", "bucket")
	report := filepath.Join(tr.dir, "report")
	if err := errors.Join(os.MkdirAll(report, 0o755), os.WriteFile(filepath.Join(report, "index.html"), nil, 0o644)); err != nil {
		t.Fatal(err)
	}
	opened := filepath.Join(t.TempDir(), "opened")
	for _, tt := range []struct {
		name   string
		opener []string
		want   string // in the error
	}{
		{"a browser", []string{"sh", "-c", `printf %s "$0" >'` + opened + `'`}, ""},
		{"no browser", []string{"sh", "-c", "exit 3"}, "local: the page could not be opened: sh found no browser, exit status 3: paste its address into a browser"},
		{"no opener", []string{filepath.Join(tr.dir, "none")}, "local: the page could not be opened: "},
	} {
		tr.command.opener = tt.opener
		out, err := tr.run("-open")
		if (err == nil) != (tt.want == "") || err != nil && !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("%s: error = %v, want %q", tt.name, err, tt.want)
		}
		_, address, _ := strings.Cut(out, "the page: ")
		u, err := url.Parse(strings.TrimSpace(address))
		if err != nil || u.Scheme != "file" || u.Host != "" || u.Path != filepath.Join(report, "index.html") || strings.ContainsAny(u.EscapedPath(), " '") {
			t.Errorf("%s: the page is %q, want the address of a file in %s", tt.name, address, report)
		}
		if got, err := os.ReadFile(opened); err != nil || string(got) != u.String() {
			t.Errorf("%s: the browser got %q, %v; want %s", tt.name, got, err, u)
		}
	}
}

func TestLocalShowsWhyProcessEnded(t *testing.T) {
	tr := newTrial(t)
	out, err := tr.run("-event", "exit")
	contains(t, out, "Process exited unexpectedly before completing request", "Last lines of the log\n", "  these are my last words\n")
	if err == nil {
		t.Error("error = nil")
	}
}

func TestLocalSpoilsRequests(t *testing.T) {
	tr := newTrial(t)
	out, err := tr.run("-fault", "throttle-400@GetBasicStatistics", "-fault", "error-500@oss")
	if err != nil {
		t.Errorf("error = %v, want the third attempt to succeed", err)
	}
	contains(t, out, "2 requests spoiled\n", "\nAttempt 1\n  childError\n", "Throttling.User", "\nAttempt 2\n", `"status": "written"`)

	out, err = tr.run("-date", "2026-11-20", "-fault", "error-500@cloudbackupx4")
	contains(t, out, "4 requests spoiled\n", "\nAttempt 3\n", "\nError\n  childError\n")
	if err == nil || err.Error() != "local: the function answered an error for 2026-11-20" {
		t.Errorf("error = %v", err)
	}

	out, err = tr.run("-date", "2026-11-20", "-days", "4", "-fault", "error-500@cloudbackupx9")
	contains(t, out, "4 days: 2 written, 0 exists, 2 failed, 3 retried;", "9 requests spoiled\n", "\nFirst error, 2026-11-17\n  childError\n", "\nAnswer\n")
	if err == nil || err.Error() != "local: the function answered an error for 2 of 4 days, the first 2026-11-17" {
		t.Errorf("error = %v", err)
	}

	out, err = tr.run("-fault", "error-500@nothing")
	contains(t, out, "no request was spoiled: ")
	if err != nil {
		t.Errorf("error = %v", err)
	}
}

func TestLocalShowsLog(t *testing.T) {
	tr := newTrial(t)
	if _, err := tr.run("-v"); err != nil {
		t.Fatal(err)
	}
	contains(t, tr.log.String(), "FC Invoke Start RequestId: t-")
}

func TestLocalPassesChosenVariables(t *testing.T) {
	tr := newTrial(t)
	tr.command.env = []string{childVariable + "=obedient"}
	tr.wide = true
	for _, name := range []string{"SOURCE_TYPES", "WEBHOOK_SECRET", "OSS_PREFIX", "OSS_BUCKET", "HOME", "HTTPS_PROXY"} {
		tr.env[name] = "of-the-shell"
	}
	out, err := tr.run("-event", "environment", "-accounts", "2")
	if err != nil {
		t.Fatal(err)
	}
	contains(t, out, `"SOURCE_TYPES=of-the-shell"`, `"WEBHOOK_SECRET=of-the-shell"`, `"OSS_PREFIX=of-the-shell"`,
		`"OSS_ENDPOINT=http://oss-cn-hangzhou.localhost:`, `"CLOUD_BACKUP_ENDPOINT=http://127.0.0.1:`, `"STS_ENDPOINT=http://127.0.0.1:`,
		`"RESOURCE_DIRECTORY_ENDPOINT=http://127.0.0.1:`, `"OSS_REGION=cn-hangzhou"`, `"MEMBER_ROLE_NAME=`)
	for _, name := range []string{"OSS_BUCKET", "HOME", "HTTPS_PROXY"} {
		if strings.Contains(out, `"`+name+"=of-the-shell") {
			t.Errorf("the function got %s of the shell", name)
		}
	}
}

func isUsage(err error) bool {
	var usage interface{ Usage() bool }
	return errors.As(err, &usage) && usage.Usage()
}

func TestLocalRefusesArguments(t *testing.T) {
	for _, tt := range []struct{ name, args, want string }{
		{"no days", "-days 0", `-days is "0": want a number from 1 to 3650, such as -days 90`},
		{"days in words", "-days ten", `-days is "ten": want a number from 1 to 3650, such as -days 90`},
		{"no number", "-days", `-days has no value: want such as -days 90; -h shows examples`},
		{"an unknown flag", "-day 3", `-day is no flag: want such as -days 90; -h lists them`},
		{"a word", "-v today", `"today" is no flag: want flags alone, such as -days 90; -h lists them`},
		{"a day that is none", "-date 2026-02-29", `-date is "2026-02-29": want a day, today at the latest, such as -date 2026-11-23`},
		{"tomorrow", "-date 2026-11-27", `-date is "2026-11-27": want a day, today at the latest, such as -date 2026-11-23`},
		{"an event and days", "-event {} -days 3", `-event and -days are both given: want one of them, since -days is about the timer's events`},
		{"a gap elsewhere", "-days 3 -gap 3", `-gap is "3": want a day from 2026-11-24 to 2026-11-26, which are played, or how many days before the last, such as -days 90 -gap 12`},
		{"nothing but gaps", "-gap 0", `-gap leaves no day to play: want more days, such as -days 90 -gap 12`},
		{"a drop before", "-days 3 -drop 3", `-drop is 3: want a day among the 3 that are played, such as -days 93 -drop 3`},
		{"numbers of a stranger", "-protect 99=", `-protect is of account "99", which is not played: want one from 1234567890123456 to 1234567890123456, or more of them, such as -accounts 3`},
		{"numbers of one too many", "-accounts 2 -protect 1234567890123458=", `-protect is of account "1234567890123458", which is not played: want one from 1234567890123456 to 1234567890123457, or more of them, such as -accounts 3`},
		{"a loss of fixed numbers", "-drop 0 -protect 1234567890123456=", `-drop and -protect 1234567890123456 are both given: want one of them, since -drop is about the numbers of that account, which -protect fixes`},
		{"half a second", "-timeout 1.5s", `-timeout is "1.5s": want whole seconds up to 24h, such as -timeout 60s`},
		{"too many accounts", "-accounts 1001", `-accounts is "1001": want a number from 1 to 1000, such as -accounts 3`},
		{"an empty folder", "-dir=", `-dir is "": want a folder, such as -dir .local/bucket`},
		{"an unknown fault", "-fault fire", `-fault is "fire": want ` + wantedFault()},
		{"a fault for ever", "-fault error-500x0", `-fault is "error-500x0": want ` + wantedFault()},
		{"a fault of another service", "-fault success-false@oss", `-fault is "success-false@oss": want ` + wantedFault()},
	} {
		tr := newTrial(t)
		out, err := tr.run(strings.Fields(tt.args)...)
		if err == nil || err.Error() != "local: "+tt.want || !isUsage(err) || out != "" {
			t.Errorf("%s: error = %v, output %q\nwant only %s", tt.name, err, out, tt.want)
		}
	}
	tr := newTrial(t)
	tr.dir = filepath.Join(tr.command.path, "below a file")
	if _, err := tr.run(); !isUsage(err) {
		t.Errorf("a folder that can't be: error = %v", err)
	}
}

func TestLocalExplainsItself(t *testing.T) {
	tr := newTrial(t)
	out, err := tr.run("-h")
	if err != nil {
		t.Errorf("error = %v", err)
	}
	contains(t, out, FaultKinds()...)
	contains(t, out, passedOn...)
	contains(t, out, services()...)
	contains(t, out, "-days N", "-event TEXT", "-date DAY", "-dir FOLDER", "-accounts N", "-gap DAY", "-drop DAYS", "-fault FAULT", "-timeout TIME", "  -v ")
}

// A trigger calls do at the first write.
type trigger struct {
	io.Writer
	do func()
}

func (w trigger) Write(p []byte) (int, error) {
	w.do()
	return w.Writer.Write(p)
}

func TestLocalCanBeInterrupted(t *testing.T) {
	tr := newTrial(t)
	ctx, interrupt := context.WithCancel(t.Context())
	tr.command.stdout, tr.command.stderr = trigger{&tr.out, interrupt}, &tr.log
	err := tr.command.run(ctx, []string{"-dir", tr.dir, "-days", "1000"})
	if err == nil || !strings.Contains(err.Error(), "interrupted") || !strings.Contains(err.Error(), tr.dir) {
		t.Errorf("error = %v, want one that says where the documents are", err)
	}
}

func TestTreeShortensLongLists(t *testing.T) {
	tr := &trial{t: t, dir: t.TempDir()}
	for _, path := range []string{"a/1", "a/2", "a/3", "a/4", "a/5", "a/6/x", "b/c/d", "b/c/e/f", ".partial-x"} {
		path = filepath.Join(tr.dir, path)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte("five!"), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	tree := new(node)
	if err := tree.read(tr.dir); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		shorten bool
		want    string
	}{
		{true, "├── a/|│   ├── 1 5 B|│   ├── … 4 more 20 B|│   └── 6/x 5 B|└── b/c/|    ├── d 5 B|    └── e/f 5 B"},
		{false, "├── a/|│   ├── 1 5 B|│   ├── 2 5 B|│   ├── 3 5 B|│   ├── 4 5 B|│   ├── 5 5 B|│   └── 6/x 5 B|└── b/c/|    ├── d 5 B|    └── e/f 5 B"},
	} {
		var lines []string
		for _, line := range tree.lines(tt.shorten) {
			lines = append(lines, strings.TrimRight(line.text+" "+line.size, " "))
		}
		if got := strings.Join(lines, "|"); got != tt.want || tree.files != 8 || tree.bytes != 40 {
			t.Errorf("shorten %v: %s (%d files, %d bytes)\nwant %s", tt.shorten, got, tree.files, tree.bytes, tt.want)
		}
	}
}

func TestAnswerShortensVeryLongLists(t *testing.T) {
	list := func(n int) string { return strings.TrimSuffix(strings.Repeat(`{"a":[1]},`, n), ",") }
	for _, tt := range []struct{ name, body, want string }{
		{"a long list", `{"b":[` + list(20) + `]}`, `{"b":[` + list(20) + `]}`},
		{"a very long list", `{"b":[` + list(21) + `],"c":1}`, `{"b":[{"a":[1]},…19more{"a":[1]}],"c":1}`},
		{"a very long list in a list", `{"b":[{"c":[` + list(30) + `]}]}`, `{"b":[{"c":[{"a":[1]},…28more{"a":[1]}]}]}`},
		{"what is no JSON", `{"b":[`, `{"b":[`},
	} {
		var out strings.Builder
		(&screen{out: &out}).showAnswer("Answer", []byte(tt.body))
		if got := strings.Join(strings.Fields(out.String()), ""); got != "Answer"+tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}
