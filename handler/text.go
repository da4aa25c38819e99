package handler

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// cut shortens a text to at most n bytes, between characters.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}

// oneLine is a text on one line, without what does not print.
func oneLine(text string) string {
	return strings.Join(strings.Fields(strings.Map(printed, text)), " ")
}

func printed(r rune) rune {
	if unprintable(r) && r != '\\' {
		return ' '
	}
	return r
}

// unprintable is what would break a line, or hide.
func unprintable(r rune) bool { return r < ' ' || r == '\\' || r == 0x7f || r == 0xfffd }

// shown is a value as a problem with it names it.
func shown(s string) string {
	if s == "" {
		return "not set"
	}
	return strconv.Quote(s)
}

// made tells whether a word of 1 to 64 bytes is made of these characters.
func made(word, characters string) bool {
	return strings.Trim(word, characters) == "" && len(word) >= 1 && len(word) <= 64
}

// either lists words as a sentence does: a, b or c.
func either(words []string) string {
	last := len(words) - 1
	if last < 1 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:last], ", ") + " or " + words[last]
}
