package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A program that imports encoding/hex, and crc32 as well with the tag extra.
var program = map[string]string{
	"go.mod":   "module program\n\ngo 1.26.0\n",
	"main.go":  "package main\n\nimport \"encoding/hex\"\n\nfunc main() { println(hex.EncodeToString([]byte{1})) }\n",
	"extra.go": "//go:build extra\n\npackage main\n\nimport \"hash/crc32\"\n\nfunc init() { println(crc32.ChecksumIEEE(nil)) }\n",
}

func write(t *testing.T, files map[string]string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for name, text := range files {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// report is one of the database's: of a package of the standard library, from the
// first version on.
func report(t *testing.T, pkg, fixed string) map[string]string {
	t.Helper()
	events := []any{map[string]string{"introduced": "0"}}
	listed := map[string]string{"id": "GO-2026-0001", "modified": "2026-08-01T00:00:00Z"}
	if fixed != "" {
		events = append(events, map[string]string{"fixed": fixed})
		listed["fixed"] = fixed
	}
	encode := func(v any) string {
		data, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	return map[string]string{
		"index/db.json":      `{"modified":"2026-08-02T00:00:00Z"}`,
		"index/modules.json": encode([]any{map[string]any{"path": "stdlib", "vulns": []any{listed}}}),
		"index/vulns.json":   encode([]any{map[string]any{"id": "GO-2026-0001", "modified": "2026-08-01T00:00:00Z"}}),
		"ID/GO-2026-0001.json": encode(map[string]any{
			"schema_version": "1.3.1", "id": "GO-2026-0001", "modified": "2026-08-01T00:00:00Z", "published": "2026-08-01T00:00:00Z",
			"summary": "It is weak",
			"affected": []any{map[string]any{
				"package":            map[string]string{"name": "stdlib", "ecosystem": "Go"},
				"ranges":             []any{map[string]any{"type": "SEMVER", "events": events}},
				"ecosystem_specific": map[string]any{"imports": []any{map[string]any{"path": pkg}}},
			}},
		}),
	}
}

func TestFindings(t *testing.T) {
	module := write(t, program)
	executable := filepath.Join(module, "program")
	build := exec.Command("go", "-C", module, "build", "-o", executable, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	const none = ": 0 known"
	source := []string{"-tags", "one", "-tags", "extra"}
	for _, test := range []struct {
		name     string
		tags     []string
		database map[string]string
		want     []string // parts of what is printed
		err      string   // part of the error; empty: none
	}{
		{"what is linked has a fix", source, report(t, "encoding/hex", "1.999.0"), []string{
			"source with the tags one, database of 2026-08-02: 1 known", "tags extra, database of 2026-08-02: 1 known", "program, database of 2026-08-02: 1 known",
			"stdlib v1.", "fixed in v1.999.0: GO-2026-0001: It is weak",
		}, "3 findings have a fixed version"},
		{"it is imported with other tags alone", source, report(t, "hash/crc32", "1.999.0"), []string{"GO-2026-0001"}, "have a fixed version"},
		{"nobody has fixed it", nil, report(t, "encoding/hex", ""), []string{"program, database of 2026-08-02: 1 known", "not fixed yet: GO-2026-0001"}, ""},
		{"it is fixed already", source, report(t, "encoding/hex", "1.2.0"), []string{"tags one, database of 2026-08-02" + none, "tags extra, database of 2026-08-02" + none, "program, database of 2026-08-02" + none}, ""},
		{"an empty folder", nil, map[string]string{}, nil, "no report on Go's own library"},
		{"an index of nothing", nil, map[string]string{"index/db.json": `{"modified":"2026-08-02T00:00:00Z"}`, "index/modules.json": `[]`, "index/vulns.json": `[]`}, nil, "no report on Go's own library"},
		{"an index that is cut", nil, map[string]string{"index/db.json": `{"modified":"2026-08-02T00:00:00Z"}`, "index/modules.json": `[{"path":`}, nil, "unexpected EOF"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var out strings.Builder
			err := run(t.Context(), append(test.tags, write(t, test.database), module, executable), &out)
			if test.err == "" && err != nil || test.err != "" && (err == nil || !strings.Contains(err.Error(), test.err)) {
				t.Errorf("error %v, want %q", err, test.err)
			}
			for _, part := range test.want {
				if !strings.Contains(out.String(), part) {
					t.Errorf("it prints\n%swant %q", out.String(), part)
				}
			}
		})
	}
	if err := run(t.Context(), []string{filepath.Join(module, "nowhere"), module, executable}, new(strings.Builder)); err == nil {
		t.Error("a database that is not there: no error")
	}
	if err := run(t.Context(), []string{write(t, report(t, "encoding/hex", "1.2.0")), module, filepath.Join(module, "main.go")}, new(strings.Builder)); err == nil {
		t.Error("an executable that is none: no error")
	}
}
