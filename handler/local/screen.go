//go:build !function

package local

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	width        = 100 // columns of a page, at most
	manyFiles    = 40  // from then on, long lists in the tree are shortened
	longList     = 5
	veryLongList = 20 // in an answer
	barColumns   = 40
)

// A screen is where the command shows things: plain text, and on a terminal a
// little more.
type screen struct {
	out, err io.Writer
	colour   bool
	bar      bool // draw the progress, on err
}

func newScreen(c *command) *screen {
	dumb := c.getenv("TERM") == "dumb"
	return &screen{
		out: c.stdout, err: c.stderr,
		colour: isTerminal(c.stdout) && !dumb && c.getenv("NO_COLOR") == "",
		bar:    isTerminal(c.stderr) && !dumb,
	}
}

func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

func (s *screen) print(format string, args ...any) {
	fmt.Fprintf(s.out, format+"\n", args...)
}

// style returns text in bold ("1"), faint ("2") or red ("31").
func (s *screen) style(code, text string) string {
	if !s.colour {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

func (s *screen) heading(text string) { s.print("\n%s", s.style("1", text)) }

// drawProgress draws over itself, on a terminal only.
func (s *screen) drawProgress(what string, done, all int) {
	if s.bar && all > 1 {
		full := barColumns * done / all
		fmt.Fprintf(s.err, "\r%s %s%s %d/%d\x1b[K", what,
			strings.Repeat("█", full), strings.Repeat("░", barColumns-full), done, all)
	}
}

func (s *screen) endProgress() {
	if s.bar {
		io.WriteString(s.err, "\r\x1b[K")
	}
}

func (s *screen) showAnswer(heading string, body []byte) {
	s.heading(heading)
	var pretty bytes.Buffer
	if json.Indent(&pretty, body, "  ", "  ") != nil {
		pretty.Reset()
		pretty.Write(body)
	}
	lines := shortened(strings.Split(pretty.String(), "\n"))
	s.print("  %s", strings.Join(lines, "\n"))
}

// shortened leaves of each very long list in indented JSON the first and the last
// item, and counts the rest.
func shortened(lines []string) []string {
	for i := 0; i < len(lines); i++ {
		if !strings.HasSuffix(lines[i], "[") {
			continue
		}
		margin := lines[i][:len(lines[i])-len(strings.TrimLeft(lines[i], " "))] + "  "
		var items []int // their first lines
		for j := i + 1; j < len(lines) && strings.HasPrefix(lines[j], margin); j++ {
			if !strings.ContainsAny(lines[j][len(margin):][:1], " }]") {
				items = append(items, j)
			}
		}
		if len(items) > veryLongList {
			more := fmt.Sprintf("%s… %d more", margin, len(items)-2)
			lines = slices.Concat(lines[:items[1]], []string{more}, lines[items[len(items)-1]:])
		}
	}
	return lines
}

func (s *screen) showError(heading string, out Outcome) {
	s.print("\n%s", s.style("1;31", heading))
	if out.ErrorType != "" {
		s.print("  %s", out.ErrorType)
	}
	s.print("%s", indent(wrap(out.ErrorMessage, width-2), "  "))
}

func (s *screen) showLines(heading string, lines []string) {
	s.heading(heading)
	for _, line := range lines {
		s.print("  %s", line)
	}
}

// showBucket draws the tree of a folder, with sizes.
func (s *screen) showBucket(heading, dir string) error {
	tree := &node{}
	if err := tree.read(dir); err != nil {
		return err
	}
	s.heading(heading)
	lines := tree.lines(tree.files > manyFiles)
	column := 0
	for _, line := range lines {
		column = max(column, utf8.RuneCountInString(line.text))
	}
	for _, line := range lines {
		if line.size == "" {
			s.print("  %s", line.text)
			continue
		}
		gap := strings.Repeat(" ", column-utf8.RuneCountInString(line.text))
		s.print("  %s%s  %s", line.text, gap, s.style("2", fmt.Sprintf("%9s", line.size)))
	}
	s.print("  %s, %s, in %s", plural(tree.files, "file"), bytesText(tree.bytes), dir)
	return nil
}

// page finds the report below a folder, wherever its prefix puts it; "" for none.
func page(dir string) (found string) {
	filepath.WalkDir(dir, func(name string, _ fs.DirEntry, err error) error { //nolint:errcheck // none is no page
		if err == nil && filepath.Base(name) == "index.html" && filepath.Base(filepath.Dir(name)) == "report" {
			found = name
			return fs.SkipAll
		}
		return err
	})
	return found
}

// A node is a file or a folder of the tree.
type node struct {
	name     string
	bytes    int64 // of all files below
	files    int
	children []*node // sorted by name; none in a file
}

// read adds what is in a folder. Hidden files are not of the bucket.
func (n *node) read(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), ".") {
			continue
		}
		child := &node{name: entry.Name(), files: 1}
		if entry.IsDir() {
			child.files = 0
			err = child.read(filepath.Join(dir, entry.Name()))
		} else {
			var info fs.FileInfo
			if info, err = entry.Info(); err == nil {
				child.bytes = info.Size()
			}
		}
		if err != nil {
			return err
		}
		if child.files > 0 {
			n.children = append(n.children, child)
			n.files += child.files
			n.bytes += child.bytes
		}
	}
	return nil
}

// A treeLine is a line of the drawn tree; a folder's has no size.
type treeLine struct{ text, size string }

// lines draws what is below n. With shorten, of a long list the first and the
// last are drawn, and the rest counted.
func (n *node) lines(shorten bool) []treeLine {
	children := n.children
	if shorten && len(children) > longList && strings.ContainsAny(strings.TrimPrefix(children[0].name, "dt=")[:1], "0123456789") { // days or accounts
		rest := &node{name: fmt.Sprintf("… %d more", len(children)-2)}
		for _, child := range children[1 : len(children)-1] {
			rest.bytes += child.bytes
		}
		children = []*node{children[0], rest, children[len(children)-1]}
	}
	var lines []treeLine
	for i, child := range children {
		branch, below := "├── ", "│   "
		if i == len(children)-1 {
			branch, below = "└── ", "    "
		}
		name := child.name
		for len(child.children) == 1 { // a folder of one thing takes no line
			child = child.children[0]
			name += "/" + child.name
		}
		if child.children == nil {
			lines = append(lines, treeLine{branch + name, bytesText(child.bytes)})
			continue
		}
		lines = append(lines, treeLine{branch + name + "/", ""})
		for _, line := range child.lines(shorten) {
			lines = append(lines, treeLine{below + line.text, line.size})
		}
	}
	return lines
}

// bytesText writes a size as people read it.
func bytesText(n int64) string {
	if n < 1<<10 {
		return fmt.Sprintf("%d B", n)
	}
	size, unit := float64(n)/(1<<10), 0
	for size >= 1024 && unit < 3 {
		size, unit = size/1024, unit+1
	}
	return fmt.Sprintf("%.1f %ciB", size, "KMGT"[unit])
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// wrap breaks a text between words where a line would get longer than columns.
func wrap(text string, columns int) string {
	var b strings.Builder
	for paragraph := range strings.SplitSeq(strings.TrimSpace(text), "\n") {
		used := 0
		for i, word := range strings.Fields(paragraph) {
			length := utf8.RuneCountInString(word)
			switch {
			case i == 0:
			case used+1+length > columns:
				b.WriteByte('\n')
				used = 0
			default:
				b.WriteByte(' ')
				used++
			}
			b.WriteString(word)
			used += length
		}
		b.WriteByte('\n')
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// indent begins each line of a text with prefix.
func indent(text, prefix string) string {
	return prefix + strings.ReplaceAll(text, "\n", "\n"+prefix)
}
