package main

import (
	"errors"
	"fmt"

	"github.com/coopnode/coopnode/node"
)

// The exit codes (decisions 35).
const (
	exitDone     = 0
	exitFailed   = 1
	exitUsage    = 2
	exitNotFound = 3
	exitRefused  = 4
	exitBusy     = 5
	exitProblems = 6
	exitDamaged  = 7
)

// errProblems ends a command whose checks found problems; it has told them already.
var errProblems = errors.New("checks found problems")

// exitCode is the one place where kinds of errors become exit codes.
func exitCode(err error) int {
	if errors.Is(err, errProblems) {
		return exitProblems
	}
	switch node.KindOf(err) {
	case node.Invalid:
		return exitUsage
	case node.NotFound, node.Gone:
		return exitNotFound
	case node.Refused:
		return exitRefused
	case node.Busy:
		return exitBusy
	case node.Damaged:
		return exitDamaged
	}
	return exitFailed
}

// fail tells a person what went wrong and returns the exit code.
func (a *app) fail(err error) int {
	if !errors.Is(err, errProblems) {
		a.complain(err)
	}
	return exitCode(err)
}

// complain writes the sentence for people, or the whole chain where an error has none.
func (a *app) complain(err error) {
	text := node.TextOf(err)
	if text == "" || a.debug {
		text = err.Error()
	}
	fmt.Fprintln(a.errOut, "coopnode: "+text)
}

// wrongUse is the error for a command that was not asked rightly.
func wrongUse(format string, args ...any) error {
	return &node.Error{Op: "read command", Kind: node.Invalid, Text: fmt.Sprintf(format, args...)}
}

// missing is the error for something that is not there.
func missing(format string, args ...any) error {
	return &node.Error{Op: "look up", Kind: node.NotFound, Text: fmt.Sprintf(format, args...)}
}
