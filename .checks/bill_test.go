package checks

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"debug/buildinfo"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	cdx "github.com/CycloneDX/cyclonedx-go"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// The bill of materials that make package leaves follows the official schema and
// is of the executable in the zip: each module in it once, with its sum and its
// licence, whose text is handed on, and the time zones.
func TestBill(t *testing.T) {
	dist := os.Getenv("DIST")
	if dist == "" {
		t.Skip("DIST is not set: it names the folder that make package fills")
	}
	data, err := os.ReadFile(filepath.Join(dist, "sbom.json"))
	if err != nil {
		t.Fatal(err)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if err := officialSchema(t).Validate(document); err != nil {
		t.Error(err)
	}
	var bill cdx.BOM
	if err := cdx.NewBOMDecoder(bytes.NewReader(data), cdx.BOMFileFormatJSON).Decode(&bill); err != nil {
		t.Fatal(err)
	}
	executable := zipped(t, filepath.Join(dist, "function.zip"))
	if got, want := (*bill.Metadata.Component.Hashes)[0].Value, fmt.Sprintf("%x", sha256.Sum256(executable)); got != want {
		t.Errorf("the bill is of an executable with SHA-256 %s, want that in the zip, %s", got, want)
	}
	build, err := buildinfo.Read(bytes.NewReader(executable))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"std " + strings.TrimPrefix(build.GoVersion, "go"): ""}
	for _, m := range build.Deps {
		want[m.Path+" "+m.Version] = m.Sum
	}
	zones, err := os.ReadFile("../report/zones/zones.bin")
	if err != nil {
		t.Fatal(err)
	}
	release, _, _ := strings.Cut(strings.TrimPrefix(string(zones), "IANA "), ",")
	want["tzdata "+release] = ""
	notices, err := os.ReadFile(filepath.Join(dist, "LICENSES.txt"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range *bill.Components {
		name, sum := c.Name+" "+c.Version, ""
		if c.Properties != nil {
			sum = (*c.Properties)[0].Value
		}
		if known, there := want[name]; !there || known != sum {
			t.Errorf("component %s has the sum %q: want each module of the executable once, this one with %q", name, sum, known)
		}
		delete(want, name)
		if c.Licenses == nil || len(*c.Licenses) == 0 || !bytes.Contains(notices, []byte("\n"+name+", LICENSE")) {
			t.Errorf("component %s: want its licence, in the bill and as a text", name)
		}
	}
	if len(want) > 0 {
		t.Errorf("%v are linked, and not in the bill", want)
	}
}

// zipped is the one file of a zip.
func zipped(t *testing.T, name string) []byte {
	t.Helper()
	archive, err := zip.OpenReader(name)
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	if len(archive.File) != 1 {
		t.Fatalf("%s holds %d files, want one executable", name, len(archive.File))
	}
	file, err := archive.File[0].Open()
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(file)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// officialSchema is CycloneDX's own, as its library for Go brings it.
func officialSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/CycloneDX/cyclonedx-go").Output()
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	const site = "http://cyclonedx.org/schema/"
	for id, file := range map[string]string{
		"bom-1.6.schema.json": "bom-1.6.schema.json", "spdx.schema.json": "spdx.schema.json", "jsf-0.82.schema.json": "jsf-0.82.schemax.json",
	} {
		data, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(out)), "schema", file))
		if err != nil {
			t.Fatal(err)
		}
		schema, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		if err := c.AddResource(site+id, schema); err != nil {
			t.Fatal(err)
		}
	}
	schema, err := c.Compile(site + "bom-1.6.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}
