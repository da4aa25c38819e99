// Command zones makes the file of time zones that the function embeds from a wheel
// of tzdata, the package in which Python's developers publish each IANA release
// compiled. Equal wheels give equal bytes. It writes nothing where the wheel is not
// what it says it is, or older than what is there.
package main

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "zones:", err)
		os.Exit(1)
	}
}

func run(args []string, stdout io.Writer) error {
	flags := flag.NewFlagSet("zones", flag.ExitOnError)
	flags.Usage = func() {
		fmt.Fprintln(flags.Output(), "usage: zones WHEEL FILE\n\nWHEEL is a wheel of tzdata, such as tzdata-2026.6-py2.py3-none-any.whl; FILE is renewed from it.")
	}
	flags.Parse(args) // ends the program when it fails
	if flags.NArg() != 2 {
		return fmt.Errorf("%d arguments: want two, the wheel and the file to renew, such as tzdata-2026.6-py2.py3-none-any.whl report/zones/zones.bin", flags.NArg())
	}
	wheel, err := zip.OpenReader(flags.Arg(0))
	if err != nil {
		return fmt.Errorf("%s: %w", flags.Arg(0), err)
	}
	defer wheel.Close()
	made, err := build(wheel)
	if err != nil {
		return fmt.Errorf("%s: %w", flags.Arg(0), err)
	}
	old, err := os.ReadFile(flags.Arg(1))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if before := title(old); before > title(made) {
		return fmt.Errorf("%s is of %s, and %s of %s: want a newer one", flags.Arg(1), before, flags.Arg(0), title(made))
	}
	if err := os.WriteFile(flags.Arg(1), made, 0o644); err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout, "%s\n  was     %s\n  is      %s\n  size    %d bytes\n  sha256  %x\n", flags.Arg(1), title(old), title(made), len(made), sha256.Sum256(made))
	return err
}

// title is the first line of a file of zones; titles sort as releases do.
func title(file []byte) string {
	line, _, _ := bytes.Cut(file, []byte("\n"))
	return string(line)
}

var (
	release = regexp.MustCompile(`(?m)^IANA_VERSION = "(20\d\d[a-z]+)"$`)
	version = regexp.MustCompile(`(?m)^__version__ = "([0-9.]+)"$`)
	zone    = regexp.MustCompile(`^[A-Za-z0-9_+/-]{1,60}$`)
)

// build reads a wheel. Names are sorted, and equal zones are kept once.
func build(wheel fs.FS) ([]byte, error) {
	read, err := recorded(wheel)
	if err != nil {
		return nil, err
	}
	about, err := read("tzdata/__init__.py")
	if err != nil {
		return nil, err
	}
	r, v := release.FindSubmatch(about), version.FindSubmatch(about)
	if r == nil || v == nil {
		return nil, fmt.Errorf("tzdata/__init__.py has no IANA_VERSION and __version__: want a release such as 2026f and a version such as 2026.6")
	}
	list, err := read("tzdata/zones")
	if err != nil {
		return nil, err
	}
	names := strings.Fields(string(list))
	slices.Sort(names)
	var contents, compiled bytes.Buffer
	fmt.Fprintf(&contents, "IANA %s, tzdata %s\n", r[1], v[1])
	at := make(map[string]int)
	for i, name := range names {
		if !zone.MatchString(name) || i > 0 && names[i-1] == name {
			return nil, fmt.Errorf("tzdata/zones names %q: want each IANA name once", name)
		}
		tzif, err := read("tzdata/zoneinfo/" + name)
		if err != nil {
			return nil, err
		}
		if _, err := time.LoadLocationFromTZData(name, tzif); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		from, there := at[string(tzif)]
		if !there {
			from = compiled.Len()
			at[string(tzif)] = from
			compiled.Write(tzif)
		}
		fmt.Fprintf(&contents, "%s %d %d\n", name, from, from+len(tzif))
	}
	if len(names) < 500 {
		return nil, fmt.Errorf("tzdata/zones has %d names: want all of IANA's, some 600", len(names))
	}
	contents.WriteByte('\n')
	return append(contents.Bytes(), compiled.Bytes()...), nil
}

// recorded returns what reads a file of a wheel and holds it against the wheel's own
// record of SHA-256 sums.
func recorded(wheel fs.FS) (func(string) ([]byte, error), error) {
	lists, err := fs.Glob(wheel, "tzdata-*.dist-info/RECORD")
	if err != nil || len(lists) != 1 {
		return nil, fmt.Errorf("has %d records of tzdata: want a wheel of it, which has one", len(lists))
	}
	record, err := fs.ReadFile(wheel, lists[0])
	if err != nil {
		return nil, err
	}
	return func(name string) ([]byte, error) {
		data, err := fs.ReadFile(wheel, name)
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(data)
		if line := fmt.Sprintf("\n%s,sha256=%s,%d", name, base64.RawURLEncoding.EncodeToString(sum[:]), len(data)); !strings.Contains("\n"+string(record), line) {
			return nil, fmt.Errorf("%s is not what the wheel's record has: want it as it was published", name)
		}
		return data, nil
	}, nil
}
