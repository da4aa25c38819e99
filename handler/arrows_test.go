package handler

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// arrows says what a package, or one file of it, may import besides the standard
// library. A package that is not listed fails: adding one means deciding its place.
var arrows = map[string]string{
	".":                             "handler handler/entry handler/local fc-runtime-go-sdk",
	"handler":                       "report report/zones handler/fault handler/redact handler/store sync backoff",
	"handler/cloudbackup":           "report handler/fault handler/redact darabonba-openapi tea credentials-go backoff",
	"handler/cloudbackup/member.go": "time",
	"handler/entry":                 "handler handler/cloudbackup handler/redact handler/store report report/zones fc-runtime-go-sdk credentials-go",
	"handler/fault":                 "",
	"handler/local":                 "report/zones",
	"handler/redact":                "",
	"handler/store":                 "handler/fault handler/redact",
	"handler/store/list.go":         "aliyun-oss-go-sdk",
	"handler/store/oss.go":          "aliyun-oss-go-sdk credentials-go",
	"handler/store/probe.go":        "aliyun-oss-go-sdk",
	"handler/store/retry.go":        "backoff",
	"report":                        "",
	"report/zones":                  "",
}

func TestArrows(t *testing.T) {
	const module, root = "backup-statistics/", ".."
	must(t, filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() && strings.HasPrefix(entry.Name(), ".") && name != root {
			return fs.SkipDir // tools and checks are modules of their own
		}
		if err != nil || filepath.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") {
			return err
		}
		source, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		must(t, err)
		file := filepath.ToSlash(strings.TrimPrefix(name, root+string(filepath.Separator)))
		dir := filepath.ToSlash(filepath.Dir(file))
		allowed, listed := arrows[dir]
		if !listed {
			t.Errorf("package %s is not in arrows: decide its place", dir)
		}
		for _, spec := range source.Imports {
			path, err := strconv.Unquote(spec.Path.Value)
			must(t, err)
			to, ours := strings.CutPrefix(path, module)
			switch parts := strings.Split(path, "/"); {
			case ours || path == strings.TrimSuffix(module, "/"):
			case strings.Contains(parts[0], "."):
				to = parts[min(2, len(parts)-1)] // the repository's name
			case strings.HasSuffix(path, "/template"), dir == "report" && (path == "os" || strings.HasPrefix(path, "net")):
				// too large to link, or not pure: nobody lists them
			default:
				continue
			}
			if !slices.Contains(strings.Fields(allowed+" "+arrows[file]), to) {
				t.Errorf("%s imports %s, against its arrows", file, path)
			}
		}
		return nil
	}))
}

// TestZonesHaveOneSource finds who would ask the machine, or Go, for a time zone.
func TestZonesHaveOneSource(t *testing.T) {
	must(t, filepath.WalkDir("..", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(name) != ".go" {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		must(t, err)
		for _, spec := range file.Imports {
			if spec.Path.Value == `"time/tzdata"` {
				t.Errorf("%s imports time/tzdata: want the zones of report/zones alone", name)
			}
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if called, ok := n.(*ast.SelectorExpr); ok && called.Sel.Name == "LoadLocation" {
				t.Errorf("%s calls LoadLocation, which asks the machine: want zones.Load", name)
			}
			return true
		})
		return nil
	}))
}
