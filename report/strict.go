package report

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// ParseObject reads one JSON object whose names it takes literally: it refuses
// what encoding/json lets pass, a name that stands twice, invalid UTF-8 and
// anything behind the object, since each of them lets two readers of the same
// bytes see different numbers. The values stay as they were written.
func ParseObject(data []byte) (map[string]json.RawMessage, error) {
	if !utf8.Valid(data) {
		return nil, errors.New("invalid UTF-8: want JSON in UTF-8")
	}
	d := json.NewDecoder(bytes.NewReader(data))
	switch t, err := d.Token(); {
	case err == io.EOF:
		return nil, errors.New("nothing there: want a JSON object")
	case err != nil:
		return nil, at(d, len(data), err)
	case t != json.Delim('{'):
		return nil, fmt.Errorf("%s: want a JSON object", kindOf(t))
	}
	object := make(map[string]json.RawMessage)
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, at(d, len(data), err)
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, at(d, len(data), err)
		}
		key := name.(string) // the decoder lets nothing else be a name
		if _, twice := object[key]; twice {
			return nil, fmt.Errorf("%.40q stands twice: want it once", key)
		}
		object[key] = value
	}
	if _, err := d.Token(); err != nil {
		return nil, at(d, len(data), err)
	}
	if rest := bytes.Trim(data[d.InputOffset():], " \t\r\n"); len(rest) > 0 {
		return nil, fmt.Errorf("%.40q behind the object: want nothing there", rest)
	}
	return object, nil
}

// kindOf says what stands in place of an object. What is in it may be anybody's, and
// is not shown.
func kindOf(t json.Token) string {
	switch t.(type) {
	case nil:
		return "null"
	case bool:
		return "true or false"
	case string:
		return "a text"
	case float64:
		return "a number"
	}
	return "a list"
}

// at says where a document of a length breaks: at its end, where that comes too
// soon.
func at(d *json.Decoder, length int, err error) error {
	offset := d.InputOffset()
	var syntax *json.SyntaxError
	switch {
	case err == io.EOF || err == io.ErrUnexpectedEOF:
		err, offset = io.ErrUnexpectedEOF, int64(length)
	case errors.As(err, &syntax):
		offset = syntax.Offset
	}
	return fmt.Errorf("broken at byte %d: %w", offset, err)
}

// ParseCount reads a JSON integer from 0 to 2^63-1 by its text. A fraction, an
// exponent, a string, null and a negative number are refused: each would have to
// be bent to become a count, and a wrong number is worse than none.
func ParseCount(value json.RawMessage) (int64, error) {
	text := string(value)
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || text != strconv.FormatInt(n, 10) || n < 0 {
		return 0, fmt.Errorf("%.40s: want an integer from 0 to %d", text, int64(math.MaxInt64))
	}
	return n, nil
}

// checkFields holds a value of a document against the type it is to be read as,
// at every depth, since encoding/json takes a name in any case, and an absent
// value for zero. An object has the fields that the type always writes, none of
// them null, and no other name, all spelt as the type spells them; an integer is
// a count. What decodes itself is left to that. The path is the value's place,
// "" of the document.
func checkFields(path string, value json.RawMessage, t reflect.Type) error {
	switch {
	case reflect.PointerTo(t).Implements(reflect.TypeFor[json.Unmarshaler]()),
		reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()):
		return nil
	case t.Kind() == reflect.Pointer:
		return checkFields(path, value, t.Elem())
	case t.Kind() == reflect.Int, t.Kind() == reflect.Int64:
		if _, err := ParseCount(value); err != nil {
			return fmt.Errorf("%s is %w", path, err)
		}
	case t.Kind() == reflect.Slice:
		var list []json.RawMessage
		if err := json.Unmarshal(value, &list); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		for i, item := range list {
			if err := checkFields(fmt.Sprintf("%s[%d]", path, i), item, t.Elem()); err != nil {
				return err
			}
		}
	case t.Kind() == reflect.Struct:
		return checkObject(path, value, t)
	case string(value) == "null":
		return fmt.Errorf("%s is null: want a value", path)
	}
	return nil
}

func checkObject(path string, value json.RawMessage, t reflect.Type) error {
	object, err := ParseObject(value)
	if err != nil && path != "" {
		return fmt.Errorf("%s: %w", path, err)
	}
	if err != nil {
		return err
	}
	if path != "" {
		path += "."
	}
	known := make(map[string]bool)
	for _, field := range reflect.VisibleFields(t) {
		if field.Anonymous { // its fields follow
			continue
		}
		name, option, _ := strings.Cut(field.Tag.Get("json"), ",")
		known[name] = true
		value, there := object[name]
		if !there && option == "omitempty" {
			continue
		}
		if !there || string(value) == "null" {
			return fmt.Errorf("%s is missing or null: want a value", path+name)
		}
		if err := checkFields(path+name, value, field.Type); err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		if !known[name] {
			return fmt.Errorf("json: unknown field %.40q", path+name)
		}
	}
	return nil
}

// Lines are encoded documents, a line of JSON each: the fields in their order and
// characters as they are, so that equal values give equal bytes.
type lines struct {
	bytes.Buffer
	encoder *json.Encoder
}

func newLines() *lines {
	var l lines
	l.encoder = json.NewEncoder(&l)
	l.encoder.SetEscapeHTML(false)
	return &l
}

// add encodes one more; of a value that cannot be, nothing is added.
func (l *lines) add(v any) error { return l.encoder.Encode(v) }

// encodeLine is one document alone.
func encodeLine(v any) ([]byte, error) {
	l := newLines()
	if err := l.add(v); err != nil {
		return nil, err
	}
	return l.Bytes(), nil
}
