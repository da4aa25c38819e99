package local_test

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"backup-statistics/handler/local"
)

// summary is a table of the findings: a row for each fault and each deed that met
// it, with what a run came to, the most requests, and the most time.
func summary(findings []finding) string {
	type row struct{ service, deed, trouble string }
	rows := make(map[row][]finding)
	for _, f := range findings {
		r := row{f.position.service, f.position.deed.String(), f.trouble.String()}
		if f.position.connection {
			r.deed = "connects"
		}
		rows[r] = append(rows[r], f)
	}
	var b strings.Builder
	line := "%-11s | %-8s | %-43s | %-26s | %-26s | %-26s | %3v | %8v | %v\n"
	fmt.Fprintf(&b, line, "service", "request", "fault", "once", "twice", "for ever", "met", "requests", "most time")
	for _, r := range slices.SortedFunc(maps.Keys(rows), func(a, b row) int {
		return cmp.Or(cmp.Compare(a.service, b.service), cmp.Compare(a.deed, b.deed), cmp.Compare(a.trouble, b.trouble))
	}) {
		outcomes := make(map[int]map[string]bool)
		var spoiled, requests int
		var took time.Duration
		for _, f := range rows[r] {
			if outcomes[f.times] == nil {
				outcomes[f.times] = make(map[string]bool)
			}
			outcomes[f.times][f.outcome] = true
			spoiled, requests, took = max(spoiled, f.spoiled), max(requests, f.requests), max(took, f.took)
		}
		cell := func(times int) string { return strings.Join(slices.Sorted(maps.Keys(outcomes[times])), ", ") }
		fmt.Fprintf(&b, line, r.service, r.deed, r.trouble, cell(1), cell(2), cell(always), spoiled, requests, took.Round(100*time.Millisecond))
	}
	return b.String()
}

// documentedRows are the rows of the table in .docs/faults.md, and which findings each is about.
var documentedRows = []struct {
	breaks string
	about  func(finding) bool
}{
	{"a connection is reset, its handshake cut off or never answered", func(f finding) bool { return f.position.connection && f.verdict() == again && !lasting(f.trouble) }},
	{"a certificate is untrusted, expired or another's; a name does not resolve", func(f finding) bool { return f.position.connection }},
	{"a write's answer breaks off after its header, a checksum is missing, a connection dies after its answer", func(f finding) bool { return f.verdict() == harmless }},
	{"the webhook fails in passing", func(f finding) bool { return f.position.deed == tells && f.verdict() == again }},
	{"the webhook refuses, or takes a message and does not answer", func(f finding) bool { return f.position.deed == tells }},
	{"the resource directory fails in passing", func(f finding) bool { return f.position.service == local.ServiceDirectory && f.verdict() == again }},
	{"the resource directory refuses", func(f finding) bool { return f.position.service == local.ServiceDirectory }},
	{"Cloud Backup or STS fails in passing", func(f finding) bool { return f.position.service != local.ServiceOSS && f.verdict() == again }},
	{"Cloud Backup or STS refuses", func(f finding) bool { return f.position.service != local.ServiceOSS }},
	{"OSS fails in passing: a snapshot is to be written", func(f finding) bool { return f.position.deed == creates && f.verdict() == again }},
	{"OSS refuses: a snapshot is to be written", func(f finding) bool { return f.position.deed == creates }},
	{"OSS fails in passing: a snapshot that is there is to be read", func(f finding) bool {
		return f.position.deed == reads && f.position.account != "" && f.verdict() == again
	}},
	{"OSS refuses: a snapshot that is there is to be read", func(f finding) bool { return f.position.deed == reads && f.position.account != "" }},
	{"OSS fails in passing: any other document, or a list", func(f finding) bool { return f.verdict() == again }},
	{"OSS refuses: any other document, or a list", func(finding) bool { return true }},
}

// lasting tells whether the fault of a connection is one that does not pass.
func lasting(tr trouble) bool {
	return strings.HasPrefix(tr.fault.Kind, "certificate") || tr.fault.Kind == "no-such-name"
}

// The words of the table for what is found.
var (
	outcomeWords  = []string{"success", "warning", "`SourceError`", "`StoreError`", "`AccountsError`"}
	snapshotWords = []string{"all snapshots", "the others' snapshots", "no record", "`complete`", "`partial`", "`missing`"}
	nextWords     = []string{"`written`", "`exists`"}
)

func (f finding) inWords() (outcome string, left []string, next string) {
	switch f.outcome {
	case success:
		outcome = "success"
	case warning:
		outcome = "warning"
	default:
		outcome = "`" + f.outcome + "`"
	}
	left = []string{"all snapshots", "no record"}
	if f.captured < f.setting.snapshots() {
		left[0] = "the others' snapshots"
	}
	if f.record != "none" {
		left[1] = "`" + f.record + "`"
	}
	return outcome, left, "`" + f.next + "`"
}

// checkTable holds the table against the findings: nothing is found
// that it does not say, and if all combinations were played, it says nothing that
// is not found.
func checkTable(t *testing.T, findings []finding, all bool) {
	t.Helper()
	cells := documentedTable(t)
	found := make([][4]map[string]bool, len(documentedRows)) // by row and column
	for i := range found {
		for j := range found[i] {
			found[i][j] = make(map[string]bool)
		}
	}
	for _, f := range findings {
		i := slices.IndexFunc(documentedRows, func(row struct {
			breaks string
			about  func(finding) bool
		},
		) bool {
			return row.about(f)
		})
		outcome, left, next := f.inWords()
		if f.times != always {
			found[i][0][outcome] = true
			continue
		}
		found[i][1][outcome], found[i][3][next] = true, true
		for _, word := range left {
			found[i][2][word] = true
		}
	}
	for i, row := range documentedRows {
		for j, words := range [][]string{outcomeWords, outcomeWords, snapshotWords, nextWords} {
			said := cells[row.breaks][j]
			for _, word := range words {
				switch says, is := strings.Contains(said, word), found[i][j][word]; {
				case is && !says:
					t.Errorf("faults.md, %q, column %d is %q: want it to say %s, which is what happens", row.breaks, j+2, said, word)
				case says && !is && all:
					t.Errorf("faults.md, %q, column %d is %q: %s never happens", row.breaks, j+2, said, word)
				}
			}
		}
	}
}

// documentedTable reads the cells of that table, by the first of each row.
func documentedTable(t *testing.T) map[string][4]string {
	t.Helper()
	document, err := os.ReadFile("../../.docs/faults.md")
	must(t, err)
	_, section, _ := strings.Cut(string(document), "\n## What happens when\n")
	section, _, _ = strings.Cut(section, "\n## ")
	cells := make(map[string][4]string)
	for line := range strings.Lines(section) {
		if row := strings.Split(strings.TrimSpace(line), " | "); len(row) == 5 {
			cells[strings.TrimPrefix(row[0], "| ")] = [4]string(row[1:])
		}
	}
	for _, row := range documentedRows {
		if _, there := cells[row.breaks]; !there {
			t.Errorf("faults.md has no row for %q under What happens when", row.breaks)
		}
	}
	return cells
}
