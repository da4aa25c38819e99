package handler

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
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
	"handler":                       "report report/zones handler/cpu handler/fault handler/redact handler/store sync backoff",
	"handler/cloudbackup":           "report handler/fault handler/redact darabonba-openapi tea credentials-go backoff",
	"handler/cloudbackup/member.go": "time",
	"handler/cpu":                   "",
	"handler/entry":                 "handler handler/cloudbackup handler/redact handler/store report report/zones fc-runtime-go-sdk credentials-go",
	"handler/fault":                 "",
	"handler/local":                 "report/zones",
	"handler/redact":                "",
	"handler/store":                 "handler/cpu handler/fault handler/redact",
	"handler/store/list.go":         "aliyun-oss-go-sdk",
	"handler/store/oss.go":          "aliyun-oss-go-sdk credentials-go",
	"handler/store/probe.go":        "aliyun-oss-go-sdk",
	"handler/store/retry.go":        "backoff",
	"report":                        "report/zones", // times on the page
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

// house is the files of this package from the roof down: a file uses what stands below it,
// and nothing above. What a run does comes first, then how, then what it is about.
var house = strings.Fields(`
	handler check verify rebuild preflight snapshot rehearsal
	chain views write tell read day documents
	web ahead roots invocation result event
	robots heartbeat courier notify
	config kinds errors secret text
`)

// TestFilesRunOneWay finds what runs back up: a declaration that stands in a higher file
// than one that uses it.
func TestFilesRunOneWay(t *testing.T) {
	files := token.NewFileSet()
	var parsed []*ast.File
	names, err := filepath.Glob("*.go")
	must(t, err)
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(files, name, nil, 0)
		must(t, err)
		parsed = append(parsed, file)
		if !slices.Contains(house, strings.TrimSuffix(name, ".go")) {
			t.Errorf("%s is not in house: decide its place", name)
		}
	}
	// Other packages are left empty: what is used of them is no arrow of ours.
	uses := &types.Info{Uses: make(map[*ast.Ident]types.Object)}
	checker := types.Config{Error: func(error) {}, Importer: strangers{}}
	handler, _ := checker.Check("handler", files, parsed, uses)
	floor := func(pos token.Pos) int {
		return slices.Index(house, strings.TrimSuffix(files.Position(pos).Filename, ".go"))
	}
	arrows, up := make(map[[2]int]bool), make(map[[2]int][]string)
	for use, object := range uses.Uses {
		if object.Pkg() != handler || !object.Pos().IsValid() {
			continue
		}
		arrow := [2]int{floor(use.Pos()), floor(object.Pos())}
		if arrow[0] != arrow[1] {
			arrows[arrow] = true
		}
		if arrow[0] > arrow[1] && !slices.Contains(up[arrow], use.Name) {
			up[arrow] = append(up[arrow], use.Name)
		}
	}
	if len(arrows) < 100 {
		t.Errorf("there are %d arrows between files: want those that there are", len(arrows))
	}
	for arrow, names := range up {
		slices.Sort(names)
		t.Errorf("%s.go uses %v of %s.go, which stands above it", house[arrow[0]], names, house[arrow[1]])
	}
}

// strangers imports every package as an empty one.
type strangers struct{}

func (strangers) Import(path string) (*types.Package, error) {
	p := types.NewPackage(path, path[strings.LastIndex(path, "/")+1:])
	p.MarkComplete()
	return p, nil
}
