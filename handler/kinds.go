package handler

import "strings"

// The kinds of receivers of notices.
const (
	KindDingTalk = "dingtalk"
	KindFeishu   = "feishu" // and Lark
	KindWeCom    = "wecom"
	KindSlack    = "slack" // and what takes its form
	KindJSON     = "json"  // any program
)

// Kinds lists them.
func Kinds() []string { return []string{KindDingTalk, KindFeishu, KindWeCom, KindSlack, KindJSON} }

// robots says of each kind but JSON what people call it, the hosts of its vendor, and
// how many bytes of text it takes (Slack cuts a text itself).
var robots = map[string]struct {
	name  string
	hosts []string
	most  int
}{
	KindDingTalk: {"DingTalk robot", []string{"dingtalk.com"}, 18_000}, // 20,000 the whole message
	KindFeishu:   {"Feishu robot", []string{"feishu.cn", "larksuite.com"}, 18_000},
	KindWeCom:    {"WeCom robot", []string{"qyapi.weixin.qq.com"}, 2048},
	KindSlack:    {"Slack", []string{"hooks.slack.com", "hooks.slack-gov.com"}, 40_000},
}

// kindOf is the kind that a host is known to be.
func kindOf(host string) string {
	host = strings.ToLower(host)
	for kind, r := range robots {
		for _, known := range r.hosts {
			if host == known || strings.HasSuffix(host, "."+known) {
				return kind
			}
		}
	}
	return KindJSON
}
