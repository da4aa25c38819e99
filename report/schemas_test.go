package report_test

import (
	"bytes"
	"crypto/sha256"
	"encoding"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"backup-statistics/handler"
	"backup-statistics/report"
)

// documents names the Go type of each schema.
var documents = map[string]reflect.Type{
	"snapshot":   reflect.TypeFor[report.Snapshot](),
	"region-row": reflect.TypeFor[report.RegionRow](),
	"total-row":  reflect.TypeFor[report.TotalRow](),
	"day":        reflect.TypeFor[report.DayRecord](),
	"latest":     reflect.TypeFor[report.DayRecord](),
	"trend":      reflect.TypeFor[report.Trend](),
	"result":     reflect.TypeFor[handler.Result](),

	"calendar-row": reflect.TypeFor[report.CalendarRow](),
}

// version is that of a document: all but one are in their first.
func version(name string) string {
	if name == "trend" {
		return "v2"
	}
	return "v1"
}

// A schema is as much of JSON Schema as ours use.
type schema struct {
	ID          string   `json:"$id"`
	Title       string   `json:"title"`
	Description string   `json:"description"`
	Ref         string   `json:"$ref"`
	Type        typeName `json:"type"`
	Const       any      `json:"const"`
	Minimum     *float64 `json:"minimum"`
	Maximum     *float64 `json:"maximum"`
	Pattern     string   `json:"pattern"`
	Required    []string
	Properties  map[string]*schema
	Items       *schema
	Defs        map[string]*schema `json:"$defs"`
}

// A typeName is a type of JSON; ? before it lets a value be null.
type typeName string

// UnmarshalJSON reads a name, or a list of one and null.
func (n *typeName) UnmarshalJSON(data []byte) error {
	var names []string
	if err := json.Unmarshal(data, &names); err == nil && len(names) == 2 && names[1] == "null" {
		*n = typeName("?" + names[0])
		return nil
	}
	return json.Unmarshal(data, (*string)(n))
}

func readSchemas(t *testing.T) map[string]*schema {
	t.Helper()
	schemas := make(map[string]*schema)
	for file, data := range report.Schemas() {
		name, rest, _ := strings.Cut(file, ".")
		s := new(schema)
		if err := json.Unmarshal(data, s); err != nil || rest != version(name)+".schema.json" {
			t.Fatalf("%s: %v, want NAME.%s.schema.json in JSON", file, err, version(name))
		}
		schemas[name] = s
	}
	return schemas
}

// Every field of a document stands in its schema with its type, every field that
// is always there is required, and a schema tells of no other.
func TestSchemasFollowTheTypes(t *testing.T) {
	schemas := readSchemas(t)
	if got, want := slices.Sorted(maps.Keys(schemas)), slices.Sorted(maps.Keys(documents)); !slices.Equal(got, want) {
		t.Fatalf("schemas are %v, want %v", got, want)
	}
	for name, document := range documents {
		s := schemas[name]
		if s.ID != "urn:backup-statistics:"+name+":"+version(name) || s.Title == "" ||
			!strings.Contains(s.Description, "not the size of the backups") {
			t.Errorf("%s: $id %q, title %q, description %q: want its name, a title, and what the numbers are not", name, s.ID, s.Title, s.Description)
		}
		for _, problem := range compare(s, s, document, name) {
			t.Error(problem)
		}
	}
	if c := schemas["latest"].Defs["status"].Const; c != report.Complete {
		t.Errorf("latest: status is %v, want complete", c)
	}
}

// compare tells where a schema and a type differ.
func compare(root, s *schema, t reflect.Type, path string) (problems []string) {
	for s != nil && s.Ref != "" {
		s = root.Defs[strings.TrimPrefix(s.Ref, "#/$defs/")]
	}
	null := ""
	if strings.HasSuffix(path, "[]") && t.Kind() == reflect.Pointer {
		null = "?"
	}
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	want := kind(t)
	switch {
	case s == nil:
		return []string{path + " is in no schema: describe it"}
	case string(s.Type) != null+want:
		return []string{fmt.Sprintf("%s is of type %q in the schema, want %s", path, s.Type, want)}
	case want == "integer" && s.Const == nil && (s.Minimum == nil || s.Maximum == nil || *s.Maximum != 1<<63-1):
		return []string{path + " has no bounds in the schema: want minimum, and maximum 9223372036854775807"}
	case want == "string" && t.Kind() != reflect.String && s.Pattern == "":
		return []string{path + " has no pattern in the schema"}
	case want == "array":
		return compare(root, s.Items, t.Elem(), path+"[]")
	case want == "object" && t.Kind() == reflect.Struct:
		return compareFields(root, s, t, path)
	}
	return nil
}

func compareFields(root, s *schema, t reflect.Type, path string) (problems []string) {
	known := make(map[string]bool)
	for _, field := range reflect.VisibleFields(t) {
		if field.Anonymous || !field.IsExported() { // its fields follow, or it is not written
			continue
		}
		name, option, _ := strings.Cut(field.Tag.Get("json"), ",")
		known[name] = true
		problems = append(problems, compare(root, s.Properties[name], field.Type, path+"."+name)...)
		// what is promoted from a pointer may not be there
		promoted := len(field.Index) > 1 && t.Field(field.Index[0]).Type.Kind() == reflect.Pointer
		if always := option == "" && !promoted; always != slices.Contains(s.Required, name) {
			problems = append(problems, fmt.Sprintf("%s.%s is required in the schema: %v, want %v", path, name, !always, always))
		}
	}
	for _, name := range slices.Concat(slices.Collect(maps.Keys(s.Properties)), s.Required) {
		if !known[name] {
			problems = append(problems, fmt.Sprintf("%s.%s is in the schema, and %v has no such field", path, name, t))
		}
	}
	return problems
}

// kind is the type that values of a Go type have in JSON.
func kind(t reflect.Type) string {
	switch {
	case t == reflect.TypeFor[json.RawMessage]():
		return "object"
	case t.Implements(reflect.TypeFor[encoding.TextMarshaler]()):
		return "string"
	}
	switch t.Kind() {
	case reflect.Struct:
		return "object"
	case reflect.Slice:
		return "array"
	case reflect.String:
		return "string"
	case reflect.Bool:
		return "boolean"
	case reflect.Int, reflect.Int64:
		return "integer"
	}
	return "no type of JSON, " + t.String()
}

// Documents of released versions are read by today's decoders, and what these
// write of them has every field as it was: within a version a field may come, and none
// may go, or change its name, type or value. A view of another version is refused: it is
// made anew.
func TestReleasedDocuments(t *testing.T) {
	files, err := filepath.Glob("testdata/released/v*/*.json*")
	if err != nil {
		t.Fatal(err)
	}
	seen := make(map[string]bool)
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name, _, _ := strings.Cut(filepath.Base(file), ".")
		if v := filepath.Base(filepath.Dir(file)); v != version(name) {
			if _, err := reencode(name, data); err == nil || !strings.Contains(err.Error(), version(name)) {
				t.Errorf("%s: %v, want it refused: it is of version %s", file, err, v)
			}
			continue
		}
		seen[name] = true
		parts := [][]byte{data}
		if filepath.Ext(file) == ".jsonl" {
			parts = slices.Collect(bytes.Lines(data))
		}
		for _, part := range parts {
			again, err := reencode(name, part)
			if err != nil {
				t.Errorf("%s: %v", file, err)
				continue
			}
			var released, today any
			if err := errors.Join(unmarshal(part, &released), unmarshal(again, &today)); err != nil {
				t.Fatal(err)
			}
			for _, problem := range lost(released, today, name) {
				t.Errorf("%s: %s", file, problem)
			}
		}
	}
	for name := range documents {
		if !seen[name] {
			t.Errorf("no %s is kept as it was released", name)
		}
	}
}

// reencode reads a document as today's code does, and writes it again.
func reencode(name string, data []byte) ([]byte, error) {
	switch name {
	case "snapshot":
		s, err := report.DecodeSnapshot(data)
		if err != nil {
			return nil, err
		}
		return s.Encode()
	case "day", "latest":
		r, err := report.DecodeDayRecord(data)
		if err != nil {
			return nil, err
		}
		return r.Encode()
	case "trend":
		t, err := report.DecodeTrend(data)
		if err != nil {
			return nil, err
		}
		return t.Encode()
	}
	v := reflect.New(documents[name]).Interface()
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return nil, err
	}
	return json.Marshal(v)
}

func unmarshal(data []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	return d.Decode(v)
}

// lost tells what of a released document today's lacks.
func lost(released, today any, path string) (problems []string) {
	switch was := released.(type) {
	case map[string]any:
		is, ok := today.(map[string]any)
		if !ok {
			break
		}
		for name, value := range was {
			if _, there := is[name]; !there {
				problems = append(problems, fmt.Sprintf("%s.%s is gone", path, name))
				continue
			}
			problems = append(problems, lost(value, is[name], path+"."+name)...)
		}
		return problems
	case []any:
		is, ok := today.([]any)
		if !ok || len(is) != len(was) {
			break
		}
		for i := range was {
			problems = append(problems, lost(was[i], is[i], fmt.Sprintf("%s[%d]", path, i))...)
		}
		return problems
	}
	if !reflect.DeepEqual(released, today) {
		return []string{fmt.Sprintf("%s was %v, and is %v", path, released, today)}
	}
	return nil
}

func TestSchemasSum(t *testing.T) {
	sum, schemas := sha256.New(), report.Schemas()
	for _, name := range slices.Sorted(maps.Keys(schemas)) {
		fmt.Fprintf(sum, "%s\n%s\n", name, schemas[name])
	}
	if want := hex.EncodeToString(sum.Sum(nil)); report.SchemasSum != want {
		t.Errorf("SchemasSum is %s, want %s: the schemas have changed", report.SchemasSum, want)
	}
}
