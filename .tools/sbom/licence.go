package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// known are the licences that a linked module may have, by the SHA-256 of the
// words of their texts. A text that differs in one word is another licence until
// somebody has read it and added it here; one that must not be linked never is.
var known = map[string]string{
	"7514528b7ef6c0664a79c8351ce87d0de45983e6d395836b7eb7e81c10a1d34f": "Apache-2.0",
	"969096095458619e1d848ac09f25633dfd04a444358cf08235f311aba6248cfe": "BSD-2-Clause",
	"434647a1644c6c2155e9ae461206770d141e7956e96f597b9d118fdca5a93bd3": "BSD-3-Clause",
	"3346c203353b286e2021c9b077352db1dea97d9ce7043ac910dee821f174a656": "MIT",
	"8e1af102eca849d06ff1eea130fc1560f8a7e26f6428559573eadf40e3095766": "MIT-0",
}

// publicDomain stands where there is no licence, since nobody has to give one. SPDX
// has no id for it.
const publicDomain = "Public domain"

// notLicences are files that are named like a licence and only point to others.
var notLicences = map[string]bool{
	"bc0d158e6557a89ab712d1246962c3a151e15f937cddd816cb38410e8a8f30b1": true, // of the FC runtime's SDK: which of its licences is for what
}

// A text is a file that must be handed on with what is linked.
type text struct {
	file    string // its name in the module, or in Go's own tree
	content string
	licence string // its SPDX id; "" of a notice
}

// texts are the licences and notices that apply to a package: those in its folder
// and in those above it, up to the root of its module.
func texts(dir, root string) ([]text, error) {
	var found []text
	for {
		entries, err := os.ReadDir(dir)
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			kind := named(e.Name())
			if kind == other || !e.Type().IsRegular() {
				continue
			}
			name, err := filepath.Rel(root, filepath.Join(dir, e.Name()))
			if err != nil {
				return nil, err
			}
			t, err := read(root, filepath.ToSlash(name), kind)
			if err != nil {
				return nil, err
			}
			found = append(found, t)
		}
		if dir == root || len(dir) <= len(root) {
			return found, nil
		}
		dir = filepath.Dir(dir)
	}
}

const (
	other = iota
	licence
	notice
)

// named tells what a file is by its name.
func named(file string) (kind int) {
	name := strings.ToUpper(file)
	switch {
	case strings.HasSuffix(name, ".GO"):
		return other
	case strings.HasPrefix(name, "LICENSE"), strings.HasPrefix(name, "LICENCE"), strings.HasPrefix(name, "COPYING"), strings.HasPrefix(name, "UNLICENSE"):
		return licence
	case strings.HasPrefix(name, "NOTICE"), strings.HasPrefix(name, "PATENTS"):
		return notice
	}
	return other
}

func read(root, name string, kind int) (text, error) {
	data, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		return text{}, err
	}
	t := text{file: name, content: strings.TrimRight(strings.ReplaceAll(string(data), "\r\n", "\n"), " \n") + "\n"}
	if kind == notice {
		return t, nil
	}
	said := words(t.content)
	sum := sha256.Sum256([]byte(said))
	id := hex.EncodeToString(sum[:])
	if t.licence = known[id]; t.licence == "" && !notLicences[id] {
		return text{}, fmt.Errorf("%s is a text that is not known, %.60q… (its words have SHA-256 %s): want one of %s; who has read it adds it to .tools/sbom/licence.go, or the module goes",
			name, said, id, strings.Join(licences(), ", "))
	}
	return t, nil
}

// licences are the SPDX ids of those that are known.
func licences() []string {
	var ids []string
	for _, id := range known {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

var (
	copyright = regexp.MustCompile(`(?i)^(copyright( \(c\)|©| ?\d{4}| \[yyyy\]).*|all rights reserved\.?)$`)
	title     = regexp.MustCompile(`^((the )?mit license( mit)?|bsd [23] clause license) `)
	holder    = regexp.MustCompile(`neither the name of .{1,60}? nor the names`)
)

// words is what a licence says, without who holds the copyright, its title, how
// its items are marked and lines are broken, and what Apache's appendix proposes.
func words(text string) string {
	var kept strings.Builder
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(strings.ToLower(line), "appendix: how to apply the apache license") {
			break
		}
		if !copyright.MatchString(line) {
			kept.WriteString(strings.ToLower(line) + " ")
		}
	}
	all := strings.FieldsFunc(kept.String(), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	all = slices.DeleteFunc(all, func(word string) bool { return len(word) == 1 })
	said := title.ReplaceAllString(strings.Join(all, " "), "")
	return holder.ReplaceAllString(said, "neither the name of nor the names")
}
