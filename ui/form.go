package ui

import (
	"context"

	"github.com/coopnode/coopnode/node"
)

// A fieldError is what is wrong with one field of a form, or with the whole where Field is "". Text is what its reader sees: what is
// wrong and what to do.
type fieldError struct{ Field, Text string }

// fieldErrors are in the order of the form.
type fieldErrors []fieldError

// add notes what is wrong with a field.
func (f *fieldErrors) add(field, text string) { *f = append(*f, fieldError{field, text}) }

// of is what is wrong with a field; "" where nothing is.
func (f fieldErrors) of(field string) string {
	for _, e := range f {
		if e.Field == field {
			return e.Text
		}
	}
	return ""
}

// An input is one field of a form. Name is its name in the form; its id is "f-" and the name.
type input struct {
	Name, Label string
	Hint        string // what to write, beneath the label
	Value       string
	Type        string // of the input element; text if empty
	Auto        string // autocomplete; "off" if empty
	Mode        string // inputmode, for the keyboard of a phone
	Lang        string // of the value
	Required    bool
	Quiet       bool // says nothing of being optional, as most of its form is
	Literal     bool // an address or a code: from left to right, without spelling or capitals
	Max         int  // characters; 0 for no limit
	Rows        int  // of an area; 4 if 0
}

// A pick is one of the values of radio buttons, with room to say what it means.
type pick struct{ Value, Text, Hint string }

func (i input) id() string    { return "f-" + i.Name }
func (i input) hint() string  { return "h-" + i.Name }
func (i input) wrong() string { return "e-" + i.Name }

// told lists the ids of what describes the field.
func (i input) told(errs fieldErrors) string {
	switch wrong := errs.of(i.Name) != ""; {
	case wrong && i.Hint != "":
		return i.wrong() + " " + i.hint()
	case wrong:
		return i.wrong()
	case i.Hint != "":
		return i.hint()
	}
	return ""
}

func (i input) kind() string {
	if i.Type == "" {
		return "text"
	}
	return i.Type
}

func (i input) auto() string {
	if i.Auto == "" {
		return "off"
	}
	return i.Auto
}

func (i input) rows() int {
	if i.Rows == 0 {
		return 4
	}
	return i.Rows
}

// roleChoices are the roles with what each may do.
func roleChoices(ctx context.Context) (list []pick) {
	for _, r := range node.Roles() {
		list = append(list, pick{string(r), say(ctx, "role."+string(r)), say(ctx, "role."+string(r)+".hint")})
	}
	return list
}
