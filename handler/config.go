package handler

import (
	"cmp"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"backup-statistics/handler/redact"
	"backup-statistics/report"
	"backup-statistics/report/zones"
)

// A Config is what a deployment sets. It outlives invocations; credentials are
// no part of it.
type Config struct {
	Bucket string // OSS_BUCKET: receives the objects
	Prefix string // OSS_PREFIX: begins each key; empty, or ends in "/"
	Region string // FC_REGION: where the function runs; defaults of the following

	OSSRegion         string // OSS_REGION: the bucket's region, for V4 signing
	OSSEndpoint       string // OSS_ENDPOINT
	BackupEndpoint    string // CLOUD_BACKUP_ENDPOINT
	STSEndpoint       string // STS_ENDPOINT: for many accounts, and for a workstation
	DirectoryEndpoint string // RESOURCE_DIRECTORY_ENDPOINT: for discovered accounts

	SourceTypes []string       // SOURCE_TYPES: what to ask for, sorted
	Zone        *time.Location // TIME_ZONE: says which day an instant belongs to
	MaxEventAge time.Duration  // MAX_EVENT_AGE: how long after its triggerTime an event is still filed under its day

	MemberRoleARNs   []string // MEMBER_ROLE_ARNS: roles to assume, one a member account
	MemberRoleName   string   // MEMBER_ROLE_NAME: role to assume in every account of the directory
	MemberExternalID Secret   // MEMBER_EXTERNAL_ID
	ExcludeAccounts  []string // EXCLUDE_ACCOUNTS: ids that are left out on purpose, sorted
	Concurrency      int      // CONCURRENCY: accounts collected at once

	FreeQuotaBytes int64        // FREE_QUOTA_BYTES: free quota of one account
	AlertRules     report.Rules // ALERT_RULES: what deserves a person
	WebhookURL     Secret       // WEBHOOK_URL: where alerts go; its address is a capability
	WebhookSecret  Secret       // WEBHOOK_SECRET: signs alerts
	WebhookKind    string       // WEBHOOK_KIND: whose form they take, such as KindSlack; empty: told by the host
	HeartbeatURL   Secret       // HEARTBEAT_URL: told of each complete day; its address is a capability
	PageURL        string       // PAGE_URL: where people open the page; empty, or https
	ReportLanguage string       // REPORT_LANGUAGE: of the page and the messages, "en" or "zh-CN"
	LogLevel       slog.Level   // LOG_LEVEL
	Function       string       // FC_FUNCTION_NAME: names the deployment, with the bucket
}

// readers are who messages and the page are for.
func (c *Config) readers() report.Readers {
	name := c.Bucket + "/" + c.Prefix
	if c.Function != "" {
		name = c.Function + ", " + name
	}
	return report.Readers{Language: c.ReportLanguage, Deployment: name, PageURL: c.PageURL}
}

// Variables are the environment variables that LoadConfig reads, besides
// FC_REGION and FC_FUNCTION_NAME, which Function Compute sets.
func Variables() []string {
	return []string{
		"OSS_BUCKET", "OSS_PREFIX", "OSS_REGION", "OSS_ENDPOINT",
		"CLOUD_BACKUP_ENDPOINT", "STS_ENDPOINT", "RESOURCE_DIRECTORY_ENDPOINT",
		"SOURCE_TYPES", "TIME_ZONE", "MAX_EVENT_AGE",
		"MEMBER_ROLE_ARNS", "MEMBER_ROLE_NAME", "MEMBER_EXTERNAL_ID", "EXCLUDE_ACCOUNTS", "CONCURRENCY",
		"FREE_QUOTA_BYTES", "ALERT_RULES", "WEBHOOK_URL", "WEBHOOK_SECRET", "WEBHOOK_KIND", "PAGE_URL", "HEARTBEAT_URL", "REPORT_LANGUAGE", "LOG_LEVEL",
	}
}

// freeQuotaBytes is the free quota of one account over all regions: 100 GiB
// (Cloud Backup, ECS File Backup Essential Edition, billing).
const freeQuotaBytes = 100 << 30

// How many connections one account has to its bucket. A further one takes CPU, of which a
// small function gets a tenth, and saves round trips: where those are long, a day's six
// reads go side by side, and so do its six last writes.
const (
	NearConnections = 2
	FarConnections  = 6
)

// Connections is how many requests a service is sent at once where round trips to it are
// short, and how many where they are long. One account needs few; several go side by side.
func (c *Config) Connections() (near, far int) {
	if c.HasMembers() {
		return c.Concurrency, max(c.Concurrency, FarConnections)
	}
	return NearConnections, FarConnections
}

// HasMembers tells whether other accounts are collected besides the function's own.
func (c *Config) HasMembers() bool { return len(c.MemberRoleARNs) > 0 || c.MemberRoleName != "" }

// LoadConfig reads a Config through getenv. Its error is a [*ConfigError] that
// names all problems at once, so that one more deployment mends them all.
func LoadConfig(getenv func(string) string) (*Config, error) {
	l := loader{getenv: getenv}
	cfg := &Config{
		Bucket:            l.get("OSS_BUCKET", ""),
		Prefix:            strings.Trim(l.get("OSS_PREFIX", "backup-statistics/"), "/"),
		Region:            l.region("FC_REGION", ""),
		OSSEndpoint:       l.endpoint("OSS_ENDPOINT", "https://oss-cn-hangzhou-internal.aliyuncs.com"),
		BackupEndpoint:    l.endpoint("CLOUD_BACKUP_ENDPOINT", "https://hbr.cn-hangzhou.aliyuncs.com"),
		STSEndpoint:       l.endpoint("STS_ENDPOINT", "https://sts.cn-hangzhou.aliyuncs.com"),
		DirectoryEndpoint: l.endpoint("RESOURCE_DIRECTORY_ENDPOINT", "https://resourcedirectory.aliyuncs.com"),
		SourceTypes:       l.list("SOURCE_TYPES", "ECS_FILE", report.CheckSourceType),
		Zone:              l.zone("TIME_ZONE", "Asia/Shanghai"),
		MaxEventAge:       l.age("MAX_EVENT_AGE", "12h"),
		MemberRoleARNs:    l.list("MEMBER_ROLE_ARNS", "", checkRoleARN),
		MemberRoleName:    l.get("MEMBER_ROLE_NAME", ""),
		MemberExternalID:  l.externalID("MEMBER_EXTERNAL_ID"),
		ExcludeAccounts:   l.list("EXCLUDE_ACCOUNTS", "", report.CheckAccount),
		Concurrency:       l.concurrency("CONCURRENCY", 32),
		FreeQuotaBytes:    l.bytes("FREE_QUOTA_BYTES", freeQuotaBytes),
		AlertRules:        l.rules("ALERT_RULES"),
		WebhookURL:        l.webhook("WEBHOOK_URL"),
		WebhookSecret:     Secret(l.get("WEBHOOK_SECRET", "")),
		HeartbeatURL:      l.heartbeat("HEARTBEAT_URL"),
		PageURL:           l.page("PAGE_URL"),
		ReportLanguage:    l.language("REPORT_LANGUAGE", "en"),
		LogLevel:          l.level("LOG_LEVEL"),
		Function:          l.get("FC_FUNCTION_NAME", ""),
	}
	cfg.WebhookKind = l.kind("WEBHOOK_KIND", cfg.WebhookURL)
	if !bucketName(cfg.Bucket) {
		l.problem("OSS_BUCKET is %s: want the bucket that receives the objects, 3 to 63 lower-case letters, digits and -, such as acme-reports", shown(cfg.Bucket))
	}
	if cfg.Prefix != "" {
		cfg.Prefix += "/"
	}
	if err := checkPrefix(cfg.Prefix); err != nil {
		l.problem("OSS_PREFIX is %q: %v", l.get("OSS_PREFIX", ""), err)
	}
	if l.get("DEBUG", "") != "" {
		l.problem("DEBUG is set, which makes the SDKs print the credentials: want it unset")
	}
	l.regions(cfg)
	if cfg.MemberRoleName != "" && !made(cfg.MemberRoleName, roleName) {
		l.problem("MEMBER_ROLE_NAME is %q: want a role's name, such as backup-statistics-member", cfg.MemberRoleName)
	}
	for i, arn := range cfg.MemberRoleARNs {
		if account, _ := SplitRoleARN(arn); i > 0 && strings.HasPrefix(cfg.MemberRoleARNs[i-1], "acs:ram::"+account+":") {
			l.problem("MEMBER_ROLE_ARNS names two roles of account %s: want one an account", account)
		}
	}
	if cfg.MemberRoleName != "" && len(cfg.MemberRoleARNs) > 0 {
		l.problem("MEMBER_ROLE_ARNS and MEMBER_ROLE_NAME are both set: want one of them, roles listed by ARN or a name to assume in every account of the resource directory")
	}
	if len(l.problems) > 0 {
		return nil, &ConfigError{l.problems}
	}
	return cfg, nil
}

// regions gives the endpoints that are not set their defaults, finds the bucket's
// region, and asks for a region only where one is needed. What names the bucket's
// region, OSS_REGION or the host of OSS_ENDPOINT, goes before the function's own.
func (l *loader) regions(cfg *Config) {
	host := ""
	if u, err := url.Parse(cfg.OSSEndpoint); err == nil {
		host = strings.ToLower(u.Hostname())
	}
	stated, named := l.region("OSS_REGION", ""), hostRegion(host)
	if regionID(stated) && named != "" && stated != named {
		l.problem("OSS_ENDPOINT is of %s and OSS_REGION is %s: want both of the bucket's region, or one of them", named, stated)
	}
	if named != "" && strings.HasPrefix(host, strings.ToLower(cfg.Bucket)+".") {
		l.problem("OSS_ENDPOINT is %s: want it without the bucket, which is put before it", strconv.Quote(host))
	}
	cfg.OSSRegion = cmp.Or(stated, named, cfg.Region)
	if cfg.OSSRegion == "" {
		l.problem("OSS_REGION is not set, and neither is FC_REGION, which Function Compute sets: want the bucket's region, such as cn-hangzhou")
	}
	if cfg.Region == "" && cfg.BackupEndpoint == "" {
		l.problem("CLOUD_BACKUP_ENDPOINT has no default, since FC_REGION, which Function Compute sets, is not set: want one of them, such as https://hbr.cn-hangzhou.aliyuncs.com or cn-hangzhou")
	}
	inside := "-internal" // reached from the bucket's own region only
	if cfg.OSSRegion != cfg.Region {
		inside = ""
	}
	cfg.OSSEndpoint = cmp.Or(cfg.OSSEndpoint, "https://oss-"+cfg.OSSRegion+inside+".aliyuncs.com")
	cfg.BackupEndpoint = cmp.Or(cfg.BackupEndpoint, "https://hbr."+cfg.Region+".aliyuncs.com")
	cfg.STSEndpoint = cmp.Or(cfg.STSEndpoint, "https://sts."+cmp.Or(cfg.Region, cfg.OSSRegion)+".aliyuncs.com")
	cfg.DirectoryEndpoint = cmp.Or(cfg.DirectoryEndpoint, "https://resourcedirectory.aliyuncs.com")
}

// hostRegion is the region that a host of OSS names, a bucket before it or not:
// oss-cn-hangzhou.aliyuncs.com, oss-cn-hangzhou-internal.aliyuncs.com, and
// cn-hangzhou.oss.aliyuncs.com, which also speaks IPv6. Other hosts give "": those
// for acceleration name none, and the finance cloud's name other words than region
// ids (OSS, "Regions and endpoints").
func hostRegion(host string) string {
	name, known := strings.CutSuffix(strings.TrimSuffix(host, "."), ".aliyuncs.com")
	if before, dual := strings.CutSuffix(name, ".oss"); dual {
		name = "oss-" + before[strings.LastIndex(before, ".")+1:]
	}
	name, regional := strings.CutPrefix(strings.TrimPrefix(name[strings.LastIndex(name, ".")+1:], "vpc100-"), "oss-")
	region := strings.TrimSuffix(name, "-internal")
	continent, _, _ := strings.Cut(region, "-")
	if !known || !regional || region == continent || strings.Contains(region, "finance") || strings.Contains(region, "hzjbp") ||
		!slices.Contains([]string{"af", "ap", "cn", "eu", "me", "na", "sa", "us"}, continent) {
		return ""
	}
	return region
}

// A loader reads variables and gathers what is wrong with them.
type loader struct {
	getenv   func(string) string
	problems []string
}

func (l *loader) problem(format string, args ...any) {
	l.problems = append(l.problems, fmt.Sprintf(format, args...))
}

func (l *loader) get(name, fallback string) string {
	return cmp.Or(strings.TrimSpace(l.getenv(name)), fallback)
}

func (l *loader) region(name, fallback string) string {
	s := l.get(name, fallback)
	if s != "" && !regionID(s) {
		l.problem("%s is %q: want a region's id, such as cn-hangzhou", name, s)
	}
	return s
}

// regionID tells a region's id from the words made of one, such as
// oss-cn-hangzhou and cn-hangzhou-internal: they sign without complaint, and OSS
// refuses the signature.
func regionID(s string) bool {
	return made(s, lower+digits+"-") && strings.Contains(s, "-") && !strings.HasPrefix(s, "oss-") && !strings.HasSuffix(s, "-internal")
}

// endpoint takes an origin over https; http would show the security token to
// the network, so it is for stand-ins on loopback only.
func (l *loader) endpoint(name, example string) string {
	s := strings.TrimRight(l.get(name, ""), "/")
	if s == "" {
		return ""
	}
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Path != "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || !safe(u) {
		l.problem("%s is %s: want https and a host alone, such as %s (http on loopback only)", name, shownAddress(l.get(name, "")), example)
	}
	return s
}

// shownAddress quotes an address without what may be secret in it: a user, and
// what follows the path.
func shownAddress(s string) string {
	if at := strings.LastIndex(s, "@"); at >= 0 {
		s = "…" + s[at:]
	}
	if end := strings.IndexAny(s, "?#"); end >= 0 {
		s = s[:end+1] + "…"
	}
	return strconv.Quote(s)
}

func safe(u *url.URL) bool {
	if u.Scheme == "https" {
		return true
	}
	ip := net.ParseIP(u.Hostname())
	return u.Scheme == "http" && (u.Hostname() == "localhost" || strings.HasSuffix(u.Hostname(), ".localhost") || ip != nil && ip.IsLoopback())
}

// webhook takes one address. A robot's is refused without what makes it one robot's:
// there, every message would be lost.
func (l *loader) webhook(name string) Secret {
	s, u := l.secretAddress(name, "https://oapi.dingtalk.com/robot/send?access_token=…")
	if u != nil {
		if lacks, example := robotLacks(u); lacks != "" {
			l.problem("%s is of %s, and lacks %s: want the whole address, such as %s", name, strings.ToLower(u.Hostname()), lacks, example)
		}
	}
	return s
}

// kind takes a kind of receiver, which its vendor's host does not contradict.
func (l *loader) kind(name string, webhook Secret) string {
	s := strings.ToLower(l.get(name, ""))
	if s != "" && !slices.Contains(Kinds(), s) {
		l.problem("%s is %q: want %s, or nothing where the host tells it", name, s, either(Kinds()))
		return ""
	}
	if u, err := url.Parse(webhook.Reveal()); err == nil && s != "" {
		if of := kindOf(u.Hostname()); of != KindJSON && of != s {
			l.problem("%s is %s, and WEBHOOK_URL is of %s: want %s, or nothing, since the host tells it", name, s, strings.ToLower(u.Hostname()), of)
		}
	}
	return s
}

func (l *loader) heartbeat(name string) Secret {
	s, _ := l.secretAddress(name, "https://hc-ping.com/…")
	return s
}

// secretAddress takes one address, which is never shown. Nil: there is none, or it is
// wrong.
func (l *loader) secretAddress(name, example string) (Secret, *url.URL) {
	s := l.get(name, "")
	if s == "" {
		return "", nil
	}
	u, err := url.Parse(s)
	switch {
	case severalAddresses(s):
		l.problem("%s holds more than one address, not shown, since they are secrets: want one; to tell several receivers, send to one that hands on", name)
	case err != nil || u.Host == "" || !safe(u):
		l.problem("%s is not shown, since its address is a secret: want https and a host, such as %s (http on loopback only)", name, example)
	case u.User != nil:
		l.problem("%s has a user before its host, and is not shown, since its address is a secret: want what the receiver checks in its path or query", name)
	default:
		return Secret(s), u
	}
	return Secret(s), nil
}

// severalAddresses tells a list from an address that holds another in its query.
func severalAddresses(s string) bool {
	base, query, _ := strings.Cut(s, "?")
	for rest := query; ; {
		at := strings.Index(rest, "://")
		if at < 0 {
			break
		}
		before := strings.TrimSuffix(strings.TrimSuffix(rest[:at], "https"), "http")
		if !strings.HasSuffix(before, "=") { // else it is a value of its own
			return true
		}
		rest = rest[at+len("://"):]
	}
	return len(strings.Fields(s)) > 1 || strings.Count(base, "://") > 1 || strings.ContainsAny(s, "，；、｜")
}

// robotLacks says what an address at one of the robots' own hosts lacks to be one
// robot's. Companies put gateways before them, whose addresses are their own.
func robotLacks(u *url.URL) (lacks, example string) {
	parts := strings.FieldsFunc(u.Path, func(r rune) bool { return r == '/' })
	given := func(name string) bool {
		return strings.Trim(u.Query().Get(name), " ….") != ""
	}
	switch strings.TrimSuffix(strings.ToLower(u.Hostname()), ".") {
	case "oapi.dingtalk.com", "api.dingtalk.com":
		if !given("access_token") {
			return "access_token", "https://oapi.dingtalk.com/robot/send?access_token=…"
		}
	case "qyapi.weixin.qq.com":
		if !given("key") {
			return "key", "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=…"
		}
	case "open.feishu.cn", "open.larksuite.com":
		if hook := slices.Index(parts, "hook"); hook < 0 || hook == len(parts)-1 {
			return "the token after hook/", "https://open.feishu.cn/open-apis/bot/v2/hook/…"
		}
	case "hooks.slack.com":
		if len(parts) < 2 || parts[0] == "services" && len(parts) < 4 {
			return "its path", "https://hooks.slack.com/services/…/…/…"
		}
	}
	return "", ""
}

func (l *loader) page(name string) string {
	s := l.get(name, "")
	if u, err := url.Parse(s); s != "" && (err != nil || u.Host == "" || u.User != nil || severalAddresses(s) || !safe(u)) {
		l.problem("%s is %s: want https and where the page is, such as https://reports.example.com/backup-statistics/report/index.html (http on loopback only)", name, shownAddress(s))
	}
	return s
}

func (l *loader) language(name, fallback string) string {
	s := l.get(name, fallback)
	for _, known := range []string{"en", "zh-CN"} {
		if strings.EqualFold(s, known) {
			return known
		}
	}
	l.problem("%s is %q: want en or zh-CN", name, s)
	return fallback
}

// externalID takes what STS takes (AssumeRole, ExternalId). It is never shown.
func (l *loader) externalID(name string) Secret {
	s := l.get(name, "")
	if s != "" && (len(s) < 2 || len(s) > 1224 || strings.Trim(s, roleName+"+=,@:/") != "") {
		l.problem("%s is not shown, since it is a secret: want 2 to 1224 letters, digits and _+=,.@:/-", name)
	}
	return Secret(s)
}

func (l *loader) rules(name string) report.Rules {
	rules, err := report.ParseRules(l.get(name, ""))
	if err != nil {
		l.problem("%s: %v", name, err)
	}
	return rules
}

func (l *loader) list(name, fallback string, check func(string) error) []string {
	var list []string
	for item := range strings.SplitSeq(l.get(name, fallback), ",") {
		item = strings.TrimSpace(item)
		if item == "" {
			continue
		}
		if err := check(item); err != nil {
			l.problem("%s: %v", name, err)
		}
		list = append(list, item)
	}
	if len(list) == 0 && fallback != "" {
		l.problem("%s is %q: want a comma-separated list, such as %s", name, l.get(name, ""), fallback)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

func (l *loader) zone(name, fallback string) *time.Location {
	s := l.get(name, fallback)
	zone, err := zones.Load(s)
	if err != nil {
		l.problem("%s is %q: want an IANA name, such as Asia/Shanghai or UTC", name, s)
	}
	return zone
}

// age takes a duration up to a hundred years, which lets histories be played.
func (l *loader) age(name, fallback string) time.Duration {
	s := l.get(name, fallback)
	age, err := time.ParseDuration(s)
	if err != nil || age < time.Minute || age > 876000*time.Hour {
		l.problem("%s is %q: want a time from 1m to 876000h, such as %s", name, s, fallback)
	}
	return age
}

func (l *loader) bytes(name string, fallback int64) int64 {
	s := l.get(name, strconv.FormatInt(fallback, 10))
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n <= 0 {
		l.problem("%s is %q: want a number of bytes above 0, such as %d", name, s, fallback)
	}
	return n
}

func (l *loader) concurrency(name string, fallback int) int {
	const most = 256 // connections, of a function with 128 MB
	s := l.get(name, strconv.Itoa(fallback))
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > most {
		l.problem("%s is %q: want a number from 1 to %d, such as %d", name, s, most, fallback)
	}
	return n
}

func (l *loader) level(name string) slog.Level {
	s := l.get(name, "info")
	level, known := map[string]slog.Level{
		"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError,
	}[strings.ToLower(s)]
	if !known {
		l.problem("%s is %q: want debug, info, warn or error", name, s)
	}
	return level
}

func checkRoleARN(s string) error {
	if account, role := SplitRoleARN(s); report.CheckAccount(account) != nil || !made(role, roleName) {
		return fmt.Errorf("%q is no role: want such as acs:ram::1234567890123456:role/backup-statistics-member", s)
	}
	return nil
}

// SplitRoleARN takes acs:ram::ACCOUNT:role/NAME apart; other texts give nothing.
func SplitRoleARN(s string) (account, role string) {
	rest, ok := strings.CutPrefix(s, "acs:ram::")
	account, role, found := strings.Cut(rest, ":role/")
	if !ok || !found {
		return "", ""
	}
	return account, role
}

const (
	digits   = "0123456789"
	lower    = "abcdefghijklmnopqrstuvwxyz"
	roleName = digits + lower + "ABCDEFGHIJKLMNOPQRSTUVWXYZ_.-"
)

// bucketName knows OSS's rule: 3 to 63 lower-case letters, digits and -, with
// no - at an end.
func bucketName(s string) bool {
	return made(s, lower+digits+"-") && len(s) >= 3 && len(s) <= 63 && strings.Trim(s, "-") == s
}

func checkPrefix(prefix string) error {
	for part := range strings.SplitSeq(strings.TrimSuffix(prefix, "/"), "/") {
		if prefix != "" && (part == "" || part == "." || part == ".." || strings.ContainsFunc(part, unprintable)) || len(prefix) > 512 {
			return fmt.Errorf("want parts between slashes, such as backup-statistics/")
		}
	}
	return nil
}

// Redactor takes the secrets of a deployment, and those of an invocation, out of what
// is told. What other settings tell openly is none.
func (c *Config) Redactor(invocation ...string) *redact.Redactor {
	secrets := append(invocation, c.MemberExternalID.Reveal(), c.WebhookSecret.Reveal())
	return redact.New(slices.Concat(secrets, redact.Address(c.WebhookURL.Reveal()), redact.Address(c.HeartbeatURL.Reveal())),
		append([]string{c.Bucket, c.Prefix, c.Region, c.OSSRegion, c.OSSEndpoint, c.BackupEndpoint, c.STSEndpoint, c.DirectoryEndpoint, c.MemberRoleName},
			slices.Concat(c.SourceTypes, c.MemberRoleARNs)...)...)
}
