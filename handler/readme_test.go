package handler

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
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
	cells := append(firstCells(t, "Configure"), firstCells(t, "Alerts")...)
	rules := []string{"resources_dropped", "data_dropped_percent", "region_gone", "quota_percent", "day_missing", "total_mismatch", "account_gone"}
	for _, name := range append(Variables(), rules...) {
		if !slices.Contains(cells, name) {
			t.Errorf("%s has no row under Configure or Alerts", name)
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

// headings of the README, up to where the Chinese manual ends, and how they are called there.
var headings = []struct{ english, chinese string }{
	{"# backup-statistics · [中文手册](.docs/README.zh-CN.md)", "# backup-statistics · [English](../README.md)"},
	{"## Try it", "## 试一试"},
	{"## Deploy in five minutes", "## 五分钟部署"},
	{"### In other ways", "### 其他方式"},
	{"### From day to day", "### 日常运维"},
	{"## Look at it", "## 查看页面"},
	{"## What it costs", "## 费用"},
	{"## What the numbers are", "## 数字的含义"},
	{"## Configure", "## 配置"},
	{"## When it fails", "## 运行失败时"},
	{"## By symptom", "## 按现象排查"},
}

// A manual is a document in parts that can be compared with another language's.
type manual struct {
	headings []string
	blocks   []string   // commands and documents, as they are to be pasted
	rows     [][]string // of the tables: the code, the numbers and the first cell that is no prose
	links    []string
}

func readManual(t *testing.T, file, end string) (m manual) {
	t.Helper()
	data, err := os.ReadFile(file)
	must(t, err)
	text, _, _ := strings.Cut(string(data), end)
	blocks := regexp.MustCompile("(?s)```(.*?)```")
	for _, block := range blocks.FindAllStringSubmatch(text, -1) {
		m.blocks = append(m.blocks, block[1])
	}
	code := regexp.MustCompile("`[^`]+`|[A-Z][A-Za-z]+Error|[0-9][0-9.,:-]*[0-9]|[0-9]")
	for line := range strings.Lines(blocks.ReplaceAllString(text, "")) {
		if strings.HasPrefix(line, "#") {
			m.headings = append(m.headings, strings.TrimSpace(line))
		}
		if strings.HasPrefix(line, "|") {
			row := code.FindAllString(line, -1)
			slices.Sort(row) // the order of words differs
			m.rows = append(m.rows, append(row, strconv.Itoa(strings.Count(line, "|"))))
		}
	}
	for _, link := range regexp.MustCompile(`\]\(([^)]+)\)`).FindAllStringSubmatch(text, -1) {
		m.links = append(m.links, strings.TrimPrefix(strings.TrimPrefix(link[1], "../"), ".docs/"))
	}
	return m
}

// The Chinese manual says what the README says, as far as it goes.
func TestChineseManualIsInStep(t *testing.T) {
	english := readManual(t, "../README.md", "\n## What it writes\n")
	chinese := readManual(t, "../.docs/README.zh-CN.md", "\n其余内容")
	for i, heading := range headings {
		if i >= len(english.headings) || english.headings[i] != heading.english {
			t.Fatalf("README.md: headings %q, want %q", english.headings, heading.english)
		}
		if i >= len(chinese.headings) || chinese.headings[i] != heading.chinese {
			t.Fatalf("README.zh-CN.md: headings %q, want %q", chinese.headings, heading.chinese)
		}
	}
	if len(english.headings) != len(headings) || len(chinese.headings) != len(headings) {
		t.Errorf("%d and %d headings, want %d", len(english.headings), len(chinese.headings), len(headings))
	}
	for _, of := range []struct {
		what             string
		english, chinese []string
	}{
		{"block", english.blocks, chinese.blocks}, {"table row", joined(english.rows), joined(chinese.rows)}, {"link", english.links[1:], chinese.links[1:]},
	} {
		for i := range max(len(of.english), len(of.chinese)) {
			if i >= len(of.english) || i >= len(of.chinese) || of.english[i] != of.chinese[i] {
				t.Errorf("%s %d of README.zh-CN.md is %q, want %q as in README.md", of.what, i+1, at(of.chinese, i), at(of.english, i))
				break
			}
		}
	}
}

func joined(rows [][]string) (lines []string) {
	for _, row := range rows {
		lines = append(lines, strings.Join(row, " "))
	}
	return lines
}

func at(list []string, i int) string {
	if i < len(list) {
		return list[i]
	}
	return "missing"
}

// What a document links to is there, sections included.
func TestLinksLead(t *testing.T) {
	for _, file := range []string{"../README.md", "../.docs/README.zh-CN.md", "../.docs/alerts.md", "../.docs/faults.md", "../.docs/develop.md"} {
		data, err := os.ReadFile(file)
		must(t, err)
		for _, link := range regexp.MustCompile(`(?:\]\(|src="|srcset=")([^)"]+)`).FindAllStringSubmatch(string(data), -1) {
			name, section, _ := strings.Cut(link[1], "#")
			if strings.HasPrefix(link[1], "https://") {
				continue
			}
			name = filepath.Join(filepath.Dir(file), name)
			if _, err := os.Stat(name); err != nil || section == "" {
				if err != nil {
					t.Errorf("%s: %v", file, err)
				}
				continue
			}
			target, err := os.ReadFile(name)
			must(t, err)
			found := false
			for line := range strings.Lines(string(target)) {
				found = found || strings.HasPrefix(line, "#") && strings.ReplaceAll(strings.ToLower(strings.TrimSpace(strings.TrimLeft(line, "#"))), " ", "-") == section
			}
			if !found {
				t.Errorf("%s: %s has no section %q", file, name, section)
			}
		}
	}
}
