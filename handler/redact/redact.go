// Package redact takes secrets out of texts that others may have written. It owns
// which spellings of a secret are known: as it stands, in other case, encoded for a
// URL, for HTML, in JSON (once or more) or in base64, broken by line ends, cut off.
// It never sees documents: those are data, and stay as they are.
package redact

import (
	"encoding/base64"
	"encoding/binary"
	"io"
	"net/url"
	"strings"
	"sync"
)

// Mark stands in a text where a secret was.
const Mark = "[redacted]"

// telling is how many characters in a row of a secret are hidden: fewer may be any
// word's. So nothing of 12 gets out, however it is spelled.
const telling = 8

// least is how long a secret is that is hidden at all. One that is shorter than
// telling is hidden where it is a word of its own, in its own spelling.
const least = 4

// A Redactor takes its secrets out of texts. It may be used by many at once; nil
// knows no secret. What it does not have to hide costs some nanoseconds a character.
type Redactor struct {
	secrets, open []string
	index         func() *index
}

// New returns a Redactor of these secrets; those that are empty or shorter than four
// characters are none. What stands in an open text, such as a bucket's name, is told
// anyway, and is not hidden where a secret has it as well.
func New(secrets []string, open ...string) *Redactor {
	r := &Redactor{secrets: secrets, open: open}
	r.index = sync.OnceValue(func() *index { return newIndex(r.secrets, r.open) })
	return r
}

// With returns a Redactor that knows further secrets.
func (r *Redactor) With(secrets ...string) *Redactor {
	if r == nil {
		return New(secrets)
	}
	return New(append(secrets, r.secrets...), r.open...)
}

// Address is what is secret of an address: what of its user, path and query is long
// enough to be a key, as it stands there and as it is meant.
func Address(address string) []string {
	u, err := url.Parse(address)
	if err != nil {
		return []string{address}
	}
	password, _ := u.User.Password()
	parts := append([]string{u.User.Username(), password, u.Fragment}, strings.Split(u.EscapedPath(), "/")...)
	for pair := range strings.SplitSeq(u.RawQuery, "&") {
		name, value, found := strings.Cut(pair, "=")
		if !found {
			value = name
		}
		parts = append(parts, value)
	}
	var secrets []string
	for _, part := range parts {
		if len(part) < telling {
			continue
		}
		secrets = append(secrets, part)
		if means, err := url.QueryUnescape(part); err == nil && means != part {
			secrets = append(secrets, means)
		}
	}
	return secrets
}

// Text returns a text without the secrets.
func (r *Redactor) Text(text string) string {
	if r == nil || len(text) < least {
		return text
	}
	x := r.index()
	if x.clean(text) {
		return text
	}
	hidden := make([]bool, len(text)) // by byte
	x.hideWords(text, hidden)
	for form := range forms(text) {
		x.hide(form, hidden)
	}
	var b strings.Builder
	for i := range len(text) {
		switch {
		case !hidden[i]:
			b.WriteByte(text[i])
		case i == 0 || !hidden[i-1]:
			b.WriteString(Mark)
		}
	}
	return b.String()
}

// Writer returns a writer that hides the secrets in what is written, each piece by
// itself: a line of a log is one.
func (r *Redactor) Writer(w io.Writer) io.Writer { return writer{w, r} }

type writer struct {
	io.Writer
	redactor *Redactor
}

// Write writes the text p without the secrets.
func (w writer) Write(p []byte) (int, error) {
	if _, err := io.WriteString(w.Writer, w.redactor.Text(string(p))); err != nil {
		return 0, err
	}
	return len(p), nil
}

// An index finds parts of secrets. Making one takes some microseconds, so that only
// who has a text to look at makes one.
type index struct {
	parts string                      // all that is looked for, folded, a line each
	told  string                      // all that is not hidden, likewise
	seen  [1 << indexBits >> 6]uint64 // a bit for the hash of each telling part
	words []string                    // secrets that are shorter
}

const indexBits = 17

func newIndex(secrets, open []string) *index {
	x := &index{}
	var told, parts []string
	for _, text := range open {
		told = append(told, fold(text))
	}
	for _, secret := range secrets {
		switch {
		case len(secret) < least:
		case len(secret) < telling:
			x.words = append(x.words, secret)
		default:
			parts = append(parts, fold(secret))
			if strings.Contains(secret, "+") { // decoded once too often it is a blank, and passed over
				parts = append(parts, fold(strings.ReplaceAll(secret, "+", "")))
			}
			for _, cased := range []string{secret, strings.ToLower(secret), strings.ToUpper(secret)} {
				for before := range 3 {
					parts = append(parts, fold(inBase64(cased, before)))
				}
			}
		}
	}
	for _, part := range parts {
		var w uint64
		for i := range len(part) {
			if w = w<<8 | uint64(part[i]); i >= telling-1 {
				h := hash(w)
				x.seen[h>>6] |= 1 << (h & 63)
			}
		}
	}
	x.told, x.parts = strings.Join(told, "\n"), strings.Join(parts, "\n")
	return x
}

// inBase64 is what a secret looks like in the base64 of a text that has so many bytes
// before it, or three more. The characters that others have a part in are left out.
func inBase64(secret string, before int) string {
	s := base64.RawStdEncoding.EncodeToString([]byte("\x00\x00"[:before] + secret))
	if (before+len(secret))%3 > 0 {
		s = s[:len(s)-1]
	}
	return s[[]int{0, 2, 3}[before]:]
}

// has tells whether these characters, folded, are a part of a secret.
func (x *index) has(w uint64) bool {
	h := hash(w)
	if x.seen[h>>6]&(1<<(h&63)) == 0 {
		return false
	}
	part := string(binary.BigEndian.AppendUint64(nil, w))
	return strings.Contains(x.parts, part) && !strings.Contains(x.told, part)
}

func hash(w uint64) uint64 { return w * 0x9e3779b97f4a7c15 >> (64 - indexBits) }

// clean tells that there is nothing to hide, and nothing to decode.
func (x *index) clean(text string) bool {
	var w uint64
	n := 0
	for i := range len(text) {
		c := text[i]
		if c == '%' || c == '\\' || c == '&' || c == '+' || c >= 0xc2 && unseen(text[i:]) > 0 {
			return false
		}
		if c = folded[c]; c == 0 {
			continue
		}
		w = w<<8 | uint64(c)
		if n++; n >= telling && x.has(w) {
			return false
		}
	}
	for _, word := range x.words {
		if strings.Contains(text, word) {
			return false
		}
	}
	return true
}

// hide notes which bytes of the text are a part of a secret in one of its forms.
func (x *index) hide(form []char, hidden []bool) {
	var w uint64
	var begins [telling]int // of the last characters
	n := 0
	for _, c := range form {
		b := folded[c.byte]
		if b == 0 {
			continue
		}
		w = w<<8 | uint64(b)
		begins[n%telling] = c.from
		if n++; n >= telling && x.has(w) {
			for i := begins[n%telling]; i < c.to; i++ {
				hidden[i] = true
			}
		}
	}
}

// hideWords notes where a short secret stands.
func (x *index) hideWords(text string, hidden []bool) {
	for _, word := range x.words {
		for i := 0; ; i++ {
			at := strings.Index(text[i:], word)
			if at < 0 {
				break
			}
			i += at
			if end := i + len(word); !inWord(text, i-1) && !inWord(text, end) {
				for j := i; j < end; j++ {
					hidden[j] = true
				}
			}
		}
	}
}

func inWord(text string, i int) bool {
	if i < 0 || i >= len(text) {
		return false
	}
	c := text[i] | 0x20
	return 'a' <= c && c <= 'z' || '0' <= c && c <= '9'
}

// folded is what a byte is compared as: in lower case, and the alphabets of base64 as
// one. 0 is passed over: blanks, line ends and what else does not print.
var folded = func() (table [256]byte) {
	for c := range 256 {
		switch {
		case c <= ' ' || c == 0x7f:
		case 'A' <= c && c <= 'Z':
			table[c] = byte(c) + 'a' - 'A'
		default:
			table[c] = byte(c)
		}
	}
	table['-'], table['_'] = '+', '/'
	return table
}()

func fold(s string) string {
	b := make([]byte, 0, len(s))
	for i := range len(s) {
		if c := folded[s[i]]; c != 0 {
			b = append(b, c)
		}
	}
	return string(b)
}
