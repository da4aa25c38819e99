package handler

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"backup-statistics/handler/fault"
	"backup-statistics/handler/redact"
	"backup-statistics/report"
)

// The errors of an invocation. Function Compute shows the name of the outermost
// type as errorType: each says who has to act, and an alarm can be set on it.
type (
	// A ConfigError is a deployment that cannot work: the operator's to fix.
	ConfigError struct{ Problems []string }
	// An EventError is an event that asks for nothing known: the caller's to fix.
	EventError struct{ Err error }
	// A SourceError is Cloud Backup refusing, failing, or saying what cannot be
	// trusted. A retry is safe and may help.
	SourceError struct{ Err error }
	// A StoreError is OSS refusing or failing, or a stored document that is
	// damaged. A retry is safe and may help.
	StoreError struct{ Err error }
	// An AccountsError gathers what failed of several collections; what
	// succeeded is written. A retry is safe and collects only what is missing.
	AccountsError struct{ Errs []error }
	// A GapError is due days without a complete record, found by a check:
	// somebody must look. Err is why the bucket could not be told, if it could not.
	GapError struct {
		Gaps []Gap // the newest last
		Err  error
	}
)

// A Gap is a due day without a complete record, and why.
type Gap struct{ Date, Cause string }

func (e *ConfigError) Error() string { return "config: " + strings.Join(e.Problems, "; ") }
func (e *EventError) Error() string  { return "event: " + e.Err.Error() }
func (e *SourceError) Error() string { return "cloud backup: " + e.Err.Error() }
func (e *StoreError) Error() string  { return "store: " + e.Err.Error() }

func (e *AccountsError) Error() string {
	const most = 10 // an answer is read in a console; the day's record names all
	var b strings.Builder
	fmt.Fprintf(&b, "%d failed", len(e.Errs))
	for i, err := range e.Errs {
		if i == most {
			fmt.Fprintf(&b, "; and %d more, see the day's record", len(e.Errs)-most)
			break
		}
		b.WriteString("; " + err.Error())
	}
	return b.String()
}

func (e *GapError) Error() string {
	const most, longest = 10, 1000 // an answer is read in a console
	text := "gap: no complete record of "
	if len(e.Gaps) > most {
		text += fmt.Sprintf("%d days, the last of them ", len(e.Gaps))
	}
	last := e.Gaps[max(0, len(e.Gaps)-most):]
	for i, gap := range last {
		text += gap.Date
		switch {
		case i+1 < len(last) && last[i+1].Cause == gap.Cause:
			text += ", "
		case i+1 < len(last):
			text += ": " + cut(gap.Cause, longest) + "; "
		case gap.Cause != "":
			text += ": " + cut(gap.Cause, longest)
		}
	}
	if e.Err != nil {
		text += "; and that could not be recorded: " + e.Err.Error()
	}
	return text
}

// An IntegrityError is a verify that found snapshots which are not what was recorded:
// altered, missing or never recorded. Somebody must look.
type IntegrityError struct {
	Found []string    // what differs, in the order of the days
	First report.Date // the first day whose chain differs; 0: none
	Next  *report.Date
}

func (e *IntegrityError) Error() string {
	const most = 20
	text := "integrity: " + strings.Join(e.Found[:min(most, len(e.Found))], "; ")
	if more := len(e.Found) - most; more > 0 {
		text += fmt.Sprintf("; and %d more", more)
	}
	if e.Next != nil {
		text += fmt.Sprintf("; looked at up to %v, to go on send from %v", *e.Next-1, *e.Next)
	}
	return text
}

func (e *GapError) Unwrap() error        { return e.Err }
func (e *EventError) Unwrap() error      { return e.Err }
func (e *SourceError) Unwrap() error     { return e.Err }
func (e *StoreError) Unwrap() error      { return e.Err }
func (e *AccountsError) Unwrap() []error { return e.Errs }

// advise adds to an error what to do about its causes, once about each. It keeps the
// type. Records are for machines, and do without.
func advise(err error) error {
	var said []string
	add := func(err error) error {
		if err == nil {
			return nil
		}
		do := fault.Advice(err)
		if do == "" || slices.Contains(said, do) {
			return err
		}
		said = append(said, do)
		return &advised{err, do}
	}
	switch e := err.(type) {
	case *SourceError:
		return &SourceError{add(e.Err)}
	case *StoreError:
		return &StoreError{add(e.Err)}
	case *AccountsError:
		errs := make([]error, len(e.Errs))
		for i, err := range e.Errs {
			errs[i] = add(err)
		}
		return &AccountsError{errs}
	case *GapError:
		return &GapError{e.Gaps, add(e.Err)}
	}
	return err
}

// An advised error says what to do about it.
type advised struct {
	error
	do string
}

func (a *advised) Error() string { return a.error.Error() + "; what to do: " + a.do }
func (a *advised) Unwrap() error { return a.error }

// ErrorType is the name under which Function Compute shows an error.
func ErrorType(err error) string {
	var (
		config   *ConfigError
		event    *EventError
		accounts *AccountsError
		source   *SourceError
		stored   *StoreError
		gap      *GapError
		altered  *IntegrityError
	)
	switch { // the outermost first
	case errors.As(err, &gap):
		return "GapError"
	case errors.As(err, &altered):
		return "IntegrityError"
	case errors.As(err, &accounts):
		return "AccountsError"
	case errors.As(err, &config):
		return "ConfigError"
	case errors.As(err, &event):
		return "EventError"
	case errors.As(err, &source):
		return "SourceError"
	case errors.As(err, &stored):
		return "StoreError"
	}
	return "Error"
}

// hideInError takes secrets out of an error of this package's types. Of one that had
// some nothing is left but its type and its text.
func hideInError(r *redact.Redactor, err error) error {
	if err == nil || r.Text(err.Error()) == err.Error() {
		return err
	}
	told := func(err error) error {
		if err == nil {
			return nil
		}
		return errors.New(r.Text(err.Error()))
	}
	switch e := err.(type) {
	case *ConfigError:
		return &ConfigError{hideInTexts(r, e.Problems)}
	case *EventError:
		return &EventError{told(e.Err)}
	case *SourceError:
		return &SourceError{told(e.Err)}
	case *StoreError:
		return &StoreError{told(e.Err)}
	case *AccountsError:
		errs := make([]error, len(e.Errs))
		for i, err := range e.Errs {
			errs[i] = told(err)
		}
		return &AccountsError{errs}
	case *GapError:
		gaps := slices.Clone(e.Gaps)
		for i := range gaps {
			gaps[i].Cause = r.Text(gaps[i].Cause)
		}
		return &GapError{gaps, told(e.Err)}
	case *IntegrityError:
		return &IntegrityError{hideInTexts(r, e.Found), e.First, e.Next}
	}
	return told(err)
}

func hideInTexts(r *redact.Redactor, texts []string) []string {
	hidden := make([]string, len(texts))
	for i, text := range texts {
		hidden[i] = r.Text(text)
	}
	return hidden
}

// asStoreError keeps an error of a type that says who has to act.
func asStoreError(err error) error {
	var stored *StoreError
	if errors.As(err, &stored) {
		return &StoreError{fmt.Errorf("%w", trimmed{err, stored})}
	}
	return &StoreError{err}
}

// trimmed says "store" once in a chain of errors.
type trimmed struct {
	error
	stored *StoreError
}

func (t trimmed) Error() string {
	text, inner := t.error.Error(), t.stored.Error()
	return text[:len(text)-len(inner)] + t.stored.Err.Error()
}

func (t trimmed) Unwrap() error { return t.stored.Err }
