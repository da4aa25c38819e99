package report

import (
	"bytes"
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
		return nil, at(d, err)
	case t != json.Delim('{'):
		return nil, fmt.Errorf("%.40q: want a JSON object", data)
	}
	object := make(map[string]json.RawMessage)
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, at(d, err)
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, at(d, err)
		}
		key := name.(string) // the decoder lets nothing else be a name
		if _, twice := object[key]; twice {
			return nil, fmt.Errorf("%.40q stands twice: want it once", key)
		}
		object[key] = value
	}
	if _, err := d.Token(); err != nil {
		return nil, at(d, err)
	}
	if rest := bytes.Trim(data[d.InputOffset():], " \t\r\n"); len(rest) > 0 {
		return nil, fmt.Errorf("%.40q behind the object: want nothing there", rest)
	}
	return object, nil
}

// at says where a document breaks. The decoder's own offset is the better
// answer for a document that ends too soon.
func at(d *json.Decoder, err error) error {
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	offset := d.InputOffset()
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
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

// decodeStrict fills v from one JSON document that has no field v does not know.
// It takes a name in any case, and an absent value for zero, as encoding/json
// does: [checkNames] refuses both.
func decodeStrict(data []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return err
	}
	if rest := bytes.Trim(data[d.InputOffset():], " \t\r\n"); len(rest) > 0 {
		return fmt.Errorf("%.40q behind the document: want nothing there", rest)
	}
	return nil
}

// checkNames wants the fields of the struct v in an object, each that v always
// writes and not null, and no other name, all spelt as v spells them.
func checkNames(object map[string]json.RawMessage, v any) error {
	known := make(map[string]bool)
	for _, field := range reflect.VisibleFields(reflect.TypeOf(v)) {
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
			return fmt.Errorf("%s is missing or null: want a value", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		if !known[name] {
			return fmt.Errorf("json: unknown field %.40q", name)
		}
	}
	return nil
}

// encodeLine is the one encoder of documents: a line of JSON with the fields in
// their order and characters as they are, so that equal values give equal bytes.
func encodeLine(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
