package report

import (
	"bytes"
	"encoding/json"
	"io"
	"reflect"
	"testing"
	"unicode/utf8"
)

func TestParseObject(t *testing.T) {
	got, err := ParseObject([]byte(` {"a": 9007199254740993, "b": {"a": [1.50, "x"]}, "": null, "é": "\u00e9"} `))
	want := map[string]json.RawMessage{
		"a": json.RawMessage("9007199254740993"), "b": json.RawMessage(`{"a": [1.50, "x"]}`),
		"": json.RawMessage("null"), "é": json.RawMessage(`"\u00e9"`),
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("ParseObject = %s, %v, want %s", got, err, want)
	}
}

func TestParseObjectRefuses(t *testing.T) {
	for _, tt := range []struct{ name, data, want string }{
		{"nothing", "", "nothing there: want a JSON object"},
		{"blanks", " \n", "nothing there: want a JSON object"},
		{"an array", `[{"a":1}]`, "a list: want a JSON object"},
		{"a number", "1", "a number: want a JSON object"},
		{"null", "null", "null: want a JSON object"},
		{"a text, which may be anybody's", `"secret"`, "a text: want a JSON object"},
		{"true", "true", "true or false: want a JSON object"},
		{"text", "hello", "broken at byte 1: invalid character 'h' looking for beginning of value"},
		{"half an object", `{"a":`, "broken at byte 5: unexpected EOF"},
		{"half a name", `{"a`, "broken at byte 3: unexpected EOF"},
		{"half a value", `{"a":"b`, "broken at byte 7: unexpected EOF"},
		{"an object that does not end", `{"a":1`, "broken at byte 6: unexpected EOF"},
		{"a comma too many", `{"a":1,}`, "broken at byte 7: invalid character '}' looking for beginning of object key string"},
		{"a name without quotes", `{a:1}`, "broken at byte 1: invalid character 'a'"},
		{"a name that is a number", `{1:1}`, "broken at byte 1: invalid character '1'"},
		{"no colon", `{"a" 1}`, "broken at byte 5: expected colon after object key"},
		{"a value that breaks", `{"a":nul}`, "broken at byte 7: invalid character '}' in literal null (expecting 'l')"},
		{"a name that stands twice", `{"a":1,"b":2,"a":1}`, `"a" stands twice: want it once`},
		{"a name that stands twice, spelt otherwise", `{"a":1,"\u0061":2}`, `"a" stands twice: want it once`},
		{"a second object", `{"a":1}{"a":2}`, `"{\"a\":2}" behind the object: want nothing there`},
		{"a byte that is no UTF-8", "{\"a\":\"\xff\"}", "invalid UTF-8: want JSON in UTF-8"},
		{"a byte order mark", "\ufeff{}", "broken at byte 1: invalid character 'ï' looking for beginning of value"},
	} {
		if object, err := ParseObject([]byte(tt.data)); err == nil || err.Error() != tt.want {
			t.Errorf("%s: ParseObject = %s, %v, want %s", tt.name, object, err, tt.want)
		}
	}
}

func TestParseCount(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		want       int64
		err        string
	}{
		{"nothing is protected", "0", 0, ""},
		{"beyond what a float holds", "9007199254740993", 9007199254740993, ""},
		{"the largest", "9223372036854775807", 9223372036854775807, ""},
		{"one more", "9223372036854775808", 0, "9223372036854775808: want an integer from 0 to 9223372036854775807"},
		{"a negative number", "-1", 0, "-1: want an integer from 0 to 9223372036854775807"},
		{"a negative zero", "-0", 0, "-0: want an integer from 0 to 9223372036854775807"},
		{"a fraction", "5.5", 0, "5.5: want an integer from 0 to 9223372036854775807"},
		{"a fraction that is none", "5.0", 0, "5.0: want an integer from 0 to 9223372036854775807"},
		{"an exponent", "1e3", 0, "1e3: want an integer from 0 to 9223372036854775807"},
		{"a string", `"5"`, 0, `"5": want an integer from 0 to 9223372036854775807`},
		{"null", "null", 0, "null: want an integer from 0 to 9223372036854775807"},
		{"true", "true", 0, "true: want an integer from 0 to 9223372036854775807"},
		{"an object", `{"a":1}`, 0, `{"a":1}: want an integer from 0 to 9223372036854775807`},
		{"a zero in front", "05", 0, "05: want an integer from 0 to 9223372036854775807"},
		{"an underscore", "1_000", 0, "1_000: want an integer from 0 to 9223372036854775807"},
	} {
		got, err := ParseCount(json.RawMessage(tt.text))
		if message := errorText(err); got != tt.want || message != tt.err {
			t.Errorf("%s: ParseCount = %d, %q, want %d, %q", tt.name, got, message, tt.want, tt.err)
		}
	}
}

func TestCheckFields(t *testing.T) {
	type inner struct {
		N int64 `json:"n"`
	}
	type document struct {
		inner
		At      *Date    `json:"at,omitempty"`
		Count   *int     `json:"count,omitempty"`
		Inner   *inner   `json:"inner,omitempty"`
		Names   []string `json:"names,omitempty"`
		List    []inner  `json:"list,omitempty"`
		Is      bool     `json:"is,omitempty"`
		Verbose json.RawMessage
	}
	for _, tt := range []struct{ name, data, want string }{
		{"all there is", `{"n":1,"at":"2026-11-23","count":2,"inner":{"n":3},"names":["a"],"list":[{"n":4}],"is":true,"":{"n":-1}}`, ""},
		{"what must be there", `{"n":1,"":0}`, ""},
		{"nothing", ``, "nothing there: want a JSON object"},
		{"a field less", `{"":0}`, "n is missing or null: want a value"},
		{"a field more", `{"n":1,"":0,"m":1}`, `json: unknown field "m"`},
		{"a count that is none", `{"n":1,"count":-2,"":0}`, "count is -2: want an integer from 0 to 9223372036854775807"},
		{"a count that is none, within", `{"n":1,"inner":{"n":1.0},"":0}`, "inner.n is 1.0: want an integer from 0 to 9223372036854775807"},
		{"a field less within", `{"n":1,"inner":{},"":0}`, "inner.n is missing or null: want a value"},
		{"a field more within a list", `{"n":1,"list":[{"n":1},{"n":1,"N":2}],"":0}`, `json: unknown field "list[1].N"`},
		{"no object within", `{"n":1,"inner":[],"":0}`, "inner: a list: want a JSON object"},
		{"no list", `{"n":1,"names":"a","":0}`, "names: json: cannot unmarshal string into Go value of type []json.RawMessage"},
		{"null for a list", `{"n":1,"names":null,"":0}`, "names is missing or null: want a value"},
		{"null in a list", `{"n":1,"names":["a",null],"":0}`, "names[1] is null: want a value"},
	} {
		if got := errorText(checkFields("", []byte(tt.data), reflect.TypeFor[document]())); got != tt.want {
			t.Errorf("%s: error = %q, want %q", tt.name, got, tt.want)
		}
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// What ParseObject accepts, encoding/json reads with the same names and values,
// and no name stands twice in it; what it refuses has a flaw of that kind.
func FuzzParseObject(f *testing.F) {
	for _, seed := range []string{
		`{"a":1,"b":{"a":[1.5,"x"]}," ":null}`, `{"a":1,"a":2}`, `{"a":1}x`, `{"a":`, `[]`, ` {} `, `{"\ud800":1,"\ufffd":2}`, `{"a":1,}`, "{\"a\":\"\xff\"}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		object, err := ParseObject(data)
		var same map[string]json.RawMessage
		flaw := json.Unmarshal(data, &same)
		if err != nil {
			if flaw == nil && same != nil && utf8.Valid(data) && countNames(t, data) == len(same) {
				t.Fatalf("ParseObject refuses %q: %v", data, err)
			}
			return
		}
		if flaw != nil || same == nil {
			t.Fatalf("ParseObject accepts %q; encoding/json: %v", data, flaw)
		}
		if !reflect.DeepEqual(object, same) {
			t.Fatalf("ParseObject = %s, encoding/json reads %s", object, same)
		}
		if n := countNames(t, data); n != len(object) {
			t.Fatalf("%q has %d names at the top, %d of them different", data, n, len(object))
		}
	})
}

// countNames counts the names of an object, as often as they stand there: every
// second token that is in no inner object or list.
func countNames(t *testing.T, data []byte) int {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	tokens, depth := -1, 0 // the brace that opens it is not in it
	for {
		token, err := d.Token()
		if err == io.EOF {
			return tokens / 2
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
		if err != nil {
			t.Fatal(err)
		}
		if depth == 1 {
			tokens++
		}
	}
}
