package node

import (
	"context"
	"strings"
	"unicode/utf8"
)

// A Nameplate is what a federation knows of a coop that has no address anywhere.
type Nameplate struct {
	Name    string
	Website string // "" if it has none
	Place   Place
}

// ListNamed lists a coop that has neither a node nor an account: as said by us alone, never confirmed. Its address is the
// page of ours that tells of it, which cannot be followed. by names who did it. Errors: Invalid; Exists for a name
// that is listed already.
func (n *Node) ListNamed(ctx context.Context, by string, plate Nameplate, vouches []string) (*Actor, error) {
	const op = "list coop"
	name := strings.Join(strings.Fields(plate.Name), " ")
	if name == "" || utf8.RuneCountInString(name) > 1000 {
		return nil, wrong(op, "coop.name", "A name of 1 to 1,000 characters is needed.")
	}
	if HostOf(plate.Website) == "" && plate.Website != "" {
		return nil, invalid(op, plate.Website+" is no address of a website. Write https://coop.example/.")
	}
	if held, err := n.Named(ctx, name); err == nil {
		return nil, &Error{Op: op, Kind: Exists, Subject: held.IRI, Text: name + " is listed already: " + held.IRI}
	} else if !IsNotFound(err) {
		return nil, err
	}
	now := n.Now()
	a := &Actor{Type: "Organization", Handle: NewID(), Host: n.Links.Host(), Name: name, Nodeless: true, Published: now, Updated: now, Fetched: now,
		Coop: &Coop{Kind: KindCooperative, Website: plate.Website, Place: plate.Place}}
	a.IRI = n.Links.Known(a)
	a.URL = a.IRI
	return a, n.ListCoop(ctx, by, a, vouches)
}

// Named gives the coop that is listed here by its name alone, in any case of letters. NotFound.
func (n *Node) Named(ctx context.Context, name string) (*Actor, error) {
	coops, err := n.store.KnownCoops(ctx)
	if err != nil {
		return nil, err
	}
	for _, a := range coops {
		if a.Nodeless && strings.EqualFold(a.Name, name) {
			return a, nil
		}
	}
	return nil, &Error{Op: "find", Kind: NotFound, Subject: name}
}
