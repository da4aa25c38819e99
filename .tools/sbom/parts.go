package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
)

// A part is a module that is linked, Go's standard library, or the time zones that
// are embedded.
type part struct {
	path, version string // std of the standard library, with Go's version; tzdata with IANA's release
	sum           string // such as h1:… in go.sum; "" of the standard library
	data          []byte // of what is no code
	texts         map[string]text
	uses          map[string]bool // paths of the parts whose packages it imports
}

// standard is the path of the standard library among the parts, as it is in
// package URLs. What it vendors is a part of it.
const standard = "std"

// timeZones is the part that is data: IANA's zones, as .tools/zones compiles them.
const timeZones = "tzdata"

// A goPackage is what go list tells of one.
type goPackage struct {
	ImportPath string
	EmbedFiles []string
	Dir        string
	Standard   bool
	Imports    []string
	ImportMap  map[string]string
	Module     *struct {
		Path, Dir string
		Main      bool
	}
}

// linked are the parts of an executable, sorted by path. The executable says which
// modules they are; which of their folders matter, and who uses whom, is asked of
// the sources it was built from, with the tags and the target it was built with.
func linked(goCommand, module string, build *debug.BuildInfo) ([]*part, error) {
	parts := map[string]*part{standard: {path: standard, version: strings.TrimPrefix(build.GoVersion, "go")}}
	for _, m := range build.Deps {
		if m.Replace != nil || m.Sum == "" {
			return nil, fmt.Errorf("module %s is replaced or has no sum: want one that go.sum vouches for", m.Path)
		}
		parts[m.Path] = &part{path: m.Path, version: m.Version, sum: m.Sum}
	}
	for _, p := range parts {
		p.texts, p.uses = make(map[string]text), make(map[string]bool)
	}
	goroot, err := root(goCommand, module, build.GoVersion)
	if err != nil {
		return nil, err
	}
	packages, err := list(goCommand, module, build)
	if err != nil {
		return nil, err
	}
	of := make(map[string]string) // import path to the part's path; "" of our own
	for _, p := range packages {
		switch {
		case p.Standard:
			of[p.ImportPath] = standard
		case p.Module != nil && !p.Module.Main:
			of[p.ImportPath] = p.Module.Path
		}
	}
	found := make(map[string]bool)
	for _, p := range packages {
		if slices.Contains(p.EmbedFiles, "zones.bin") {
			zones, err := embedded(filepath.Join(p.Dir, "zones.bin"))
			if err != nil {
				return nil, err
			}
			parts[timeZones], found[timeZones] = zones, true
			continue
		}
		owner, there := parts[of[p.ImportPath]]
		if of[p.ImportPath] != "" && !there {
			return nil, fmt.Errorf("package %s is of no module in the executable: want the sources that it was built from", p.ImportPath)
		}
		if !there {
			continue
		}
		found[owner.path] = true
		if err := owner.take(p, goroot); err != nil {
			return nil, err
		}
		for _, path := range p.Imports {
			if used := of[cmp.Or(p.ImportMap[path], path)]; used != "" && used != owner.path {
				owner.uses[used] = true
			}
		}
	}
	sorted := slices.SortedFunc(maps.Values(parts), func(a, b *part) int { return strings.Compare(a.path, b.path) })
	for _, p := range sorted {
		if !found[p.path] || len(p.licences()) == 0 {
			return nil, fmt.Errorf("%s %s: found no package or no licence of it: want both", p.path, p.version)
		}
	}
	return sorted, nil
}

// embedded reads which release a file of time zones is of. IANA's data is free of any
// licence, which its own LICENSE says; the wheel's is of the code in it, and none of
// that is taken.
func embedded(name string) (*part, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	release, _, found := strings.Cut(strings.TrimPrefix(string(data[:min(len(data), 100)]), "IANA "), ",")
	if !found {
		return nil, fmt.Errorf("%s names no release: want a file made by make zones", name)
	}
	return &part{
		path: timeZones, version: release, data: data, uses: make(map[string]bool),
		texts: map[string]text{"LICENSE": {file: "LICENSE", licence: publicDomain, content: "The time zone data that IANA publishes is in the public domain.\n"}},
	}, nil
}

// take adds the texts that apply to a package. Those in Go's own tree are at its
// root and with what it vendors; BoringCrypto's, in between, is of an object file
// that is linked only where a build asks for it.
func (p *part) take(pkg goPackage, goroot string) error {
	dir, top := pkg.Dir, goroot
	switch {
	case !pkg.Standard:
		top = pkg.Module.Dir
	case !strings.HasPrefix(pkg.ImportPath, "vendor/"):
		dir = goroot
	}
	texts, err := texts(dir, top)
	if err != nil {
		return fmt.Errorf("package %s: %w", pkg.ImportPath, err)
	}
	for _, t := range texts {
		p.texts[t.file] = t
	}
	return nil
}

// licences are the SPDX ids of a part's licences.
func (p *part) licences() []string {
	var ids []string
	for _, t := range p.texts {
		if t.licence != "" {
			ids = append(ids, t.licence)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// root is the tree of the Go that built the executable.
func root(goCommand, module, version string) (string, error) {
	out, err := output(goCommand, module, nil, "env", "GOROOT", "GOVERSION")
	if err != nil {
		return "", err
	}
	root, found, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	if found != version {
		return "", fmt.Errorf("built by %s, and %s is %s: want the same", version, goCommand, found)
	}
	return filepath.Clean(root), nil
}

// list asks for every package that is linked.
func list(goCommand, module string, build *debug.BuildInfo) ([]goPackage, error) {
	args := []string{"list", "-deps", "-json=ImportPath,EmbedFiles,Dir,Standard,Imports,ImportMap,Module"}
	var environment []string
	for _, s := range build.Settings {
		switch s.Key {
		case "-tags":
			args = append(args, "-tags", s.Value)
		case "GOOS", "GOARCH", "CGO_ENABLED", "GOAMD64", "GOARM64", "GOEXPERIMENT":
			environment = append(environment, s.Key+"="+s.Value)
		}
	}
	out, err := output(goCommand, module, environment, append(args, build.Path)...)
	if err != nil {
		return nil, err
	}
	var packages []goPackage
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p goPackage
		switch err := d.Decode(&p); {
		case errors.Is(err, io.EOF):
			return packages, nil
		case err != nil:
			return nil, fmt.Errorf("%s list: %w", goCommand, err)
		}
		packages = append(packages, p)
	}
}

func output(goCommand, dir string, environment []string, args ...string) ([]byte, error) {
	command := exec.Command(goCommand, args...)
	command.Dir, command.Env, command.Stderr = dir, append(os.Environ(), environment...), os.Stderr
	out, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", goCommand, args[0], err)
	}
	return out, nil
}
