// Command zip packs one executable into a zip whose bytes depend on nothing but
// the executable, the epoch and the version of Go: not on the umask, the clock,
// the folder or a zip program. Function Compute compares checksums, so that
// equal bytes make a deployment of the same code a no-op.
package main

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "zip:", err)
		os.Exit(1)
	}
}

func run(args []string, stdout io.Writer) error {
	flags := flag.NewFlagSet("zip", flag.ExitOnError)
	epoch := flags.Int64("epoch", 315532800, "modification time of the file in the zip, in `seconds` since 1970")
	maxBinary := flags.Int("max-binary", 0, "most `bytes` the executable may have, 0 for any")
	maxZip := flags.Int("max-zip", 0, "most `bytes` the zip may have, 0 for any")
	flags.Usage = func() {
		fmt.Fprintln(flags.Output(), "usage: zip [flags] EXECUTABLE ZIP")
		flags.PrintDefaults()
	}
	flags.Parse(args) // ends the program when it fails
	if flags.NArg() != 2 {
		return fmt.Errorf("%d arguments: want two, the executable and the zip, such as dist/main dist/function.zip", flags.NArg())
	}
	in, out := flags.Arg(0), flags.Arg(1)

	binary, err := os.ReadFile(in)
	if err != nil {
		return err
	}
	if err := within(in, len(binary), *maxBinary); err != nil {
		return err
	}
	packed, err := pack(filepath.Base(in), binary, time.Unix(*epoch, 0).UTC())
	if err != nil {
		return fmt.Errorf("pack %s: %w", in, err)
	}
	if err := within(out, len(packed), *maxZip); err != nil {
		return err
	}
	if err := os.WriteFile(out, packed, 0o644); err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout, "%s\n  size    %d bytes (%s %d bytes)\n  sha256  %x\n", out, len(packed), in, len(binary), sha256.Sum256(packed))
	return err
}

// pack makes a zip that holds data as one executable file.
func pack(name string, data []byte, modified time.Time) ([]byte, error) {
	var buf bytes.Buffer
	archive := zip.NewWriter(&buf)
	archive.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) {
		return flate.NewWriter(w, flate.BestCompression)
	})
	header := &zip.FileHeader{Name: name, Method: zip.Deflate, Modified: modified}
	header.SetMode(0o755) // without it the function ends in "Process exited unexpectedly"
	w, err := archive.CreateHeader(header)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(data); err != nil {
		return nil, err
	}
	if err := archive.Close(); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}

// within says no when a file is larger than it may be.
func within(name string, size, most int) error {
	if most > 0 && size > most {
		return fmt.Errorf("%s has %d bytes: want at most %d; look at what was linked last, such as a template package", name, size, most)
	}
	return nil
}
