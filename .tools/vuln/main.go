// Command vuln looks for known vulnerabilities in what ships, with govulncheck: in the
// module's source, with each set of build tags, and in the executable. It fails where one
// has been fixed: the module, or Go, is to be raised. One that nobody has fixed yet is
// listed.
package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/vuln/scan"
)

func main() {
	if err := run(context.Background(), os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "vuln:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout io.Writer) error {
	flags := flag.NewFlagSet("vuln", flag.ExitOnError)
	var tags []string
	flags.Func("tags", "build `tags` to look at the source with; given again, another time with others", func(set string) error {
		tags = append(tags, set)
		return nil
	})
	flags.Usage = func() {
		fmt.Fprintln(flags.Output(), "usage: vuln [flags] DATABASE MODULE EXECUTABLE\n\nDATABASE is a folder in the layout of the Go vulnerability database, or a URL.")
		flags.PrintDefaults()
	}
	flags.Parse(args) // ends the program when it fails
	if flags.NArg() != 3 {
		return fmt.Errorf("%d arguments: want three, such as https://vuln.go.dev . dist/main", flags.NArg())
	}
	database, module, executable := flags.Arg(0), flags.Arg(1), flags.Arg(2)
	if !strings.Contains(database, "://") {
		path, err := filepath.Abs(database)
		if err != nil {
			return err
		}
		database = "file://" + filepath.ToSlash(path)
	}

	var fixable int
	look := func(what string, args ...string) error {
		found, err := govulncheck(ctx, database, args...)
		if err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		fmt.Fprintf(stdout, "%s, database of %s: %d known vulnerabilities\n", what, found.state.Format(time.DateOnly), len(found.of))
		for _, key := range slices.SortedFunc(maps.Keys(found.of), func(a, b weakness) int {
			return cmp.Or(cmp.Compare(a.Module, b.Module), cmp.Compare(a.OSV, b.OSV))
		}) {
			fmt.Fprintf(stdout, "  %v: %s (https://pkg.go.dev/vuln/%s)\n", key, found.of[key], key.OSV)
			if key.FixedVersion != "" {
				fixable++
			}
		}
		return nil
	}
	var errs []error
	for _, set := range tags {
		errs = append(errs, look("source with the tags "+set, "-C", module, "-tags", set, "./..."))
	}
	errs = append(errs, look(filepath.Base(executable), "-mode", "binary", executable))
	if fixable > 0 {
		errs = append(errs, fmt.Errorf("%d findings have a fixed version: want the modules raised to it", fixable))
	}
	return errors.Join(errs...)
}

// A weakness is a vulnerability of a module in the version that is used.
type weakness struct {
	OSV, Module, Version, FixedVersion string
}

func (w weakness) String() string {
	fixed := "not fixed yet"
	if w.FixedVersion != "" {
		fixed = "fixed in " + w.FixedVersion
	}
	return fmt.Sprintf("%s %s, %s: %s", w.Module, w.Version, fixed, w.OSV)
}

type findings struct {
	state time.Time           // of the database
	of    map[weakness]string // a line about each
}

// govulncheck runs it over what ships, as it is built. It does not analyse what is called:
// a version of a module with a known vulnerability is not used here, whatever it is in.
func govulncheck(ctx context.Context, database string, args ...string) (*findings, error) {
	var out, problems bytes.Buffer
	command := scan.Command(ctx, append([]string{"-format", "json", "-scan", "package", "-db", database}, args...)...)
	command.Env = append(os.Environ(), "GOOS=linux", "GOARCH=amd64", "CGO_ENABLED=0")
	command.Stdout, command.Stderr = &out, &problems
	err := command.Start()
	if err == nil {
		err = command.Wait()
	}
	if err != nil {
		return nil, fmt.Errorf("govulncheck with the database %s: %w %s", database, err, bytes.TrimSpace(problems.Bytes()))
	}
	found, err := read(&out)
	if err != nil {
		return nil, fmt.Errorf("govulncheck with the database %s: %w", database, err)
	}
	return found, nil
}

// read takes govulncheck's messages. That there is a database at all it does not say: it
// takes an empty folder for one in which nothing is known. So a database has to have
// reports, though not of these versions, and one of them on Go's own library.
func read(messages io.Reader) (*findings, error) {
	found := &findings{of: make(map[weakness]string)}
	summaries := make(map[string]string)
	var library bool
	for decoder := json.NewDecoder(messages); ; {
		var m struct {
			Config *struct {
				State time.Time `json:"db_last_modified"`
			}
			OSV *struct {
				ID, Summary string
				Affected    []struct{ Package struct{ Name string } }
			}
			Finding *struct {
				OSV          string
				FixedVersion string `json:"fixed_version"`
				Trace        []struct{ Module, Version string }
			}
		}
		if err := decoder.Decode(&m); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, fmt.Errorf("read its messages: %w", err)
		}
		switch {
		case m.Config != nil:
			found.state = m.Config.State
		case m.OSV != nil:
			summaries[m.OSV.ID] = m.OSV.Summary
			for _, affected := range m.OSV.Affected {
				library = library || affected.Package.Name == "stdlib"
			}
		case m.Finding != nil && len(m.Finding.Trace) == 0:
			return nil, fmt.Errorf("%s is found nowhere: want a trace", m.Finding.OSV)
		case m.Finding != nil:
			at := m.Finding.Trace[0]
			found.of[weakness{m.Finding.OSV, at.Module, at.Version, m.Finding.FixedVersion}] = summaries[m.Finding.OSV]
		}
	}
	if found.state.IsZero() || !library {
		return nil, fmt.Errorf("it has no date, or no report on Go's own library: want the Go vulnerability database, or a part of it")
	}
	return found, nil
}
