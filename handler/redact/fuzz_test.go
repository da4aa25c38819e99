package redact_test

import (
	"bytes"
	"encoding/base64"
	"net/url"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"backup-statistics/handler/redact"
)

// FuzzText: whatever the secret and the text, and wherever one stands in the other,
// nothing of 12 characters is told, and what was looked at twice stays the same.
func FuzzText(f *testing.F) {
	f.Add(secret, "a ", " b", uint8(0))
	f.Add(token, `{"Message":"\`, `\u0041"}`, uint8(1))
	f.Add(`odd%41\n&amp;d<e+f"g`, "%2", "5C&#", uint8(2))
	f.Add("passwört-über-alles", "\xc3", "\xb6", uint8(3))
	f.Add(`\\\\\\\\\\\\\\\\%25%25%25`, `\`, `%`, uint8(4))
	f.Fuzz(func(t *testing.T, secret, before, after string, how uint8) {
		unseen := func(r rune) bool { return r <= ' ' || r == 0x7f || unicode.IsSpace(r) }
		if len(secret) < 12 || !utf8.ValidString(secret) || strings.ContainsFunc(secret, unseen) || strings.Contains(redact.Mark+redact.Mark, secret[:12]) {
			return
		}
		spelled := secret
		switch how % 4 {
		case 1:
			spelled = string(bytes.Map(func(r rune) rune {
				if 'a' <= r && r <= 'z' {
					return r - 'a' + 'A'
				}
				return r
			}, []byte(secret)))
		case 2:
			spelled = url.QueryEscape(secret)
		case 3:
			spelled = base64.StdEncoding.EncodeToString([]byte(secret))
		}
		r := redact.New([]string{secret})
		got := r.Text(before + spelled + after)
		if r.Text(got) != got {
			t.Errorf("%q becomes %q, and then %q", before+spelled+after, got, r.Text(got))
		}
		for i := 0; i+12 <= len(secret); i++ {
			if part := secret[i : i+12]; strings.Contains(got, part) {
				t.Fatalf("%q becomes %q, which tells %q", before+spelled+after, got, part)
			}
		}
		if strings.Contains(got, spelled) && !strings.Contains(redact.Mark, spelled) {
			t.Fatalf("%q becomes %q, which tells all", before+spelled+after, got)
		}
	})
}
