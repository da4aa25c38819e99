//go:build !function

package local

import (
	"errors"
	"fmt"
	"net/url"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// patience is how long an opener may take to fail. One that takes longer is, or has
// become, the browser.
const patience = 5 * time.Second

// showPage says where the page is, and opens it where that is wanted.
func (s *session) showPage() error {
	file := page(s.dir)
	if file != "" {
		s.print("  the page: %s", fileAddress(file))
	}
	switch {
	case !s.open:
		return nil
	case file == "":
		return errors.New("local: there is no page to open: want a day that is complete")
	}
	if err := open(s.opener, fileAddress(file)); err != nil {
		return fmt.Errorf("local: the page could not be opened: %w: paste its address into a browser", err)
	}
	return nil
}

// fileAddress is what a browser takes for a file.
func fileAddress(name string) string {
	name = filepath.ToSlash(name)
	if !strings.HasPrefix(name, "/") {
		name = "/" + name // a drive of Windows
	}
	return (&url.URL{Scheme: "file", Path: name}).String()
}

// opener is the command that opens an address, by the system.
func opener(system string) []string {
	switch system {
	case "darwin":
		return []string{"open"}
	case "windows":
		return []string{"rundll32", "url.dll,FileProtocolHandler"}
	}
	return []string{"xdg-open"}
}

// open runs the opener, and waits for its verdict: xdg-open is there on machines
// without a browser, and says so only by its exit code.
func open(opener []string, address string) error {
	command := exec.Command(opener[0], append(opener[1:len(opener):len(opener)], address)...)
	if err := command.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	select {
	case err := <-ended:
		if err != nil {
			return fmt.Errorf("%s found no browser, %w", opener[0], err)
		}
	case <-time.After(patience):
	}
	return nil
}
