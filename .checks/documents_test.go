// Package checks holds documents against their JSON Schemas, with a validator
// that knows all of JSON Schema 2020-12, and what deploys the function by other tools
// than s.yaml against it and against the tools' documentation.
package checks

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// versionOf is the version of a document: all but one are in their first.
func versionOf(name string) string {
	if name == "trend" {
		return "v2"
	}
	return "v1"
}

// compile reads the schemas in a folder, by the name of their document. One that
// the meta-schema of 2020-12 refuses fails the test.
func compile(t *testing.T, dir string) map[string]*jsonschema.Schema {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.schema.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("found no schemas in %s: %v", dir, err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	schemas := make(map[string]*jsonschema.Schema)
	for _, file := range files {
		schema, err := c.Compile(file)
		if err != nil {
			t.Fatal(err)
		}
		if schema.DraftVersion != 2020 {
			t.Errorf("%s follows draft %d, want 2020", file, schema.DraftVersion)
		}
		name, version, _ := strings.Cut(strings.TrimSuffix(filepath.Base(file), ".schema.json"), ".")
		if schemas[name] != nil || version != versionOf(name) {
			t.Errorf("%s: there is another of %s, or it is not %s", file, name, versionOf(name))
		}
		schemas[name] = schema
	}
	return schemas
}

// ours are the schemas of this checkout. That of latest.json is made of the day
// record's when it is written.
func ours(t *testing.T) map[string]*jsonschema.Schema {
	t.Helper()
	schemas := compile(t, "../report/schema")
	schemas["latest"] = schemas["day"]
	return schemas
}

// read gives the documents of a file: one, or one a line.
func read(t *testing.T, file string) []any {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	documents, err := decode(data)
	if err != nil {
		t.Errorf("%s: %v", file, err)
	}
	return documents
}

// decode reads JSON documents that stand one behind the other.
func decode(data []byte) (documents []any, err error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	for {
		var document any
		if err := d.Decode(&document); err == io.EOF {
			return documents, nil
		} else if err != nil {
			return documents, err
		}
		documents = append(documents, document)
	}
}

// released are the files of a document as versions before left it.
func released(t *testing.T, name string) []string {
	t.Helper()
	files, err := filepath.Glob("../report/testdata/released/" + versionOf(name) + "/" + name + ".*")
	if err != nil || len(files) == 0 {
		t.Fatalf("found no released document of %s: %v", name, err)
	}
	return files
}

func TestReleasedDocuments(t *testing.T) {
	for name, schema := range ours(t) {
		for _, file := range released(t, name) {
			for i, document := range read(t, file) {
				if err := schema.Validate(document); err != nil {
					t.Errorf("%s, document %d: %v", file, i+1, err)
				}
			}
		}
	}
}

// TestWrongTypes spoils every value of the released documents in turn, outside of
// the service's own words, and wants each refused.
func TestWrongTypes(t *testing.T) {
	for name, schema := range ours(t) {
		for _, file := range released(t, name) {
			for _, document := range read(t, file) {
				spoil(document, name, func(path string) {
					if schema.Validate(document) == nil {
						t.Errorf("%s: %s is valid", file, path)
					}
				})
			}
		}
	}
}

// holes are the numbers of a list that may be null.
var holes = regexp.MustCompile(`\.protected_(data_bytes|resource_count)\[\d+\]$`)

// spoil puts a value of another type in the place of each value of a document,
// calls check, and puts it back.
func spoil(value any, path string, check func(path string)) {
	with := func(inner any, path string, put func(any)) {
		spoil(inner, path, check)
		for _, wrong := range []any{nil, 1.5, "?", true, []any{1.5}, map[string]any{}} {
			if reflect.TypeOf(wrong) == reflect.TypeOf(inner) || wrong == nil && holes.MatchString(path) {
				continue // a value that the type allows, perhaps
			}
			put(wrong)
			check(fmt.Sprintf("%s = %v", path, wrong))
		}
		put(inner)
	}
	switch value := value.(type) {
	case map[string]any:
		for name, inner := range value {
			if name != "response" {
				with(inner, path+"."+name, func(v any) { value[name] = v })
			}
		}
	case []any:
		for i, inner := range value {
			with(inner, fmt.Sprintf("%s[%d]", path, i), func(v any) { value[i] = v })
		}
	}
}

// TestGoldenFiles holds every document in the golden files of the tests against
// its schema.
func TestGoldenFiles(t *testing.T) {
	schemas, counts := ours(t), make(map[string]int)
	for _, dir := range []string{"../report/testdata", "../handler/testdata"} {
		files, err := filepath.Glob(dir + "/*.*")
		if err != nil || len(files) == 0 {
			t.Fatalf("found no golden files in %s: %v", dir, err)
		}
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, part := range regexp.MustCompile(`(?m)^-- .* --\n`).Split(string(data), -1) { // as in a txtar
				documents, _ := decode([]byte(part)) // up to what is none: a page, a table for spreadsheets
				for _, document := range documents {
					name := nameOf(document)
					if name == "" {
						continue
					}
					counts[name]++
					if err := schemas[name].Validate(document); err != nil {
						t.Errorf("%s: %v", file, err)
					}
				}
			}
		}
	}
	t.Logf("valid: %v", counts)
	for _, name := range []string{"snapshot", "region-row", "total-row", "calendar-row", "day", "result", "trend"} {
		if counts[name] == 0 {
			t.Errorf("no golden file has a document of %s", name)
		}
	}
}

// nameOf tells the schema of a document by what stands in it.
func nameOf(document any) string {
	fields, _ := document.(map[string]any)
	has := func(name string) bool { _, there := fields[name]; return there }
	schema, _ := fields["schema"].(string)
	switch name, version, _ := strings.Cut(schema, "/"); {
	case name != "" && version == versionOf(name):
		return name
	case has("schema_version") && has("region_id"):
		return "region-row"
	case has("schema_version") && has("accounts_expected"):
		return "calendar-row"
	case has("schema_version"):
		return "total-row"
	case has("action") && has("snapshot_date"):
		return "result"
	}
	return ""
}

// objects tells the schema of an object by its key below the prefix; "" is for
// what has none.
var objects = []struct {
	key    *regexp.Regexp
	schema string
}{
	{regexp.MustCompile(`^snapshots/dt=[^/]+/[^/]+\.json$`), "snapshot"},
	{regexp.MustCompile(`^regions/dt=[^/]+/regions\.jsonl$`), "region-row"},
	{regexp.MustCompile(`^totals/dt=[^/]+/totals\.jsonl$`), "total-row"},
	{regexp.MustCompile(`^days/[^/]+\.json$`), "day"},
	{regexp.MustCompile(`^latest\.json$`), "latest"},
	{regexp.MustCompile(`^calendar/year=\d{4}/calendar\.jsonl$`), "calendar-row"},
	{regexp.MustCompile(`^report/trend\.json$`), "trend"},
	{regexp.MustCompile(`^report/(index\.html|trend\.csv)$`), ""},
	{regexp.MustCompile(`^schema/[a-z-]+\.v\d\.schema\.json$`), ""},
}

// TestBuckets holds every object of the buckets in BUCKETS, folders separated
// like those of PATH, against the schema that lies beside it in the bucket. A key
// that no document has fails.
func TestBuckets(t *testing.T) {
	for _, dir := range filepath.SplitList(os.Getenv("BUCKETS")) {
		schemas, counts := compile(t, filepath.Join(dir, "schema")), make(map[string]int)
		err := fs.WalkDir(os.DirFS(dir), ".", func(key string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			name, known := schemaOf(key)
			switch {
			case !known:
				t.Errorf("%s: %s is the key of no document", dir, key)
			case name != "" && schemas[name] == nil:
				t.Errorf("%s: there is no schema of %s", dir, key)
			case name != "":
				for i, document := range read(t, filepath.Join(dir, key)) {
					counts[name]++
					if err := schemas[name].Validate(document); err != nil {
						t.Errorf("%s: %s, document %d: %v", dir, key, i+1, err)
					}
				}
			}
			return nil
		})
		if err != nil || counts["snapshot"] == 0 {
			t.Errorf("%s: %v, %d snapshots: want a bucket with some", dir, err, counts["snapshot"])
		}
		t.Logf("%s: valid: %v", dir, counts)
	}
}

func schemaOf(key string) (name string, known bool) {
	for _, o := range objects {
		if o.key.MatchString(key) {
			return o.schema, true
		}
	}
	return "", false
}

// TestDocuments holds what the handler's tests wrote, in the folders below
// DOCUMENTS, against the schemas of this checkout.
func TestDocuments(t *testing.T) {
	dir := os.Getenv("DOCUMENTS")
	if dir == "" {
		t.Skip("DOCUMENTS is not set: make schemas sets it")
	}
	schemas, counts := ours(t), make(map[string]int)
	err := fs.WalkDir(os.DirFS(dir), ".", func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		_, key, _ := strings.Cut(filepath.ToSlash(file), "/")
		name, _ := schemaOf(key)
		if name == "" {
			return nil
		}
		data, err := os.ReadFile(filepath.Join(dir, file))
		documents, broken := decode(data)
		if err != nil || broken != nil { // the tests plant damaged ones; what is encoded is JSON
			return err
		}
		for i, document := range documents {
			counts[name]++
			if err := schemas[name].Validate(document); err != nil {
				t.Errorf("%s, document %d: %v", file, i+1, err)
			}
		}
		return nil
	})
	if err != nil || counts["snapshot"] == 0 || counts["day"] == 0 {
		t.Errorf("%v; documents %v: want snapshots and records", err, counts)
	}
	t.Logf("valid: %v", counts)
}
