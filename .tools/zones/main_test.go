package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

// tzif is a zone that is always at UTC, with a comment in its abbreviation.
func tzif(abbreviation string) string {
	head := func(count byte) string {
		return "TZif2" + strings.Repeat("\x00", 15) + "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00" + string([]byte{count}) + "\x00\x00\x00" + string([]byte{byte(len(abbreviation) + 1)})
	}
	body := "\x00\x00\x00\x00\x00\x00" + abbreviation + "\x00"
	return head(1) + body + head(1) + body + "\nUTC0\n"
}

// wheel is one with 600 zones, of two kinds, changed by edit before it is recorded.
func wheel(edit func(map[string]string)) fstest.MapFS {
	files := map[string]string{"tzdata/__init__.py": "__version__ = \"2026.6\"\nIANA_VERSION = \"2026f\"\n"}
	for i := range 600 {
		name := fmt.Sprintf("Zone/%03d", 599-i)
		files["tzdata/zones"] += name + "\n"
		files["tzdata/zoneinfo/"+name] = tzif([]string{"AAA", "BBB"}[i%2])
	}
	edit(files)
	record, w := "", fstest.MapFS{}
	for name, content := range files {
		sum := sha256.Sum256([]byte(content))
		record += fmt.Sprintf("%s,sha256=%s,%d\n", name, base64.RawURLEncoding.EncodeToString(sum[:]), len(content))
		w[name] = &fstest.MapFile{Data: []byte(content)}
	}
	w["tzdata-2026.6.dist-info/RECORD"] = &fstest.MapFile{Data: []byte(record)}
	return w
}

func TestBuild(t *testing.T) {
	if _, err := time.LoadLocationFromTZData("x", []byte(tzif("AAA"))); err != nil {
		t.Fatal(err)
	}
	first, err := build(wheel(func(map[string]string) {}))
	if err != nil {
		t.Fatal(err)
	}
	contents, compiled, _ := bytes.Cut(first, []byte("\n\n"))
	lines := strings.Split(string(contents), "\n")
	size := len(tzif("AAA"))
	if want := fmt.Sprintf("Zone/000 0 %d", size); lines[0] != "IANA 2026f, tzdata 2026.6" || lines[1] != want || len(lines) != 601 || len(compiled) != 2*size {
		t.Errorf("it begins with %q and has %d lines and %d bytes of zones, want two zones and 600 names, the first %q", lines[:2], len(lines), len(compiled), want)
	}
	if second, err := build(wheel(func(map[string]string) {})); err != nil || !bytes.Equal(first, second) {
		t.Errorf("an equal wheel gives other bytes, %v", err)
	}
}

func TestBuildRefuses(t *testing.T) {
	for name, tt := range map[string]struct {
		edit func(map[string]string)
		spot func(fstest.MapFS)
		want string
	}{
		"a file that was altered":     {spot: func(w fstest.MapFS) { w["tzdata/zoneinfo/Zone/007"].Data[50] ^= 1 }, want: "is not what the wheel's record has"},
		"a zone that can't be read":   {edit: func(f map[string]string) { f["tzdata/zoneinfo/Zone/007"] = "TZif" }, want: "Zone/007: "},
		"a zone that is not there":    {edit: func(f map[string]string) { delete(f, "tzdata/zoneinfo/Zone/007") }, want: "Zone/007: file does not exist"},
		"a name that is no zone's":    {edit: func(f map[string]string) { f["tzdata/zones"] += "../up\n" }, want: `names "../up"`},
		"a name that comes twice":     {edit: func(f map[string]string) { f["tzdata/zones"] += "Zone/007\n" }, want: `names "Zone/007"`},
		"few names":                   {edit: func(f map[string]string) { f["tzdata/zones"] = "Zone/007\n" }, want: "has 1 names"},
		"no release":                  {edit: func(f map[string]string) { f["tzdata/__init__.py"] = "" }, want: "no IANA_VERSION"},
		"another package than tzdata": {spot: func(w fstest.MapFS) { delete(w, "tzdata-2026.6.dist-info/RECORD") }, want: "has 0 records"},
	} {
		edit := tt.edit
		if edit == nil {
			edit = func(map[string]string) {}
		}
		w := wheel(edit)
		if tt.spot != nil {
			tt.spot(w)
		}
		if _, err := build(w); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want %q", name, err, tt.want)
		}
	}
}
