package node

import (
	"errors"
	"fmt"
)

// A Kind says what a caller can do about an error.
type Kind int

// The kinds are few; each edge (page, status code, exit code, queue) maps them once.
const (
	Internal    Kind = iota // a bug or a broken machine; never shown to strangers
	Invalid                 // the values given cannot be used
	NotFound                // nothing of that name here
	Exists                  // it is there already
	Forbidden               // not allowed to the one who asks
	Gone                    // it was here and has been removed
	Unavailable             // later it may work
	Refused                 // the other side said no
	Busy                    // somebody else holds it
	Damaged                 // the stored data cannot be trusted
)

// An Error is what went wrong, for a caller to act on and for a log to keep.
type Error struct {
	Op      string // what was being done: "publish opening"
	Kind    Kind   // what a caller can do about it
	Subject string // the id or address concerned, if any
	Text    string // a sentence or two for a person: what, why, what to do
	Err     error  // the cause, for the log only

	Name   string // of the sentence, by which pages say it in other languages; "" for what they say as it is
	Values []any  // that stand in the sentence
}

// Saying gives an error its sentence, a format of fmt with its values, and the name of it.
func (e *Error) Saying(name, format string, values ...any) *Error {
	e.Name, e.Text, e.Values = name, fmt.Sprintf(format, values...), values
	return e
}

// Error is the text for logs: operation, subject, then what happened.
func (e *Error) Error() string {
	s := e.Op
	if e.Subject != "" {
		s += " " + e.Subject
	}
	if e.Text != "" {
		s += ": " + e.Text
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// KindOf tells the kind of err; Internal for anything that is not ours.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return Internal
}

// TextOf is the sentence for a person, or "" when err has none.
func TextOf(err error) string {
	if e := SaidBy(err); e != nil {
		return e.Text
	}
	return ""
}

// SaidBy is the error behind err that has a sentence for a person; nil for none.
func SaidBy(err error) *Error {
	var e *Error
	for errors.As(err, &e) {
		if e.Text != "" {
			return e
		}
		err = e.Err
	}
	return nil
}

// IsNotFound says that err means "nothing of that name here".
func IsNotFound(err error) bool { return err != nil && KindOf(err) == NotFound }

// ErrDisk is behind each error of kind Unavailable that is the disk's: it is full, read-only or broken. What is only read goes
// on meanwhile, and so does what was done already (DB-6).
var ErrDisk = errors.New("the disk takes nothing now")

func invalid(op, text string) error { return &Error{Op: op, Kind: Invalid, Text: text} }

// wrong is invalid with a sentence that has a name.
func wrong(op, name, format string, values ...any) error {
	return (&Error{Op: op, Kind: Invalid}).Saying(name, format, values...)
}
