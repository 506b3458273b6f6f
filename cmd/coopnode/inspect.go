package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/coopnode/coopnode/node"
)

// inspected is what inspect answers.
type inspected struct {
	Steps    []string        `json:"steps"`
	Document json.RawMessage `json:"document,omitempty"`
	Actor    *node.Actor     `json:"actor,omitempty"`
	Object   node.Object     `json:"object,omitempty"`
}

func inspectCommand(a *app) *cobra.Command {
	var document bool
	cmd := &cobra.Command{
		Use: "inspect ADDRESS", Short: "Look at an actor or a post as this node does", Args: argsBetween(1, 1),
		Long:    "Fetches @handle@host, a host, or an address on the web, signed as this node, and tells step by step what was found and understood.",
		Example: "  coopnode inspect @trenza@trenza.example\n  coopnode inspect https://trenza.example/openings/k3vq7hd2ma --document",
		RunE: a.on(func(ctx context.Context, h *house, args []string) error {
			w, err := h.wire(ctx, a.commandLog())
			if err != nil {
				return err
			}
			defer w.Close()
			found, failed := w.Inspect(ctx, args[0])
			if found == nil {
				return failed
			}
			in := inspected{found.Steps, found.Document, found.Actor, found.Object}
			err = a.show(in, func(w io.Writer) {
				for _, s := range in.Steps {
					fmt.Fprintln(w, oneLine(s))
				}
				if in.Actor != nil {
					fmt.Fprintln(w)
					writeProfile(w, in.Actor)
				}
				writeInspected(w, h, in.Object)
				if document && len(in.Document) > 0 {
					fmt.Fprintf(w, "\n%s\n", indented(in.Document))
				}
			})
			return firstError(failed, err)
		}),
	}
	cmd.Flags().BoolVar(&document, "document", false, "also print the document as it came")
	return cmd
}

func writeInspected(w io.Writer, h *house, o node.Object) {
	if o == nil {
		return
	}
	fmt.Fprintf(w, "\n%s\n", oneLine(title(o.Common())))
	switch o := o.(type) {
	case *node.Opening:
		openingNoun.lines(w, h, o)
	case *node.Project:
		projectNoun.lines(w, h, o)
	case *node.Post:
		postNoun.lines(w, h, o)
	}
	writeText(w, o.Common().TextIn(""), false)
}

// indented is a document for reading, without characters that would change the terminal.
func indented(doc json.RawMessage) string {
	var v any
	if json.Unmarshal(doc, &v) != nil {
		return oneLine(string(doc))
	}
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return oneLine(string(doc))
	}
	return string(b)
}
