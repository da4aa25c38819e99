// Package checks holds documents against their JSON Schemas, with a validator
// that knows all of JSON Schema 2020-12.
package checks

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"backup-statistics/report"
)

// compile reads our schemas, by the name of their document. A schema that the
// meta-schema of 2020-12 refuses fails the test.
func compile(t *testing.T) map[string]*jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	schemas := make(map[string]*jsonschema.Schema)
	for file, data := range report.Schemas() {
		document, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if err := c.AddResource(file, document); err != nil {
			t.Fatal(err)
		}
		schema, err := c.Compile(file)
		if err != nil {
			t.Fatal(err)
		}
		if schema.DraftVersion != 2020 {
			t.Errorf("%s follows draft %d, want 2020", file, schema.DraftVersion)
		}
		schemas[strings.TrimSuffix(file, ".v1.schema.json")] = schema
	}
	return schemas
}

// validate holds every document of a file, or every line where it is a table,
// against a schema and returns how many there were.
func validate(schema *jsonschema.Schema, file string, data []byte) (int, error) {
	parts := [][]byte{data}
	if path.Ext(file) == ".jsonl" {
		parts = bytes.SplitAfter(bytes.TrimSuffix(data, []byte("\n")), []byte("\n"))
	}
	for i, part := range parts {
		document, err := jsonschema.UnmarshalJSON(bytes.NewReader(part))
		if err == nil {
			err = schema.Validate(document)
		}
		if err != nil {
			return i, fmt.Errorf("%s, document %d: %w", file, i+1, err)
		}
	}
	return len(parts), nil
}

func TestReleasedDocuments(t *testing.T) {
	schemas := compile(t)
	files, err := filepath.Glob("../report/testdata/released/v1/*.json*")
	if err != nil || len(files) == 0 {
		t.Fatalf("found no released documents: %v", err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name, _, _ := strings.Cut(filepath.Base(file), ".")
		if _, err := validate(schemas[name], file, data); err != nil {
			t.Error(err)
		}
	}
}

// objects tells the schema of an object by its key below the prefix; "" is for
// what has none.
var objects = []struct {
	key    *regexp.Regexp
	schema string
}{
	{regexp.MustCompile(`(^|/)snapshots/dt=[^/]+/[^/]+\.json$`), "snapshot"},
	{regexp.MustCompile(`(^|/)regions/dt=[^/]+/regions\.jsonl$`), "region-row"},
	{regexp.MustCompile(`(^|/)totals/dt=[^/]+/totals\.jsonl$`), "total-row"},
	{regexp.MustCompile(`(^|/)days/[^/]+\.json$`), "day"},
	{regexp.MustCompile(`(^|/)latest\.json$`), "latest"},
	{regexp.MustCompile(`(^|/)report/trend\.json$`), "trend"},
	{regexp.MustCompile(`(^|/)report/(index\.html|trend\.csv)$`), ""},
	{regexp.MustCompile(`(^|/)schema/[a-z-]+\.v1\.schema\.json$`), ""},
}

// TestBuckets holds every object of the buckets in BUCKETS against its schema:
// folders, separated like those of PATH. A key that no document has fails.
func TestBuckets(t *testing.T) {
	schemas := compile(t)
	for _, dir := range filepath.SplitList(os.Getenv("BUCKETS")) {
		counts := make(map[string]int)
		err := fs.WalkDir(os.DirFS(dir), ".", func(key string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			data, err := os.ReadFile(filepath.Join(dir, key))
			if err != nil {
				return err
			}
			name, known := schemaOf(key)
			switch {
			case !known:
				t.Errorf("%s: %s is the key of no document", dir, key)
			case name != "":
				n, err := validate(schemas[name], key, data)
				if err != nil {
					t.Error(err)
				}
				counts[name] += n
			}
			return nil
		})
		if err != nil || counts["snapshot"] == 0 {
			t.Errorf("%s: %v, %d snapshots: want a bucket with some", dir, err, counts["snapshot"])
		}
		t.Logf("%s: documents that are valid: %v", dir, counts)
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
