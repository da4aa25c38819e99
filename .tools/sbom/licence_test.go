package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const mit = `The MIT License (MIT)

Copyright (c) 2014 Somebody

Permission is hereby granted, free of charge, to any person obtaining a copy of
this software and associated documentation files (the "Software"), to deal in
the Software without restriction, including without limitation the rights to
use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of
the Software, and to permit persons to whom the Software is furnished to do so,
subject to the following conditions:

The above copyright notice and this permission notice shall be included in all
copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS
FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER
IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN
CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
`

func TestTexts(t *testing.T) {
	for _, tt := range []struct{ name, file, content, want string }{
		{"a licence", "LICENSE", mit, "LICENSE MIT"},
		{"one with other line ends", "license.txt", strings.ReplaceAll(mit, "\n", "\r\n"), "license.txt MIT"},
		{"one without a title, by somebody else", "COPYING", strings.Replace(strings.Replace(mit, "The MIT License (MIT)", "", 1), "(c) 2014 Somebody", "2020 Another. All rights reserved.", 1), "COPYING MIT"},
		{"a notice", "NOTICE", "Copyright Somebody", "NOTICE "},
		{"no licence", "license.go", "package license", ""},
		{"a clause more", "LICENSE", mit + "\nThe Software shall be used for Good, not Evil.\n", "error"},
		{"a word less", "LICENSE", strings.Replace(mit, "sublicense, ", "", 1), "error"},
		{"another licence", "LICENSE", "GNU GENERAL PUBLIC LICENSE\nVersion 3, 29 June 2007\n", "error"},
		{"nothing in it", "LICENSE", "", "error"},
	} {
		root := t.TempDir()
		dir := filepath.Join(root, "module", "a", "b")
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		for name, content := range map[string]string{filepath.Join(root, "LICENSE"): "of the neighbours", filepath.Join(root, "module", tt.file): tt.content} {
			if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		found, err := texts(dir, filepath.Join(root, "module"))
		got := ""
		for _, x := range found {
			got += x.file + " " + x.licence
		}
		if err != nil {
			got = "error"
		}
		if got != tt.want {
			t.Errorf("%s: found %q (error %v), want %q", tt.name, got, err, tt.want)
		}
	}
}
