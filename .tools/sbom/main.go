// Command sbom says what an executable is made of: a software bill of materials
// (CycloneDX 1.6), and the licences and notices that must be handed on with it. It
// takes the modules that are linked, by the executable's own record, and stops at a
// licence that nobody has read yet. Equal executables give equal bytes: there is
// neither a time nor a random number in what it writes.
package main

import (
	"bytes"
	"crypto/sha256"
	"debug/buildinfo"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "sbom:", err)
		os.Exit(1)
	}
}

func run(args []string, stdout io.Writer) error {
	flags := flag.NewFlagSet("sbom", flag.ExitOnError)
	goCommand := flags.String("go", "go", "the go `command` that built the executable")
	flags.Usage = func() {
		fmt.Fprintln(flags.Output(), "usage: sbom [flags] MODULE EXECUTABLE\n\nIt writes sbom.json and LICENSES.txt beside the executable of the module in the folder MODULE.")
		flags.PrintDefaults()
	}
	flags.Parse(args) // ends the program when it fails
	if flags.NArg() != 2 {
		return fmt.Errorf("%d arguments: want two, the module's folder and the executable, such as . dist/main", flags.NArg())
	}
	module, executable := flags.Arg(0), flags.Arg(1)

	data, err := os.ReadFile(executable)
	if err != nil {
		return err
	}
	build, err := buildinfo.Read(bytes.NewReader(data))
	if err != nil {
		return fmt.Errorf("%s: %w: want an executable that Go built", executable, err)
	}
	parts, err := linked(*goCommand, module, build)
	if err != nil {
		return fmt.Errorf("%s: %w", executable, err)
	}
	bill, err := encodeBill(build, sha256.Sum256(data), parts)
	if err != nil {
		return err
	}
	dir := filepath.Dir(executable)
	for _, out := range []struct {
		name string
		data []byte
	}{{"sbom.json", bill}, {"LICENSES.txt", notices(parts)}} {
		name := filepath.Join(dir, out.name)
		if err := os.WriteFile(name, out.data, 0o644); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintf(stdout, "%s/sbom.json, LICENSES.txt\n  linked  %d parts: %s\n  sha256  %x (sbom.json)\n", filepath.Base(dir), len(parts), tally(parts), sha256.Sum256(bill))
	return err
}
