package local_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"backup-statistics/handler/local"
)

const readme = "../../README.md"

// shellBlocks are the commands of a document that are to be pasted, block by block.
func shellBlocks(t *testing.T, file string) (blocks []string) {
	t.Helper()
	data, err := os.ReadFile(file)
	must(t, err)
	for _, part := range strings.Split(string(data), "```sh\n")[1:] {
		block, _, closed := strings.Cut(part, "```")
		if !closed {
			t.Fatalf("%s: a block of commands has no end", file)
		}
		blocks = append(blocks, strings.ReplaceAll(block, "\n   ", "\n")) // those of a list are indented
	}
	return blocks
}

// spans are the commands that stand in a document's text.
func spans(t *testing.T, file string) (found []string) {
	t.Helper()
	data, err := os.ReadFile(file)
	must(t, err)
	text := regexp.MustCompile("(?s)```.*?```").ReplaceAllString(string(data), "")
	for _, span := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(text, -1) {
		if regexp.MustCompile(`^(make|go run|s|aliyun|terraform) [a-z.-]`).MatchString(span[1]) {
			found = append(found, strings.ReplaceAll(span[1], "\n", " "))
		}
	}
	return found
}

// A bench is a folder like a fresh checkout, and a PATH on which what the README asks for
// is played: go runs this checkout, and what would reach the cloud is written down.
type bench struct {
	t        *testing.T
	dir, bin string
	env      []string
}

var written = []string{"s", "aliyun", "terraform", "npm", "git"}

func newBench(t *testing.T, program string) *bench {
	t.Helper()
	for _, name := range []string{"sh", "make", "cat", "sed"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skipf("%v: the commands need it", err)
		}
	}
	b := &bench{t: t, dir: filepath.Join(t.TempDir(), "checkout"), bin: t.TempDir()}
	must(t, os.Mkdir(b.dir, 0o755))
	root, err := filepath.Abs("../..")
	must(t, err)
	entries, err := os.ReadDir(root)
	must(t, err)
	for _, entry := range entries {
		if name := entry.Name(); name != ".git" && name != ".local" && name != "dist" {
			must(t, os.Symlink(filepath.Join(root, name), filepath.Join(b.dir, name)))
		}
	}
	calls := filepath.Join(b.bin, "calls")
	for _, name := range written {
		b.script(name, `case $1 in rev-parse | status) exit 1; esac
printf '%s\0' $(($# + 1)) `+name+` "$@" >>'`+calls+`'`) // make asks git for the commit
	}
	// make and people say go run … . ARGUMENTS; all else of go is done elsewhere.
	b.script("go", `[ "$1" = run ] || exit 0; while [ $# -gt 0 ]; do if [ "$1" = . ]; then shift; exec '`+program+`' "$@"; fi; shift; done`)
	b.script("backup-statistics", `exec go run . "$@"`)
	b.env = []string{"PATH=" + b.bin + ":" + os.Getenv("PATH"), "HOME=" + t.TempDir()}
	return b
}

func (b *bench) script(name, text string) {
	b.t.Helper()
	must(b.t, os.WriteFile(filepath.Join(b.bin, name), []byte("#!/bin/sh\n"+text+"\n"), 0o755))
}

// paste runs commands in the checkout, as a shell would that ends at the first failure.
func (b *bench) paste(commands string) string {
	b.t.Helper()
	command := exec.CommandContext(b.t.Context(), "sh", "-eu", "-c", commands)
	command.Dir, command.Env = b.dir, b.env
	var out, errs bytes.Buffer
	command.Stdout, command.Stderr = &out, &errs
	if err := command.Run(); err != nil {
		b.t.Errorf("%v:\n%s\n%s\n%s", err, commands, &out, &errs)
	}
	return out.String()
}

// calls are the commands that were written down, each as its words.
func (b *bench) calls() (calls [][]string) {
	b.t.Helper()
	data, err := os.ReadFile(filepath.Join(b.bin, "calls"))
	must(b.t, err)
	words := strings.Split(string(data), "\x00")
	for len(words) > 1 {
		n, err := strconv.Atoi(words[0])
		must(b.t, err)
		calls = append(calls, words[1:n+1])
		words = words[n+1:]
	}
	return calls
}

// TestPasted runs what documents and helps say is to be typed, with this program.
func TestPasted(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds this program and plays some hundred days")
	}
	program := build(t, "nethttpomithttp2").path
	t.Run("the README's commands", func(t *testing.T) {
		t.Parallel()
		testReadmeCommands(t, newBench(t, program))
	})
	t.Run("the examples of local", func(t *testing.T) {
		t.Parallel()
		testLocalExamples(t, newBench(t, program))
	})
}

// testReadmeCommands runs every command of the README as it is pasted, from first to last
// in one shell: those that play or ask this program for real, against the stand-ins, the
// others up to where the cloud would begin, and then held against their documentation.
func testReadmeCommands(t *testing.T, b *bench) {
	r := start(t, binary{}, local.Config{})
	r.OSS.Bucket = "acme-reports"
	user := local.Key{ID: "LTAIplantedkeyid1234", Secret: "planted-secret-of-a-user", Account: account}
	r.Keys.Add(user)
	b.env = append(append(r.Env(), b.env...), "ALIBABA_CLOUD_ECS_METADATA_DISABLED=true", "GORACE=atexit_sleep_ms=0",
		"ALIBABA_CLOUD_ACCESS_KEY_ID="+user.ID, "ALIBABA_CLOUD_ACCESS_KEY_SECRET="+user.Secret)
	blocks := shellBlocks(t, readme)
	out := b.paste("COMMIT=5bd0e1f STACK=stack-id\n" + strings.Join(blocks, "printf '\\001'\n"))
	shown := strings.Split(out, "\x01")
	if len(shown) != len(blocks) {
		t.Fatalf("%d of %d blocks were run", len(shown), len(blocks))
	}
	ran := make(map[string]bool)
	for i, block := range blocks {
		for command, says := range map[string]string{
			"make run\n":      "90 days: 89 written, 0 exists, 0 failed, 1 left out;",
			"go run . invoke": `"action": "preflight"`,
		} {
			if strings.Contains(block, command) {
				ran[command] = true
				if !strings.Contains(shown[i], says) {
					t.Errorf("%s: want it to print %s:\n%s", command, says, shown[i])
				}
			}
		}
	}
	if len(ran) != 2 {
		t.Errorf("only %v are among the README's commands, want make run and invoke", slices.Collect(maps.Keys(ran)))
	}
	var answer struct {
		Status string
		Checks []struct{ Check, Status string }
	}
	if _, text, _ := strings.Cut(out, "{\n  \"action\": \"preflight\""); json.Unmarshal([]byte("{\n  \"action\": \"preflight\""+beforeMark(text)), &answer) != nil || len(answer.Checks) == 0 || answer.Status == "failed" {
		t.Errorf("invoke answered %+v, want checks that are well", answer)
	}
	for _, span := range spans(t, readme) {
		if verb, ok := strings.CutPrefix(span, "make "); ok && !strings.HasPrefix(verb, "run") {
			span = "make -n " + verb // its tools are not here
		}
		if strings.HasPrefix(span, "go run . invoke") || strings.HasPrefix(span, "go run . local") {
			span += " -h"
		}
		b.paste("OSS_BUCKET=acme-reports REGION=cn-hangzhou\n" + span)
	}
	examples := b.examples("invoke")
	if len(examples) == 0 {
		t.Error("invoke -h has no example")
	}
	for _, example := range examples {
		if out := b.paste(example); !strings.Contains(out, `"status": "dry_run"`) {
			t.Errorf("%s: want a dry run:\n%s", example, out)
		}
	}
	for _, call := range b.calls() {
		if err := documentedCommands(t).hold(call); err != nil {
			t.Errorf("%s: %v", strings.Join(call, " "), err)
		}
	}
	holdDocuments(t, b.calls())
}

func beforeMark(text string) string {
	text, _, _ = strings.Cut(text, "\x01")
	return text
}

// holdDocuments looks at the documents that the shell made of what stands in files.
func holdDocuments(t *testing.T, calls [][]string) {
	t.Helper()
	for file, flag := range map[string]string{
		"../../.ros/policy.json": "--PolicyDocument", "../../.ros/deployer.json": "--PolicyDocument",
		"../../.ros/trust.json": "--AssumeRolePolicyDocument", "../../.ros/function.yaml": "--TemplateBody",
	} {
		data, err := os.ReadFile(file)
		must(t, err)
		want := strings.TrimSpace(string(data))
		if flag == "--PolicyDocument" {
			want = strings.NewReplacer("BUCKET", "acme-reports", "ROLE", "backup-statistics").Replace(want)
		}
		found := false
		for _, call := range calls {
			i := slices.Index(call, flag)
			found = found || i > 0 && call[i+1] == want
		}
		if !found {
			t.Errorf("no command has %s with what is in %s, for bucket and role", flag, file)
		}
	}
	for _, call := range calls {
		if i := slices.Index(call, "--Resources"); i > 0 {
			var of []map[string]string
			if err := json.Unmarshal([]byte(call[i+1]), &of); err != nil || len(of) != 1 || !maps.Equal(of[0], map[string]string{"region": "cn-hangzhou", "functionName": "backup-statistics"}) {
				t.Errorf("the alarm is on %s (%v), want the function", call[i+1], err)
			}
		}
		if call[0] == "s" && call[1] == "invoke" && !json.Valid([]byte(call[3])) {
			t.Errorf("%q is no event", call)
		}
	}
}

// commandTable says of each command which flags it takes, and how many words.
type commandTable map[string]map[string]bool // by flag: whether it is required

func documentedCommands(t *testing.T) commandTable {
	t.Helper()
	data, err := os.ReadFile("testdata/commands.txt")
	must(t, err)
	table := make(commandTable)
	for line := range strings.Lines(string(data)) {
		name, list, ok := strings.Cut(strings.TrimSpace(line), ":")
		if strings.HasPrefix(line, "#") || !ok {
			continue
		}
		table[name] = make(map[string]bool)
		for _, word := range strings.Fields(list) {
			flag, required := strings.CutSuffix(word, "!")
			table[name][flag] = required
		}
	}
	return table
}

var number = regexp.MustCompile(`\.[0-9]+\b`)

// hold says what of a command is not as documented.
func (table commandTable) hold(words []string) error {
	taken, name, rest := maps.Clone(table[words[0]]), words[0], words[1:]
	if taken == nil {
		taken = make(map[string]bool)
	}
	given, free := make(map[string]bool), 0
	known := table[name] != nil && len(rest) == 0
	for len(rest) > 0 {
		word := rest[0]
		rest = rest[1:]
		if !strings.HasPrefix(word, "-") {
			if longer, ok := table[name+" "+word]; ok || table.begins(name+" "+word) {
				name, known = name+" "+word, ok
				maps.Copy(taken, longer)
				continue
			}
			free++
			continue
		}
		flag, _, whole := strings.Cut(word, "=") // -chdir=.tf
		flag = number.ReplaceAllString(flag, ".N")
		_, plain := taken[flag]
		_, valued := taken[flag+"="]
		switch {
		case valued && !whole:
			if len(rest) == 0 || strings.HasPrefix(rest[0], "-") || rest[0] == "" {
				return fmt.Errorf("%s has no value", word)
			}
			rest = rest[1:]
		case !valued && !plain:
			return fmt.Errorf("%s is no flag of %s: want one of %v", word, name, slices.Sorted(maps.Keys(taken)))
		}
		given[flag] = true
	}
	if !known {
		return fmt.Errorf("%s is no command that testdata/commands.txt knows", name)
	}
	for flag, required := range taken {
		if n, ok := strings.CutPrefix(flag, "@"); ok {
			if want, _ := strconv.Atoi(n); free < want {
				return fmt.Errorf("%d words, want %s", free, n)
			}
			free = 0
		}
		if required && !given[strings.TrimSuffix(flag, "=")] {
			return fmt.Errorf("%s is missing", flag)
		}
	}
	if free > 0 {
		return fmt.Errorf("%d words too many", free)
	}
	return nil
}

// begins tells whether a longer command begins like this.
func (table commandTable) begins(name string) bool {
	for known := range table {
		if strings.HasPrefix(known, name+" ") {
			return true
		}
	}
	return false
}

// What a command takes is looked at: these are not as documented.
func TestCommandsAreHeldAgainstDocumentation(t *testing.T) {
	table := documentedCommands(t)
	for _, tt := range []struct{ command, want string }{
		{"s deploy -y", ""},
		{"s deploy --yes", "is no flag of s deploy"},
		{"s destroy", "is no command that"},
		{"aliyun ros CreateStack --RegionId r --StackName n --Parameters.1.ParameterKey k --Parameters.1.ParameterValue v", ""},
		{"aliyun ros CreateStack --RegionId r --Parameters.1.ParameterKey k --Parameters.1.ParameterValue v", "--StackName= is missing"},
		{"aliyun ros MakeStack --RegionId r", "is no flag of aliyun ros"},
		{"aliyun ossutil cp oss://b/k", "1 words, want 2"},
		{"aliyun ossutil mb oss://b --region", "--region has no value"},
		{"aliyun ossutil mb oss://b more", ""},
		{"terraform -chdir=.tf apply -var a=b", ""},
	} {
		err := table.hold(strings.Fields(tt.command))
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error = %v, want %q", tt.command, err, tt.want)
		}
	}
}

// examples are those of a command's help.
func (b *bench) examples(command string) (lines []string) {
	b.t.Helper()
	_, text, _ := strings.Cut(b.paste("backup-statistics "+command+" -h"), "\nexample")
	text, _, _ = strings.Cut(text, "\n\n")
	for line := range strings.Lines(text) {
		if strings.Contains(line, "backup-statistics "+command) {
			lines = append(lines, line)
		}
	}
	return lines
}

// testLocalExamples tries the examples one after the other in one folder, as a newcomer
// does: none spoils another.
func testLocalExamples(t *testing.T, b *bench) {
	examples := b.examples("local")
	if len(examples) < 5 {
		t.Fatalf("%d examples", len(examples))
	}
	for _, example := range examples {
		out := b.paste(example)
		for _, bad := range []string{"note: ", `"exists"`, " 0 written", "no request was spoiled"} {
			if strings.Contains(out, bad) {
				t.Errorf("%s: prints %q:\n%s", example, bad, out)
			}
		}
	}
}
