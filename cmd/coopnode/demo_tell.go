package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/term"

	"github.com/coopnode/coopnode/node"
)

// introduce shows the village.
func (v *village) introduce() {
	table(v.w, func(row func(...any)) {
		for _, n := range v.coops[:4] {
			row("  "+n.short, n.base(), n.where)
		}
	})
	fmt.Fprintln(v.w)
}

// program is how this program is called from another terminal.
func (v *village) program() string {
	if strings.Contains(v.exe, string(filepath.Separator)+"go-build") {
		if _, err := os.Stat(filepath.Join("cmd", "coopnode", "main.go")); err == nil {
			return "go run ./cmd/coopnode"
		}
	}
	if found, err := exec.LookPath("coopnode"); err == nil {
		if found, err = filepath.EvalSymlinks(found); err == nil && found == v.exe {
			return "coopnode"
		}
	}
	return shellWord(v.exe)
}

// invite tells how a person takes part.
func (v *village) invite(ctx context.Context) error {
	type place struct {
		Name   string `json:"name"`
		Page   string `json:"page"`
		Config string `json:"config"`
		Seen   string `json:"seenAt,omitempty"`
		SignIn string `json:"signIn"`
		Line   string `json:"line"`
	}
	var places []place
	for _, n := range v.coops {
		p := place{Name: n.short, Page: n.base() + "/", Config: n.config(), Line: fmt.Sprintf("%s --config %s opening new --title %s --amount %s",
			v.program(), shellWord(n.config()), shellWord(n.tryTitle), shellWord(n.tryAmount))}
		if i := slices.IndexFunc(v.coops, func(o *villager) bool { return slices.Contains(o.follows, n) }); i >= 0 {
			p.Seen = v.coops[i].links().Board()
		}
		var err error
		if p.SignIn, err = v.signInLink(ctx, n); err != nil {
			return err
		}
		places = append(places, p)
	}
	return v.a.show(places, func(w io.Writer) {
		fmt.Fprintf(w, "\n  Now you. The pages are at\n\n")
		table(w, func(row func(...any)) {
			for i, p := range places {
				row("    "+p.Name, p.Page, v.coops[i].where)
			}
		})
		fmt.Fprintf(w, "\n  Sign in as one of them: open a link and press its button. Each works once, for half an hour.\n\n")
		table(w, func(row func(...any)) {
			for _, p := range places {
				row("    "+p.Name, p.SignIn)
			}
		})
		fmt.Fprintf(w, "\n  Another one: %s --config %s person link %s\n", v.program(), shellWord(places[0].Config), guestName)
		fmt.Fprintf(w, "\n  Publish something as one of them: paste a line into another terminal and see it arrive below\n  and on the page.\n")
		for _, p := range places {
			if p.Seen != "" { // nobody hears of what the others publish
				fmt.Fprintf(w, "\n  %s, seen at %s\n%s\n", v.strong(p.Name), p.Seen, p.Line)
			}
		}
		fmt.Fprintf(w, "\n  Ctrl-C ends the demo and removes its files.\n  now your own: coopnode init coop.example\n\n")
	})
}

// guestName is who takes part in the demo, in the coops.
const guestName = "Ana"

// signInLink makes the guest a steward of a coop, and gives a link with which the guest signs in.
func (v *village) signInLink(ctx context.Context, n *villager) (string, error) {
	by := v.a.by()
	invitation, p, err := n.h.InvitePerson(ctx, by, guestName, "", node.RoleSteward)
	if err != nil {
		return "", err
	}
	_, s, _, err := n.h.RedeemPass(ctx, invitation, node.Guest{})
	if err != nil {
		return "", err
	}
	if err := n.h.EndSession(ctx, p.ID, s.ID); err != nil { // nobody has it
		return "", err
	}
	token, err := n.h.NewPass(ctx, by, node.PassSignIn, p.ID)
	if err != nil {
		return "", err
	}
	return n.h.Links.Pass(token), nil
}

// watch tells what arrives where until ctx ends.
func (v *village) watch(ctx context.Context) error {
	known := map[*villager]map[string]string{}
	for tick := time.NewTicker(300 * time.Millisecond); ; {
		for _, n := range v.coops {
			if n.hasEnded() {
				return fmt.Errorf("the node of %s has ended: %s", n.short, n.process.ProcessState)
			}
			changed, err := n.h.db.Changed(ctx)
			if err != nil {
				return err
			}
			if first := known[n] == nil; first || changed {
				if first {
					known[n] = map[string]string{}
				}
				if err := v.look(ctx, n, known[n], !first); err != nil {
					return err
				}
			}
		}
		select {
		case <-ctx.Done():
			tick.Stop()
			return nil
		case <-tick.C:
		}
	}
}

// look remembers what stands in the timeline of a node and tells what is new in it.
func (v *village) look(ctx context.Context, n *villager, known map[string]string, tell bool) error {
	entries, err := n.h.Timeline(ctx, node.TimelineQuery{Limit: 40})
	if err != nil {
		return err
	}
	for _, e := range slices.Backward(entries) {
		if e.Object == nil || e.Author == nil {
			continue
		}
		b := e.Object.Common()
		now := "published"
		if o, ok := e.Object.(*node.Opening); ok {
			now = statusText(n.h, o)
		}
		before := known[b.IRI]
		known[b.IRI] = now
		if !tell || now == before {
			continue
		}
		by := oneLine(e.Author.Label())
		if i := slices.IndexFunc(v.coops, func(o *villager) bool { return o.links().Actor() == e.Author.IRI }); i >= 0 {
			by = v.coops[i].short
		}
		v.told(n.short, "sees the %s “%s” of %s: %s.", b.Type, oneLine(title(b)), by, now)
	}
	return nil
}

// A teller says in words what happens.
type teller struct {
	w      io.Writer
	width  int
	colour bool
}

// newTeller tells on standard output, or beside it where that is for programs.
func newTeller(a *app) *teller {
	t := &teller{w: a.out, width: 100}
	switch {
	case a.quiet:
		t.w = io.Discard
	case a.json:
		t.w = a.errOut
	}
	if f, ok := t.w.(*os.File); ok && isTerminal(f) {
		if width, _, err := term.GetSize(int(f.Fd())); err == nil && width >= 40 {
			t.width = min(width, 100)
		}
		_, none := a.env("NO_COLOR")
		t.colour = !none
	}
	return t
}

func (t *teller) strong(s string) string {
	if !t.colour {
		return s
	}
	return "\x1b[1m" + s + "\x1b[0m"
}

// told is one line of the story: the time, who, what, with further lines beneath the what.
func (t *teller) told(who, format string, args ...any) {
	const indent = 26
	lines := wrapped(fmt.Sprintf(format, args...), t.width-indent)
	if who == "" {
		fmt.Fprintf(t.w, "  %s  %s\n", time.Now().Format(time.TimeOnly), strings.Join(wrapped(fmt.Sprintf(format, args...), t.width-12), "\n            "))
		return
	}
	name := t.strong(who) + strings.Repeat(" ", max(1, 14-utf8.RuneCountInString(who)))
	fmt.Fprintf(t.w, "  %s  %s%s\n", time.Now().Format(time.TimeOnly), name, strings.Join(lines, "\n"+strings.Repeat(" ", indent)))
}

// wrapped breaks a text into lines of at most width characters.
func wrapped(text string, width int) (lines []string) {
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width {
			lines, line = append(lines, line), ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}
