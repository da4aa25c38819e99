package main

import (
	"errors"
	"fmt"
	"strings"
)

// A wanted collects the figures that are more than what is wanted of them.
type wanted struct{ missed []string }

// atMost prints a figure with what is wanted of it.
func (w *wanted) atMost(name string, figure, most float64, unit string) {
	text := fmt.Sprintf("%s: %.2f%s (wanted: at most %g%s)", name, figure, unit, most, unit)
	if !(figure <= most) { // also one that is none
		w.missed = append(w.missed, text)
		text += " MISSED"
	}
	fmt.Println(text)
}

// is prints whether something is as it is wanted.
func (w *wanted) is(name string, so bool, found string) {
	if !so {
		w.missed = append(w.missed, name+": "+found)
		found += " MISSED"
	}
	fmt.Printf("%s: %s\n", name, found)
}

// err says which figures are missed, nil for none.
func (w *wanted) err() error {
	if w.missed == nil {
		return nil
	}
	return errors.New("missed:\n  " + strings.Join(w.missed, "\n  "))
}
