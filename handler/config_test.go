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
	cfg := config(t)
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
	const host = "want https and a host alone, such as "
	for _, tt := range []struct{ setting, want string }{
		{"OSS_BUCKET=", "OSS_BUCKET is not set: want the bucket that receives the objects, 3 to 63 lower-case letters, digits and -, such as acme-reports"},
		{"OSS_BUCKET=Acme", `OSS_BUCKET is "Acme": want the bucket that receives the objects, 3 to 63 lower-case letters, digits and -, such as acme-reports`},
		{"OSS_PREFIX=a//b", `OSS_PREFIX is "a//b": want parts between slashes, such as backup-statistics/`},
		{"OSS_PREFIX=../a", `OSS_PREFIX is "../a": want parts between slashes, such as backup-statistics/`},
		{"OSS_REGION=oss-cn-hangzhou", `OSS_REGION is "oss-cn-hangzhou": want a region's id, such as cn-hangzhou`},
		{"FC_REGION=nowhere", `FC_REGION is "nowhere": want a region's id, such as cn-hangzhou`},
		{"OSS_ENDPOINT=oss-cn-hangzhou.aliyuncs.com", `OSS_ENDPOINT is "oss-cn-hangzhou.aliyuncs.com": ` + host + "https://oss-cn-hangzhou-internal.aliyuncs.com (http on loopback only)"},
		{"OSS_ENDPOINT=http://oss-cn-hangzhou.aliyuncs.com", `OSS_ENDPOINT is "http://oss-cn-hangzhou.aliyuncs.com": ` + host + "https://oss-cn-hangzhou-internal.aliyuncs.com (http on loopback only)"},
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
		{"DEBUG=dara", "DEBUG is set, which makes the SDKs print the credentials: want it unset"},
		{"CONCURRENCY=0", `CONCURRENCY is "0": want a number from 1 to 256, such as 32`},
		{"ALERT_RULES=colour=3", "ALERT_RULES: "},
		{"MEMBER_ROLE_ARNS=acs:ram::7:role/a,acs:ram::7:role/b", "MEMBER_ROLE_ARNS names two roles of account 7: want one an account"},
		{"LOG_LEVEL=loud", `LOG_LEVEL is "loud": want debug, info, warn or error`},
	} {
		env := map[string]string{"OSS_BUCKET": "acme-reports", "FC_REGION": "cn-hangzhou"}
		name, value, _ := strings.Cut(tt.setting, "=")
		env[name] = value
		_, err := LoadConfig(func(name string) string { return env[name] })
		var config *ConfigError
		if !errors.As(err, &config) || config.Problems[0] != tt.want && (tt.want != "ALERT_RULES: " || !strings.HasPrefix(config.Problems[0], tt.want)) {
			t.Errorf("%s: got  %v\nwant %s", tt.setting, err, tt.want)
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
	delete(asked, "DEBUG")     // only to refuse it
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
			if err != nil || u.Host == "" || u.Scheme != "https" && (u.Scheme != "http" || !slices.Contains([]string{"localhost", "::1"}, u.Hostname()) && !strings.HasPrefix(u.Hostname(), "127.") && !strings.HasPrefix(u.Hostname(), "::ffff:")) {
				t.Errorf("%q is accepted as an endpoint: %+v", address, u)
			}
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
