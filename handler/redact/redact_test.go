package redact_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"testing"

	"backup-statistics/handler/redact"
)

const (
	id     = "STS.PlantedKeyIDOfARole"
	secret = "1111/1111+1111planted/secret+4444"
	token  = "CAISplantedtoken/of+a+role0123456789=="
)

func TestText(t *testing.T) {
	r := redact.New([]string{id, secret, token, "", "abc", "tiny", `odd%b\c&d<e+f"g`, "dashed-under_scored", "passwört-über", ">>>???~~~>>>???", "backup-statistics-hook"},
		"backup-statistics/", "acme-reports")
	std, raw := base64.StdEncoding.EncodeToString, base64.RawURLEncoding.EncodeToString
	for _, tt := range []struct{ name, text, want string }{
		{"nothing", "", ""},
		{"nothing secret", "User is not authorized.", "User is not authorized."},
		{"nothing secret, but encoded", `C:\temp\new & 100 %20 &amp; \u0041`, `C:\temp\new & 100 %20 &amp; \u0041`},
		{"a secret", "a " + id + " b", "a [redacted] b"},
		{"all of a text", token, "[redacted]"},
		{"seven characters of a secret", "a STS.Pla b", "a STS.Pla b"},
		{"eight characters of a secret", "a STS.Plan b", "a [redacted] b"},
		{"eight characters from its middle", "a antedKey b", "a [redacted] b"},
		{"two secrets in a row", id + token, "[redacted]"},
		{"in other case", "a " + strings.ToUpper(id) + " b " + strings.ToLower(token), "a [redacted] b [redacted]"},
		{"encoded for a URL", url.QueryEscape(secret), "[redacted]"},
		{"encoded for a URL, in lower case", strings.ToLower(url.QueryEscape(secret)), "[redacted]"},
		{"encoded for a URL twice", "a 1111%252F1111%252B1111 b", "a [redacted] b"},
		{"encoded for a URL three times", "a 1111%25252f1111.", "a [redacted]."},
		{"decoded for a URL once too often", strings.ReplaceAll(secret, "+", " "), "[redacted]"},
		{"encoded for HTML", "a 1111&#x2f;1111&#43;1111&#50; b", "a [redacted]&#50; b"},
		{"in JSON", `a 1111\/1111\u002B1111plan b`, "a [redacted] b"},
		{"in JSON in JSON", `a 1111\\\/1111\\u002b1111plan b`, "a [redacted] b"},
		{"in JSON, for a URL", `a 1111\u00252F1111 b`, "a [redacted] b"},
		{"for a URL, in HTML", `a 1111&#37;2F1111 b`, "a [redacted] b"},
		{"characters that encode, as they are", `odd%b\c&d<e+f"g`, "[redacted]"},
		{"characters that encode, for a URL", url.QueryEscape(`odd%b\c&d<e+f"g`), "[redacted]"},
		{"characters that encode, for HTML", html.EscapeString(`odd%b\c&d<e+f"g`), "[redacted]"},
		{"characters that encode, quoted", fmt.Sprintf("%q", `odd%b\c&d<e+f"g`), `"[redacted]"`},
		{"other letters, in JSON", `passw\u00f6rt-\u00fcber`, "[redacted]"},
		{"other letters, for a URL", url.PathEscape("passwört-über"), "[redacted]"},
		{"broken by line ends", "a STS.Pl\nantedK\r\n\teyIDOf b", "a [redacted] b"},
		{"broken by line ends in JSON", `a STS.Pl\nantedK\r\n\teyIDOf b`, "a [redacted] b"},
		{"in base64", "Basic " + std([]byte(id+":"+secret)) + " b", "Basic [redacted]U6[redacted] b"},
		{"in base64 of a URL, after others", raw([]byte("x" + secret)), "eD[redacted]A"},
		{"in base64, after two others and before more", std([]byte("xy" + id + "zzz")), "eHl[redacted]Xp6eg=="},
		{"in base64 of a URL, with its own characters", raw([]byte(">>>???~~~>>>???")), "[redacted]"},
		{"in base64, with its own characters", std([]byte(">>>???~~~>>>???")), "[redacted]"},
		{"cut off", "a " + token[:20] + "…", "a [redacted]…"},
		{"without its begin", "a …" + token[20:], "a …[redacted]"},
		{"a short secret", "a tiny b tin, -tiny-", "a [redacted] b tin, -[redacted]-"},
		{"a short secret in a word", "mutiny, tiny1", "mutiny, tiny1"},
		{"a secret of three characters", "abc", "abc"},
		{"what is told anyway", "put backup-statistics/days", "put backup-statistics/days"},
		{"what is told anyway, and more", "put backup-statistics-hook", "put backup-sta[redacted]"},
		{"an end that is no escape", `a STS.Pl\`, `a STS.Pl\`},
		{"an end that is no encoding", "STS.% STS.& STS.%2 1111%", "STS.% STS.& STS.%2 1111%"},
		{"another character, encoded", `STS.Pl%62nted STS.Pl\u0062nted STS.Pl&lt;nted`, `STS.Pl%62nted STS.Pl\u0062nted STS.Pl&lt;nted`},
	} {
		if got := r.Text(tt.text); got != tt.want {
			t.Errorf("%s: %s becomes\n%s, want\n%s", tt.name, tt.text, got, tt.want)
		}
		if again := r.Text(r.Text(tt.text)); again != r.Text(tt.text) {
			t.Errorf("%s: once more it becomes %s", tt.name, again)
		}
	}
}

func TestNobodysSecrets(t *testing.T) {
	var none *redact.Redactor
	if got := none.Text(id); got != id {
		t.Errorf("without a redactor a text becomes %s", got)
	}
	if got := none.With(id).With(secret).Text(id + " " + secret); got != redact.Mark+" "+redact.Mark {
		t.Errorf("with two secrets one after the other a text becomes %s", got)
	}
}

func TestWith(t *testing.T) {
	one := redact.New([]string{id}, "planted/secret")
	both := one.With(secret)
	if got := one.Text(secret); got != secret {
		t.Errorf("the first has learned: %s", got)
	}
	if got := both.Text(id + " 1111/1111: planted/secret"); got != "[redacted] [redacted]: planted/secret" {
		t.Errorf("both hide %s", got)
	}
}

func TestAddress(t *testing.T) {
	for address, want := range map[string][]string{
		"": nil, "https://example.com": nil, "https://example.com/send?key=short": nil,
		"https://oapi.dingtalk.com/robot/send?access_token=0123456789":           {"0123456789"},
		"https://user:password@example.com/hook/a%2Flong%2Fpart?q=x%2By%2Bz1234": {"password", "a/long/part", "a%2Flong%2Fpart", "x+y+z1234", "x%2By%2Bz1234"},
		"https://example.com/#a-fragment":                                        {"a-fragment"},
		"https://exa mple.com/secret-path":                                       {"https://exa mple.com/secret-path"},
	} {
		got := slices.DeleteFunc(redact.Address(address), func(s string) bool { return s == "" })
		want = slices.DeleteFunc(want, func(s string) bool { return len(s) < 8 })
		slices.Sort(got)
		slices.Sort(want)
		if got, want := slices.Compact(got), slices.Compact(want); !slices.Equal(got, want) {
			t.Errorf("%s: secret are %q, want %q", address, got, want)
		}
	}
}

func TestWriter(t *testing.T) {
	var b strings.Builder
	w := redact.New([]string{id}).Writer(&b)
	for _, line := range []string{"one\n", "two " + id + "\n"} {
		if n, err := w.Write([]byte(line)); n != len(line) || err != nil {
			t.Errorf("%d bytes written of %d, error %v", n, len(line), err)
		}
	}
	if b.String() != "one\ntwo [redacted]\n" {
		t.Errorf("written is %q", &b)
	}
}

// A spelled text is made of pieces, each of which stands for so many characters of a
// secret.
type spelled []piece

type piece struct {
	text  string
	means int
}

func (s spelled) String() string {
	var b strings.Builder
	for _, p := range s {
		b.WriteString(p.text)
	}
	return b.String()
}

// each spells every character of a secret by itself.
func each(f func(string) string) func(*rand.Rand, spelled) spelled {
	return func(_ *rand.Rand, s spelled) spelled {
		out := make(spelled, len(s))
		for i, p := range s {
			out[i] = piece{f(p.text), p.means}
		}
		return out
	}
}

func bytewise(format string) func(string) string {
	return func(s string) string {
		var b strings.Builder
		for i := range len(s) {
			fmt.Fprintf(&b, format, s[i])
		}
		return b.String()
	}
}

func inJSON(s string) string {
	data, _ := json.Marshal(s)
	return string(data[1 : len(data)-1])
}

func in64(r *rand.Rand, s spelled) spelled {
	encoding := []*base64.Encoding{base64.StdEncoding, base64.URLEncoding, base64.RawStdEncoding, base64.RawURLEncoding}[r.IntN(4)]
	whole := strings.Repeat("~", r.IntN(3))
	var means []int // of each byte
	for range whole {
		means = append(means, 0)
	}
	for _, p := range s {
		whole += p.text
		means = append(means, p.means)
		means = append(means, make([]int, len(p.text)-1)...)
	}
	var out spelled
	for i := 0; i < len(whole); i += 3 {
		n := 0
		for _, m := range means[i:min(len(whole), i+3)] {
			n += m
		}
		out = append(out, piece{encoding.EncodeToString([]byte(whole[i:min(len(whole), i+3)])), n})
	}
	return out
}

func wrapped(r *rand.Rand, s spelled) spelled {
	out, width, end := slices.Clone(s), 1+r.IntN(20), []string{"\n", "\r\n", "\n\t", " "}[r.IntN(4)]
	for i := width; i < len(out); i += width {
		out[i].text = end + out[i].text
	}
	return out
}

var spellings = map[string]func(*rand.Rand, spelled) spelled{
	"in lower case":      each(strings.ToLower),
	"in upper case":      each(strings.ToUpper),
	"in a query":         each(url.QueryEscape),
	"in a path":          each(url.PathEscape),
	"all in %":           each(bytewise("%%%02x")),
	"in HTML":            each(html.EscapeString),
	"in HTML by number":  each(bytewise("&#%d;")),
	"in HTML by hex":     each(bytewise("&#x%X;")),
	"in JSON":            each(inJSON),
	"in JSON by number":  each(bytewise(`\u%04x`)),
	"slashes escaped":    each(func(s string) string { return strings.ReplaceAll(s, "/", `\/`) }),
	"quoted by Go":       each(func(s string) string { q := fmt.Sprintf("%q", s); return q[1 : len(q)-1] }),
	"in lines":           wrapped,
	"in lines, escaped":  func(r *rand.Rand, s spelled) spelled { return each(inJSON)(r, wrapped(r, s)) },
	"in base64":          in64,
	"in base64, escaped": func(r *rand.Rand, s spelled) spelled { return each(url.QueryEscape)(r, in64(r, s)) },
	"in base64 in lines": func(r *rand.Rand, s spelled) spelled { return wrapped(r, in64(r, s)) },
}

// Whatever secret, however spelled (twice, but in base64 as it is), among whatever
// else, cut wherever: of 12 characters in a row something is hidden.
func TestNothingTellingGetsOut(t *testing.T) {
	alphabets := []string{
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", "0123456789abcdef", "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567",
		"abcdefghijklmnopqrstuvwxyz0123456789-_.", `%&\"<>'/+=;#abcABC0123456789u x`,
	}
	names := make([]string, 0, len(spellings))
	for name := range spellings {
		names = append(names, name)
	}
	slices.Sort(names)
	r := rand.New(rand.NewPCG(4, 12))
	word := func(alphabet string, n int) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = alphabet[r.IntN(len(alphabet))]
		}
		return string(b)
	}
	rounds := 10_000
	if testing.Short() {
		rounds = 2_000
	}
	for range rounds {
		secrets := make([]string, 1+r.IntN(4))
		for i := range secrets {
			secrets[i] = strings.Trim(word(alphabets[r.IntN(len(alphabets))], 12+r.IntN(100)), " ")
		}
		var s spelled
		for _, c := range secrets[r.IntN(len(secrets))] {
			means := 1
			if c == ' ' { // is passed over
				means = 0
			}
			s = append(s, piece{string(c), means})
		}
		var how []string
		for range r.IntN(3) {
			name := names[r.IntN(len(names))]
			if strings.Contains(name, "base64") && len(how) > 0 {
				continue
			}
			how = append(how, name)
			s = spellings[name](r, s)
		}
		before, after := word(alphabets[r.IntN(len(alphabets))], r.IntN(30)), word(alphabets[r.IntN(len(alphabets))], r.IntN(30))
		text := before + s.String() + after
		if r.IntN(3) == 0 { // as shortening does
			from := r.IntN(len(text))
			text = text[from : from+r.IntN(len(text)-from+1)]
		}
		got := redact.New(secrets).Text(text)
		for i := range s {
			means, part := 0, ""
			for j := i; j < len(s) && means < 12; j++ {
				means, part = means+s[j].means, part+s[j].text
			}
			if means >= 12 && strings.Contains(got, part) {
				t.Fatalf("of %q, spelled %q, %q becomes %q: it tells %q", secrets, how, text, got, part)
			}
		}
	}
}

// A text that has nothing of a secret stays as it is, encoded or not.
func TestOthersStay(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 13))
	words := []string{
		"put", "days/2026-11-23.json:", "AccessDenied", "(403,", "request", "5C3D1A0F-1FE2-51C1-B790-1732C1DBA969)", `"a\"b\\c"`, "%2F%25zz%", "&amp;&lt;&x", `\u002f\u00e9\q\`,
		"深圳", "\xff\xfe", "\n", "\t", "https://oss-cn-hangzhou.aliyuncs.com/?x=1&y=2", "c2VjcmV0IHRoaW5ncw==", "…", "acs:ram::1234567890123456:role/reader",
	}
	for range 3_000 {
		const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
		secrets := make([]string, r.IntN(4))
		for i := range secrets {
			for range 4 + r.IntN(200) {
				secrets[i] += string(alphabet[r.IntN(len(alphabet))])
			}
		}
		var text string
		for range r.IntN(30) {
			text += words[r.IntN(len(words))] + []string{" ", "", ", "}[r.IntN(3)]
		}
		if got := redact.New(secrets).Text(text); got != text {
			t.Fatalf("with the secrets %q, %q becomes %q", secrets, text, got)
		}
	}
}

func BenchmarkText(b *testing.B) {
	secrets := []string{id, secret, token, strings.Repeat(token, 20)}
	r := redact.New(secrets)
	for name, text := range map[string]string{
		"nothing to hide":    strings.Repeat("put days/2026-11-23.json: AccessDenied (403, request 5C3D) ", 4),
		"something to hide":  strings.Repeat("put days/2026-11-23.json: AccessDenied (403, request 5C3D) ", 4) + token,
		"something encoded":  strings.Repeat("a=b&c=d%2F ", 20) + url.QueryEscape(token),
		"encoded many times": strings.Repeat(`%25252525\\\\u002f&amp;amp;`, 20),
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				r.Text(text)
			}
		})
	}
	b.Run("the first text", func(b *testing.B) {
		for b.Loop() {
			redact.New(secrets).Text("nothing of interest")
		}
	})
}

// TestCombinedSpellings: encodings on top of each other, and marks that nobody sees
// between the characters.
func TestCombinedSpellings(t *testing.T) {
	const secret = "CAISplantedTokenOfTheInvocation9f8e7d6c5b4a39281706"
	each := func(format string) string {
		var b strings.Builder
		for i := range len(secret) {
			fmt.Fprintf(&b, format, secret[i])
		}
		return b.String()
	}
	apart := func(mark string, every int) string {
		var b strings.Builder
		for i := range len(secret) {
			if i > 0 && i%every == 0 {
				b.WriteString(mark)
			}
			b.WriteByte(secret[i])
		}
		return b.String()
	}
	for name, spelt := range map[string]string{
		"lower case, then base64":           base64.StdEncoding.EncodeToString([]byte(strings.ToLower(secret))),
		"upper case, then base64":           base64.URLEncoding.EncodeToString([]byte("x" + strings.ToUpper(secret))),
		"line separators":                   apart("\u2028", 6),
		"blanks that do not break":          apart("\u00a0", 6),
		"byte order marks":                  apart("\ufeff", 6),
		"marks of no width":                 apart("\u200b", 1),
		"HTML's numbers with zeros":         each("&#00000%d;"),
		"HTML's numbers without an end":     each("&#%d "),
		"HTML's hexadecimal with zeros":     each("&#x0000%x;"),
		"HTML's numbers, encoded for a URL": strings.NewReplacer("&", "%26", "#", "%23", ";", "%3B").Replace(each("&#%d;")),
	} {
		// Of base64, the ends that other characters have a part in may stay.
		if got := redact.New([]string{secret}).Text("a " + spelt + " b"); !strings.Contains(got, redact.Mark) || len(got) > len("a "+redact.Mark+" b")+6 {
			t.Errorf("%s: got %s, want it hidden", name, got)
		}
	}
}
