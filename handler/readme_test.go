package handler

import (
	"errors"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"backup-statistics/report"
)

// firstCells are the words in the first cells of the README's tables below a
// heading.
func firstCells(t *testing.T, heading string) []string {
	t.Helper()
	readme, err := os.ReadFile("../README.md")
	must(t, err)
	_, section, found := strings.Cut(string(readme), "\n## "+heading+"\n")
	if !found {
		t.Fatalf("README.md has no section %q", heading)
	}
	section, _, _ = strings.Cut(section, "\n## ")
	var cells []string
	for _, row := range regexp.MustCompile("(?m)^\\| `?([A-Za-z_]+)`? \\|").FindAllStringSubmatch(section, -1) {
		cells = append(cells, row[1])
	}
	return cells
}

func TestReadmeHasEveryVariable(t *testing.T) {
	cells := firstCells(t, "Configure")
	rules := []string{"resources_dropped", "data_dropped_percent", "region_gone", "quota_percent", "day_missing", "total_mismatch", "account_gone"}
	for _, name := range append(Variables(), rules...) {
		if !slices.Contains(cells, name) {
			t.Errorf("%s has no row under Configure", name)
		}
	}
	for _, cell := range cells {
		if cell == strings.ToUpper(cell) && !slices.Contains(Variables(), cell) {
			t.Errorf("%s has a row, and nothing reads it", cell)
		}
	}
	for _, rule := range rules { // and each is a rule indeed
		if _, err := report.ParseRules(rule + "=off"); err != nil {
			t.Errorf("%s: %v", rule, err)
		}
	}
}

func TestReadmeHasEveryErrorType(t *testing.T) {
	got := firstCells(t, "When it fails")
	slices.Sort(got)
	got = slices.DeleteFunc(got, func(s string) bool { return !strings.HasSuffix(s, "Error") }) // the causes have a table there as well
	var want []string
	for _, err := range eachError("") {
		want = append(want, ErrorType(err))
	}
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("rows %v, want %v", got, want)
	}
}

// eachError is an error of each type that an invocation answers, with this text in it.
func eachError(text string) []error {
	err := errors.New(text)
	return []error{
		&ConfigError{[]string{text}}, &EventError{err}, &SourceError{err}, &StoreError{err}, &AccountsError{[]error{err, err}}, &GapError{[]Gap{{"2026-11-23", text}}, err}, &IntegrityError{Found: []string{text}},
	}
}
