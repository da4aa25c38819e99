package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"maps"
	"runtime/debug"
	"slices"
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

// encodeBill makes the bill of materials of an executable with this SHA-256.
func encodeBill(build *debug.BuildInfo, sum [32]byte, parts []*part) ([]byte, error) {
	bill := cdx.NewBOM()
	main := cdx.Component{
		BOMRef: build.Main.Path, Type: cdx.ComponentTypeApplication, Name: build.Main.Path,
		Hashes: &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA256, Value: hex.EncodeToString(sum[:])}},
	}
	bill.Metadata = &cdx.Metadata{Component: &main}
	var components []cdx.Component
	all := make([]string, 0, len(parts))
	dependencies := []cdx.Dependency{{Ref: main.BOMRef, Dependencies: &all}}
	for _, p := range parts {
		c, err := p.component()
		if err != nil {
			return nil, err
		}
		components, all = append(components, c), append(all, c.BOMRef)
		var uses []string
		for _, q := range parts {
			if p.uses[q.path] {
				uses = append(uses, q.url())
			}
		}
		dependencies = append(dependencies, cdx.Dependency{Ref: c.BOMRef, Dependencies: &uses})
	}
	bill.Components, bill.Dependencies = &components, &dependencies
	draft, err := encode(bill)
	if err != nil {
		return nil, err
	}
	bill.SerialNumber = serial(draft)
	return encode(bill)
}

func encode(bill *cdx.BOM) ([]byte, error) {
	var b bytes.Buffer
	err := cdx.NewBOMEncoder(&b, cdx.BOMFileFormatJSON).SetPretty(true).SetEscapeHTML(false).EncodeVersion(bill, cdx.SpecVersion1_6)
	return b.Bytes(), err
}

// serial is a UUID (version 8, RFC 9562) that follows from what it names.
func serial(data []byte) string {
	u := sha256.Sum256(data)
	u[6], u[8] = u[6]&0x0f|0x80, u[8]&0x3f|0x80
	return fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:16])
}

// url is the package URL, which names a part everywhere.
func (p *part) url() string {
	if p.data != nil {
		return "pkg:generic/" + p.path + "@" + p.version
	}
	return "pkg:golang/" + p.path + "@" + strings.ReplaceAll(p.version, "+", "%2B")
}

func (p *part) component() (cdx.Component, error) {
	c := cdx.Component{BOMRef: p.url(), PackageURL: p.url(), Type: cdx.ComponentTypeLibrary, Name: p.path, Version: p.version}
	if p.sum != "" {
		sum, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(p.sum, "h1:"))
		if err != nil || len(sum) != sha256.Size {
			return c, fmt.Errorf("%s: sum is %q: want h1: and a SHA-256 in base64", p.path, p.sum)
		}
		c.Hashes = &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA256, Value: hex.EncodeToString(sum)}}
		c.Properties = &[]cdx.Property{{Name: "go.sum", Value: p.sum}} // SHA-256 is of the module's list of hashes, not of one file
	}
	if p.data != nil {
		sum := sha256.Sum256(p.data)
		c.Type, c.Hashes = cdx.ComponentTypeData, &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA256, Value: hex.EncodeToString(sum[:])}}
	}
	var licences cdx.Licenses
	for _, id := range p.licences() {
		license := &cdx.License{ID: id}
		if id == publicDomain {
			license = &cdx.License{Name: id}
		}
		licences = append(licences, cdx.LicenseChoice{License: license})
	}
	c.Licenses = &licences
	return c, nil
}

// notices are the texts that must be handed on, each once, with the parts that it
// is for.
func notices(parts []*part) []byte {
	var b bytes.Buffer
	b.WriteString("What is linked into this executable, and under which terms.\n\n")
	users := make(map[string][]string) // of a text
	var order []string
	for _, p := range parts {
		fmt.Fprintf(&b, "%s %s: %s\n", p.path, p.version, strings.Join(p.licences(), " and "))
		for _, name := range slices.Sorted(maps.Keys(p.texts)) {
			t := p.texts[name]
			if len(users[t.content]) == 0 {
				order = append(order, t.content)
			}
			users[t.content] = append(users[t.content], fmt.Sprintf("%s %s, %s", p.path, p.version, t.file))
		}
	}
	for _, content := range order {
		fmt.Fprintf(&b, "\n%s\n%s\n\n%s", strings.Repeat("=", 80), strings.Join(users[content], "\n"), content)
	}
	return b.Bytes()
}

// tally counts the parts of each licence.
func tally(parts []*part) string {
	count := make(map[string]int)
	for _, p := range parts {
		for _, id := range p.licences() {
			count[id]++
		}
	}
	var words []string
	for _, id := range slices.Sorted(maps.Keys(count)) {
		words = append(words, fmt.Sprintf("%s %d", id, count[id]))
	}
	return strings.Join(words, ", ")
}
