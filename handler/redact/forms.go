package redact

import (
	"html"
	"iter"
	"strconv"
	"unicode/utf8"
)

// A char is a byte of a text as it is meant, and where it is spelled.
type char struct {
	byte
	from, to int
}

// mostForms bounds what is tried of a text that is encoded over and over: two
// encodings in each order, and most of three.
const mostForms = 48

// forms are a text as it stands and, where it is encoded, decoded in each way and
// order.
func forms(text string) iter.Seq[[]char] {
	return func(yield func([]char) bool) {
		first := make([]char, len(text))
		for i := range len(text) {
			first[i] = char{text[i], i, i + 1}
		}
		queue, known := [][]char{first}, map[string]bool{text: true}
		for i := 0; i < len(queue); i++ {
			if !yield(queue[i]) {
				return
			}
			for _, decode := range []func([]char) (string, int){unescapeURL, unescapeQuery, unescapeJSON, unescapeHTML, passOver} {
				if len(queue) == mostForms {
					break
				}
				form := decoded(queue[i], decode)
				if key := meant(form); !known[key] {
					queue, known[key] = append(queue, form), true
				}
			}
		}
	}
}

// decoded takes one encoding off. decode says what a text begins with and how much of
// it that is; 0: nothing encoded.
func decoded(form []char, decode func([]char) (string, int)) []char {
	out := make([]char, 0, len(form))
	for i := 0; i < len(form); {
		means, n := decode(form[i:])
		if n == 0 {
			out = append(out, form[i])
			i++
			continue
		}
		for j := range len(means) {
			out = append(out, char{means[j], form[i].from, form[i+n-1].to})
		}
		i += n
	}
	return out
}

func meant(form []char) string {
	b := make([]byte, len(form))
	for i, c := range form {
		b[i] = c.byte
	}
	return string(b)
}

// unescapeURL knows %2F.
func unescapeURL(form []char) (string, int) {
	if form[0].byte != '%' {
		return "", 0
	}
	if c, ok := number(form, 1, 2); ok {
		return string([]byte{byte(c)}), 3
	}
	return "", 0
}

// unescapeQuery knows + for a blank.
func unescapeQuery(form []char) (string, int) {
	if form[0].byte == '+' {
		return " ", 1
	}
	return "", 0
}

// unescapeJSON knows \u002f and \/, and \x2f as Go writes it, in either case.
func unescapeJSON(form []char) (string, int) {
	if form[0].byte != '\\' || len(form) == 1 {
		return "", 0
	}
	switch form[1].byte {
	case 'u', 'U':
		if r, ok := number(form, 2, 4); ok {
			return string(utf8.AppendRune(nil, r)), 6
		}
	case 'x', 'X':
		if c, ok := number(form, 2, 2); ok {
			return string([]byte{byte(c)}), 4
		}
	case 'n', 'r', 't', 'b', 'f', 'N', 'R', 'T', 'B', 'F':
		return " ", 2
	default:
		return string([]byte{form[1].byte}), 2
	}
	return "", 0
}

// passOver knows what separates characters and is hardly seen.
func passOver(form []char) (string, int) {
	if form[0].byte < 0xc2 {
		return "", 0
	}
	return "", unseen(meant(form[:min(len(form), 3)]))
}

// unseen is how many bytes of a text's beginning are a blank, a line end or a mark of no
// width beyond ASCII.
func unseen(text string) int {
	switch r, n := utf8.DecodeRuneInString(text); {
	case r == '\u00a0', r == '\u00ad', r >= '\u2000' && r <= '\u200f', r >= '\u2028' && r <= '\u202f',
		r >= '\u205f' && r <= '\u206f', r == '\u3000', r == '\ufeff', r == '\u0085':
		return n
	}
	return 0
}

// unescapeHTML knows &amp;, &#43; and &#x2f;, the last two with leading zeros and
// without their end as well.
func unescapeHTML(form []char) (string, int) {
	const longest = 10
	if form[0].byte != '&' {
		return "", 0
	}
	if len(form) > 2 && form[1].byte == '#' {
		return unescapeNumber(form)
	}
	for i, c := range form[:min(len(form), longest)] {
		if c.byte != ';' {
			continue
		}
		spelled := meant(form[:i+1])
		if means := html.UnescapeString(spelled); len(means) < len(spelled) {
			return means, i + 1
		}
		break
	}
	return "", 0
}

func unescapeNumber(form []char) (string, int) {
	const most = 24 // digits, zeros mostly
	at, base := 2, 10
	if form[2].byte|0x20 == 'x' {
		at, base = 3, 16
	}
	end := at
	for end < min(len(form), at+most) {
		if _, err := strconv.ParseUint(string([]byte{form[end].byte}), base, 8); err != nil {
			break
		}
		end++
	}
	r, err := strconv.ParseUint(meant(form[at:end]), base, 21)
	if err != nil {
		return "", 0
	}
	if end < len(form) && form[end].byte == ';' {
		end++
	}
	return string(utf8.AppendRune(nil, rune(r))), end
}

// number reads hexadecimal digits.
func number(form []char, from, digits int) (rune, bool) {
	if len(form) < from+digits {
		return 0, false
	}
	n, err := strconv.ParseUint(meant(form[from:from+digits]), 16, 32)
	return rune(n), err == nil
}
