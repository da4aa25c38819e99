package handler

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"testing"

	"backup-statistics/report"
)

func TestLoadConfigDefaults(t *testing.T) {
	cfg := config(t, "MAX_EVENT_AGE=")
	got := fmt.Sprintln(cfg.Bucket, cfg.Prefix, cfg.OSSRegion, cfg.OSSEndpoint, cfg.BackupEndpoint, cfg.STSEndpoint, cfg.DirectoryEndpoint, cfg.SourceTypes, cfg.Zone, cfg.MaxEventAge, cfg.FreeQuotaBytes, cfg.LogLevel)
	want := fmt.Sprintln("acme-reports", "backup-statistics/", "cn-hangzhou", "https://oss-cn-hangzhou-internal.aliyuncs.com", "https://hbr.cn-hangzhou.aliyuncs.com", "https://sts.cn-hangzhou.aliyuncs.com", "https://resourcedirectory.aliyuncs.com", []string{"ECS_FILE"}, "Asia/Shanghai", "12h0m0s", int64(107374182400), "INFO")
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestLoadConfigPrefix(t *testing.T) {
	for value, want := range map[string]string{"a/b/": "a/b/", "a/b": "a/b/", "/a/": "a/", "/": "", "": "backup-statistics/"} {
		if got := config(t, "OSS_PREFIX="+value).Prefix; got != want {
			t.Errorf("OSS_PREFIX %q: prefix %q, want %q", value, got, want)
		}
	}
}

func TestLoadConfigRefuses(t *testing.T) {
	const (
		host    = "want https and a host alone, such as "
		several = "WEBHOOK_URL holds more than one address, not shown, since they are secrets: want one; to tell several receivers, send to one that hands on"
	)
	for _, tt := range []struct{ setting, want string }{
		{"OSS_BUCKET=", "OSS_BUCKET is not set: want the bucket that receives the objects, 3 to 63 lower-case letters, digits and -, such as acme-reports"},
		{"OSS_BUCKET=Acme", `OSS_BUCKET is "Acme": want the bucket that receives the objects, 3 to 63 lower-case letters, digits and -, such as acme-reports`},
		{"OSS_PREFIX=a//b", `OSS_PREFIX is "a//b": want parts between slashes, such as backup-statistics/`},
		{"OSS_PREFIX=../a", `OSS_PREFIX is "../a": want parts between slashes, such as backup-statistics/`},
		{"OSS_REGION=oss-cn-hangzhou", `OSS_REGION is "oss-cn-hangzhou": want a region's id, such as cn-hangzhou`},
		{"OSS_REGION=cn-beijing-internal", `OSS_REGION is "cn-beijing-internal": want a region's id, such as cn-hangzhou`},
		{"OSS_REGION=cn-beijing OSS_ENDPOINT=https://oss-cn-shanghai-internal.aliyuncs.com", "OSS_ENDPOINT is of cn-shanghai and OSS_REGION is cn-beijing: want both of the bucket's region, or one of them"},
		{"OSS_REGION=cn-beijing OSS_ENDPOINT=https://cn-shanghai.oss.aliyuncs.com", "OSS_ENDPOINT is of cn-shanghai and OSS_REGION is cn-beijing: want both of the bucket's region, or one of them"},
		{"OSS_ENDPOINT=https://acme-reports.oss-cn-hangzhou.aliyuncs.com", `OSS_ENDPOINT is "acme-reports.oss-cn-hangzhou.aliyuncs.com": want it without the bucket, which is put before it`},
		{"OSS_ENDPOINT=https://ak:sk@oss-cn-hangzhou.aliyuncs.com?token=x", `OSS_ENDPOINT is "…@oss-cn-hangzhou.aliyuncs.com?…": ` + host + "https://oss-cn-hangzhou-internal.aliyuncs.com (http on loopback only)"},
		{"FC_REGION=nowhere", `FC_REGION is "nowhere": want a region's id, such as cn-hangzhou`},
		{"OSS_ENDPOINT=oss-cn-hangzhou.aliyuncs.com", `OSS_ENDPOINT is "oss-cn-hangzhou.aliyuncs.com": ` + host + "https://oss-cn-hangzhou-internal.aliyuncs.com (http on loopback only)"},
		{"OSS_ENDPOINT=http://oss-cn-hangzhou.aliyuncs.com", `OSS_ENDPOINT is "http://oss-cn-hangzhou.aliyuncs.com": ` + host + "https://oss-cn-hangzhou-internal.aliyuncs.com (http on loopback only)"},
		{"OSS_ENDPOINT=http://oss-cn-hangzhou.localhost.example.com", `OSS_ENDPOINT is "http://oss-cn-hangzhou.localhost.example.com": ` + host + "https://oss-cn-hangzhou-internal.aliyuncs.com (http on loopback only)"},
		{"CLOUD_BACKUP_ENDPOINT=https://hbr.cn-hangzhou.aliyuncs.com/path", `CLOUD_BACKUP_ENDPOINT is "https://hbr.cn-hangzhou.aliyuncs.com/path": ` + host + "https://hbr.cn-hangzhou.aliyuncs.com (http on loopback only)"},
		{"STS_ENDPOINT=ftp://x", `STS_ENDPOINT is "ftp://x": ` + host + "https://sts.cn-hangzhou.aliyuncs.com (http on loopback only)"},
		{"RESOURCE_DIRECTORY_ENDPOINT=https://", `RESOURCE_DIRECTORY_ENDPOINT is "https://": ` + host + "https://resourcedirectory.aliyuncs.com (http on loopback only)"},
		{"SOURCE_TYPES=ECS_FILE,oss", `SOURCE_TYPES: "oss" is no source type: want capital letters, digits and _, such as ECS_FILE`},
		{"SOURCE_TYPES=,", `SOURCE_TYPES is ",": want a comma-separated list, such as ECS_FILE`},
		{"TIME_ZONE=Shanghai", `TIME_ZONE is "Shanghai": want an IANA name, such as Asia/Shanghai or UTC`},
		{"TIME_ZONE=Local", `TIME_ZONE is "Local": want an IANA name, such as Asia/Shanghai or UTC`},
		{"MAX_EVENT_AGE=12", `MAX_EVENT_AGE is "12": want a time from 1m to 876000h, such as 12h`},
		{"MAX_EVENT_AGE=59s", `MAX_EVENT_AGE is "59s": want a time from 1m to 876000h, such as 12h`},
		{"MAX_EVENT_AGE=876001h", `MAX_EVENT_AGE is "876001h": want a time from 1m to 876000h, such as 12h`},
		{"MEMBER_ROLE_ARNS=role/x", `MEMBER_ROLE_ARNS: "role/x" is no role: want such as acs:ram::1234567890123456:role/backup-statistics-member`},
		{"MEMBER_ROLE_NAME=a/b", `MEMBER_ROLE_NAME is "a/b": want a role's name, such as backup-statistics-member`},
		{"FREE_QUOTA_BYTES=100GiB", `FREE_QUOTA_BYTES is "100GiB": want a number of bytes above 0, such as 107374182400`},
		{"WEBHOOK_URL=http://example.com/token", "WEBHOOK_URL is not shown, since its address is a secret: want https and a host, such as https://oapi.dingtalk.com/robot/send?access_token=… (http on loopback only)"},
		{"WEBHOOK_URL=https://user:word@example.com/hook", "WEBHOOK_URL has a user before its host, and is not shown, since its address is a secret: want what the receiver checks in its path or query"},
		{"WEBHOOK_URL=https://a.example.com/token,https://b.example.com/token", several},
		{"WEBHOOK_URL=https://a.example.com/token;https://b.example.com/token", several},
		{"WEBHOOK_URL=https://a.example.com/tokenhttps://b.example.com/token", several},
		{"WEBHOOK_URL=https://a.example.com/?a=token,https://b.example.com/token", several},
		{"WEBHOOK_URL=https://a.example.com/token\thttps://b.example.com/token", several},
		{"WEBHOOK_KIND=teams", `WEBHOOK_KIND is "teams": want dingtalk, feishu, wecom, slack or json, or nothing where the host tells it`},
		{"WEBHOOK_URL=https://hooks.slack.com/services/T0/B0/x WEBHOOK_KIND=feishu", "WEBHOOK_KIND is feishu, and WEBHOOK_URL is of hooks.slack.com: want slack, or nothing, since the host tells it"},
		{"WEBHOOK_URL=https://oapi.dingtalk.com/robot/send?access_token=x WEBHOOK_KIND=json", "WEBHOOK_KIND is json, and WEBHOOK_URL is of oapi.dingtalk.com: want dingtalk, or nothing, since the host tells it"},
		{"HEARTBEAT_URL=http://hc-ping.com/token", "HEARTBEAT_URL is not shown, since its address is a secret: want https and a host, such as https://hc-ping.com/… (http on loopback only)"},
		{"HEARTBEAT_URL=https://a.example.com/token,https://b.example.com/token", strings.Replace(several, "WEBHOOK", "HEARTBEAT", 1)},
		{"WEBHOOK_URL=https://oapi.dingtalk.com/robot/send?access_token=abc，https://oapi.dingtalk.com/robot/send?access_token=def", several},
		{"WEBHOOK_URL=https://oapi.dingtalk.com/robot/send?access_token=abchttps://oapi.dingtalk.com/robot/send?access_token=def", several},
		{"WEBHOOK_URL=https://oapi.dingtalk.com./robot/send", "WEBHOOK_URL is of oapi.dingtalk.com., and lacks access_token: want the whole address, such as https://oapi.dingtalk.com/robot/send?access_token=…"},
		{"WEBHOOK_URL=https://oapi.dingtalk.com/robot/send?access_token=…", "WEBHOOK_URL is of oapi.dingtalk.com, and lacks access_token: want the whole address, such as https://oapi.dingtalk.com/robot/send?access_token=…"},
		{"WEBHOOK_URL=https://oapi.dingtalk.com/robot/send", "WEBHOOK_URL is of oapi.dingtalk.com, and lacks access_token: want the whole address, such as https://oapi.dingtalk.com/robot/send?access_token=…"},
		{"WEBHOOK_URL=https://oapi.dingtalk.com/robot/send?access_token=", "WEBHOOK_URL is of oapi.dingtalk.com, and lacks access_token: want the whole address, such as https://oapi.dingtalk.com/robot/send?access_token=…"},
		{"WEBHOOK_URL=https://qyapi.weixin.qq.com/cgi-bin/webhook/send", "WEBHOOK_URL is of qyapi.weixin.qq.com, and lacks key: want the whole address, such as https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=…"},
		{"WEBHOOK_URL=https://Open.Feishu.cn/open-apis/bot/v2/hook/", "WEBHOOK_URL is of open.feishu.cn, and lacks the token after hook/: want the whole address, such as https://open.feishu.cn/open-apis/bot/v2/hook/…"},
		{"WEBHOOK_URL=https://open.larksuite.com", "WEBHOOK_URL is of open.larksuite.com, and lacks the token after hook/: want the whole address, such as https://open.feishu.cn/open-apis/bot/v2/hook/…"},
		{"WEBHOOK_URL=https://hooks.slack.com/services/T0/B0", "WEBHOOK_URL is of hooks.slack.com, and lacks its path: want the whole address, such as https://hooks.slack.com/services/…/…/…"},
		{"MEMBER_EXTERNAL_ID=a", "MEMBER_EXTERNAL_ID is not shown, since it is a secret: want 2 to 1224 letters, digits and _+=,.@:/-"},
		{"MEMBER_EXTERNAL_ID=acme!2026", "MEMBER_EXTERNAL_ID is not shown, since it is a secret: want 2 to 1224 letters, digits and _+=,.@:/-"},
		{"EXCLUDE_ACCOUNTS=7,acme-eu", `EXCLUDE_ACCOUNTS: "acme-eu" is no account id: `},
		{"PAGE_URL=http://reports.example.com/?Signature=x", `PAGE_URL is "http://reports.example.com/?…": want https and where the page is, such as https://reports.example.com/backup-statistics/report/index.html (http on loopback only)`},
		{"PAGE_URL=https://user@reports.example.com", `PAGE_URL is "…@reports.example.com": want https and where the page is, such as https://reports.example.com/backup-statistics/report/index.html (http on loopback only)`},
		{"REPORT_LANGUAGE=fr", `REPORT_LANGUAGE is "fr": want en or zh-CN`},
		{"DEBUG=dara", "DEBUG is set, which makes the SDKs print the credentials: want it unset"},
		{"CONCURRENCY=0", `CONCURRENCY is "0": want a number from 1 to 256, such as 32`},
		{"ALERT_RULES=colour=3", "ALERT_RULES: "},
		{"MEMBER_ROLE_ARNS=acs:ram::7:role/a,acs:ram::7:role/b", "MEMBER_ROLE_ARNS names two roles of account 7: want one an account"},
		{"LOG_LEVEL=loud", `LOG_LEVEL is "loud": want debug, info, warn or error`},
	} {
		env := map[string]string{"OSS_BUCKET": "acme-reports", "FC_REGION": "cn-hangzhou"}
		for setting := range strings.SplitSeq(tt.setting, " ") {
			name, value, _ := strings.Cut(setting, "=")
			env[name] = value
		}
		_, err := LoadConfig(func(name string) string { return env[name] })
		var config *ConfigError
		if !errors.As(err, &config) || config.Problems[0] != tt.want && (!strings.HasSuffix(tt.want, ": ") || !strings.HasPrefix(config.Problems[0], tt.want)) {
			t.Errorf("%s: got  %v\nwant %s", tt.setting, err, tt.want)
		}
	}
}

// TestLoadConfigAccepts what only looks like a mistake.
func TestLoadConfigAccepts(t *testing.T) {
	for _, setting := range []string{
		"WEBHOOK_URL=https://oapi.dingtalk.com/robot/send?access_token=x", "WEBHOOK_URL=https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=x",
		"WEBHOOK_URL=https://open.feishu.cn/open-apis/bot/v2/hook/x", "WEBHOOK_URL=https://open.larksuite.com/open-apis/bot/hook/x",
		"WEBHOOK_URL=https://hooks.slack.com/services/T0/B0/x", "WEBHOOK_URL=https://hooks.slack.com/workflows/x",
		"WEBHOOK_URL=https://gateway.example.com/to?next=https://oapi.dingtalk.com/robot/send", "WEBHOOK_URL=https://hooks.example.com/a@b/c,d;e",
		"MEMBER_EXTERNAL_ID=Acme_2026+=,.@:/-", "EXCLUDE_ACCOUNTS=", "PAGE_URL=https://reports.example.com/index.html?x=1,2", "PAGE_URL=http://127.0.0.1:8080/",
		"OSS_ENDPOINT=https://acme-reports.example.com",
	} {
		config(t, setting)
	}
	cfg := config(t, "EXCLUDE_ACCOUNTS=8, 7,8", "REPORT_LANGUAGE=zh-cn")
	if !slices.Equal(cfg.ExcludeAccounts, []string{"7", "8"}) || cfg.ReportLanguage != "zh-CN" || config(t).ReportLanguage != "en" {
		t.Errorf("accounts %q are excluded, the language is %q", cfg.ExcludeAccounts, cfg.ReportLanguage)
	}
}

// TestBucketRegion wants the bucket's region from what names it, and an endpoint that
// is reached from where the function is.
func TestBucketRegion(t *testing.T) {
	for _, tt := range []struct{ region, endpoint, wantRegion, wantEndpoint string }{
		{"", "", "cn-hangzhou", "https://oss-cn-hangzhou-internal.aliyuncs.com"},
		{"cn-hangzhou", "", "cn-hangzhou", "https://oss-cn-hangzhou-internal.aliyuncs.com"},
		{"cn-shanghai", "", "cn-shanghai", "https://oss-cn-shanghai.aliyuncs.com"},
		{"", "https://oss-cn-shanghai.aliyuncs.com", "cn-shanghai", ""},
		{"", "https://OSS-cn-shanghai-internal.aliyuncs.com", "cn-shanghai", ""},
		{"", "https://cn-shanghai.oss.aliyuncs.com", "cn-shanghai", ""},
		{"", "https://vpc100-oss-cn-shanghai.aliyuncs.com", "cn-shanghai", ""},
		{"", "https://s3.oss-ap-southeast-1-internal.aliyuncs.com", "ap-southeast-1", ""},
		{"", "https://oss-cn-north-2-gov-1-internal.aliyuncs.com", "cn-north-2-gov-1", ""},
		{"", "https://oss-accelerate-overseas.aliyuncs.com", "cn-hangzhou", ""},
		{"", "https://oss-internal.aliyuncs.com", "cn-hangzhou", ""},
		{"", "https://cn-beijing-internal.oss-data-acc.aliyuncs.com", "cn-hangzhou", ""},
		{"", "https://reports.example.com", "cn-hangzhou", ""},
		{"", "https://oss-cn-shanghai.aliyuncs.com.example.com", "cn-hangzhou", ""},
		{"cn-hangzhou-finance", "https://oss-cn-hzjbp-a-internal.aliyuncs.com", "cn-hangzhou-finance", ""},
		{"cn-shenzhen-finance-1", "https://oss-cn-szfinance.aliyuncs.com", "cn-shenzhen-finance-1", ""},
		{"cn-shanghai-finance-1", "https://oss-cn-shanghai-finance-1-pub.aliyuncs.com", "cn-shanghai-finance-1", ""},
	} {
		cfg := config(t, "OSS_REGION="+tt.region, "OSS_ENDPOINT="+tt.endpoint)
		if want := cmp.Or(tt.wantEndpoint, tt.endpoint); cfg.OSSRegion != tt.wantRegion || cfg.OSSEndpoint != want {
			t.Errorf("OSS_REGION %q, OSS_ENDPOINT %q: %s at %s, want %s at %s", tt.region, tt.endpoint, cfg.OSSRegion, cfg.OSSEndpoint, tt.wantRegion, want)
		}
	}
}

func TestLoadConfigNamesAllProblems(t *testing.T) {
	env := map[string]string{"TIME_ZONE": "x", "LOG_LEVEL": "y", "SOURCE_TYPES": "z", "MEMBER_ROLE_NAME": "a", "MEMBER_ROLE_ARNS": "acs:ram::1:role/a"}
	_, err := LoadConfig(func(name string) string { return env[name] })
	for _, name := range []string{"OSS_BUCKET", "OSS_REGION", "FC_REGION", "CLOUD_BACKUP_ENDPOINT", "TIME_ZONE", "LOG_LEVEL", "SOURCE_TYPES", "MEMBER_ROLE_ARNS and MEMBER_ROLE_NAME"} {
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("error %v, want it to name %s", err, name)
		}
	}
}

// Variables is what the README's table is held against, so it must be all that
// is read.
func TestVariables(t *testing.T) {
	asked := map[string]bool{}
	LoadConfig(func(name string) string { asked[name] = true; return "" })
	for _, name := range Variables() {
		if !asked[name] {
			t.Errorf("%s is listed, and never read", name)
		}
		delete(asked, name)
	}
	delete(asked, "FC_REGION") // Function Compute sets it
	delete(asked, "FC_FUNCTION_NAME")
	delete(asked, "DEBUG") // only to refuse it
	if len(asked) > 0 {
		t.Errorf("%v are read, and not listed", asked)
	}
}

func TestSecretsDoNotPrint(t *testing.T) {
	const planted = "planted-secret"
	cfg := config(t, "WEBHOOK_URL=https://example.com/"+planted, "WEBHOOK_SECRET="+planted, "MEMBER_EXTERNAL_ID="+planted)
	var b bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
		fmt.Fprintf(&b, verb+"\n", *cfg)
		fmt.Fprintf(&b, verb+"\n", cfg.WebhookSecret)
	}
	slog.New(slog.NewTextHandler(&b, nil)).Info("config", "config", cfg, "secret", cfg.WebhookURL)
	slog.New(slog.NewJSONHandler(&b, nil)).Info("config", "config", cfg, "secret", cfg.WebhookURL)
	json.NewEncoder(&b).Encode(cfg.WebhookURL)
	if strings.Contains(b.String(), planted) || strings.Contains(b.String(), fmt.Sprintf("%x", planted)) {
		t.Errorf("a secret is printed:\n%s", b.String())
	}
	if cfg.WebhookSecret.Reveal() != planted {
		t.Error("the secret is lost")
	}
}

// Settings that are accepted can work, whatever they are: what is signed goes
// over https or stays on this machine, and keys stay below the prefix.
func FuzzLoadConfig(f *testing.F) {
	f.Add("acme-reports", "backup-statistics/", "cn-hangzhou", "https://oss-cn-hangzhou.aliyuncs.com", "ECS_FILE,OSS", "acs:ram::7:role/a, acs:ram::8:role/b", "107374182400")
	f.Add("-a", "/../", "oss-cn-hangzhou", "http://127.0.0.1.example.com", ",", "acs:ram::7:role/a,acs:ram::7:role/b", "-0")
	f.Add("abc", "a//b", "a-", "http://[::1]:8080/", "A,A", "acs:ram::7:role/:role/b", "+1")
	f.Add("a.b", "", "cn-a", "https://user@oss", "a", "", "1e9")
	f.Fuzz(func(t *testing.T, bucket, prefix, region, endpoint, types, roles, quota string) {
		env := map[string]string{
			"OSS_BUCKET": bucket, "OSS_PREFIX": prefix, "FC_REGION": region, "OSS_ENDPOINT": endpoint, "CLOUD_BACKUP_ENDPOINT": endpoint,
			"STS_ENDPOINT": endpoint, "WEBHOOK_URL": endpoint, "SOURCE_TYPES": types, "MEMBER_ROLE_ARNS": roles, "FREE_QUOTA_BYTES": quota,
		}
		cfg, err := LoadConfig(func(name string) string { return env[name] })
		if err != nil {
			if config := (*ConfigError)(nil); !errors.As(err, &config) || len(config.Problems) == 0 || cfg != nil {
				t.Errorf("error %T and %v, want a *ConfigError with problems and nothing", err, cfg)
			}
			return
		}
		if key := cfg.Prefix + report.LatestKey; !fs.ValidPath(key) || !strings.HasSuffix("/"+cfg.Prefix, "/") {
			t.Errorf("OSS_PREFIX %q gives the key %q", prefix, key)
		}
		for _, address := range []string{cfg.OSSEndpoint, cfg.BackupEndpoint, cfg.STSEndpoint, cfg.DirectoryEndpoint, cmp.Or(cfg.WebhookURL.Reveal(), "https://none")} {
			u, err := url.Parse(address)
			if err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && (u.Scheme != "http" || !slices.Contains([]string{"localhost", "::1"}, u.Hostname()) && !strings.HasSuffix(u.Hostname(), ".localhost") && !strings.HasPrefix(u.Hostname(), "127.") && !strings.HasPrefix(u.Hostname(), "::ffff:")) {
				t.Errorf("%q is accepted as an endpoint: %+v", address, u)
			}
		}
		if u, _ := url.Parse(cfg.OSSEndpoint); strings.Contains(u.Host, cfg.Bucket+"."+"oss-") || hostRegion(u.Host) != "" && hostRegion(u.Host) != cfg.OSSRegion {
			t.Errorf("the endpoint %q is accepted for bucket %s in %s", cfg.OSSEndpoint, cfg.Bucket, cfg.OSSRegion)
		}
		accounts := make(map[string]bool)
		for _, arn := range cfg.MemberRoleARNs {
			account, role := SplitRoleARN(arn)
			if accounts[account] || report.CheckAccount(account) != nil || role == "" || "acs:ram::"+account+":role/"+role != arn {
				t.Errorf("MEMBER_ROLE_ARNS %q gives %q: account %q, role %q", roles, arn, account, role)
			}
			accounts[account] = true
		}
		if len(cfg.SourceTypes) == 0 || !slices.IsSorted(cfg.SourceTypes) || cfg.FreeQuotaBytes < 1 || cfg.Zone == nil {
			t.Errorf("source types %q, quota %d, zone %v", cfg.SourceTypes, cfg.FreeQuotaBytes, cfg.Zone)
		}
	})
}
