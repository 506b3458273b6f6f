package node

import (
	"context"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// A Report is a complaint: of somebody elsewhere about us, or of ours about somebody elsewhere. It
// never travels further than from the one who makes it to the one whom it concerns.
type Report struct {
	ID       string    `json:"id"`
	Local    bool      `json:"local"`             // ours
	Actor    string    `json:"actor"`             // who complains; many servers do it in their own name
	About    string    `json:"about"`             // whose account it is about
	Objects  []string  `json:"objects,omitempty"` // addresses of what that one published
	Comment  string    `json:"comment,omitempty"` // plain text
	At       time.Time `json:"at"`                // when it came last, or was sent
	Times    int       `json:"times"`             // how often it came
	By       string    `json:"by,omitempty"`      // ours: which person or command made it
	Closed   time.Time `json:"closed,omitzero"`
	ClosedBy string    `json:"closedBy,omitempty"`
}

// Subject is all that a report is about, the same whatever the order.
func (r *Report) Subject() string {
	return strings.Join(append([]string{r.About}, slices.Sorted(slices.Values(r.Objects))...), " ")
}

// Bounds of reports (LIM).
const (
	maxReported    = 100  // objects of one report
	maxComment     = 2000 // characters
	maxOpenReports = 50   // from one server; what comes beyond is forgotten
	mostReports    = 1000 // open, from all servers together: names for more servers cost nothing
)

// ReportQuery selects reports, newest first. Zero fields do not narrow it.
type ReportQuery struct {
	Local   bool   // ours about others, instead of those about us
	Host    string // of who complains
	Actor   string
	Subject string // what Subject says
	Open    bool   // only those that are not closed
	Limit   int    // 1 to 200; 40 if 0
}

// onFlag keeps a complaint about us or something of ours for our people (MOD-6). The same one again
// counts, and does not stand there twice.
func (n *Node) onFlag(ctx context.Context, tx Tx, a, _ *Act, now time.Time) error {
	rules, err := tx.RulesFor(ctx, RuleTargets(a.Actor))
	if err != nil || Judge(rules).NoReports {
		return err
	}
	r := &Report{ID: RemoteID(a.IRI), Actor: a.Actor, About: n.Links.Actor(), Comment: plainText(a.Content), At: now, Times: 1}
	about := false
	for _, iri := range a.Objects[:min(len(a.Objects), maxReported)] {
		if iri == r.About {
			about = true
			continue
		}
		if !n.Links.Ours(iri) {
			continue
		}
		o, err := tx.Object(ctx, n.ref(iri))
		if IsNotFound(err) {
			continue
		} else if err != nil {
			return err
		}
		if b := o.Common(); b.Local && !b.Draft && !slices.Contains(r.Objects, b.IRI) {
			about = true
			r.Objects = append(r.Objects, b.IRI)
		}
	}
	if !about {
		return nil
	}
	open, err := tx.Reports(ctx, ReportQuery{Host: HostOf(a.Actor), Open: true, Limit: maxOpenReports})
	if err != nil {
		return err
	}
	same, err := tx.Reports(ctx, ReportQuery{Host: HostOf(a.Actor), Actor: a.Actor, Subject: r.Subject(), Open: true, Limit: 1})
	switch {
	case err != nil:
		return err
	case len(same) > 0:
		r.ID, r.Times = same[0].ID, same[0].Times+1
		if old := same[0].Comment; !strings.Contains(old, r.Comment) {
			r.Comment = plainText(strings.TrimSpace(r.Comment + "\n" + old))
		} else {
			r.Comment = old
		}
	case len(open) >= maxOpenReports:
		return nil
	default:
		if all, err := tx.CountOpenReports(ctx); err != nil || all >= mostReports {
			return err
		}
	}
	if err := tx.SaveReport(ctx, r); err != nil || r.Times > 1 {
		return err
	}
	return n.tell(ctx, tx, Notice{Kind: NoticeReport, About: r.ID, Actor: r.Actor}, now)
}

// SendReport tells the server of about that it or what it published should be looked at there. Only
// that server is told, in the coop's name. by names who did it. Errors: Invalid, saying what is wrong.
func (n *Node) SendReport(ctx context.Context, by string, about *Actor, objects []string, comment string) (*Report, error) {
	const op = "report"
	comment = strings.TrimSpace(comment)
	switch {
	case about.Local:
		return nil, invalid(op, "This is the coop itself. Report what others do.")
	case len(objects) > maxReported:
		return nil, wrong(op, "report.posts", "One report names at most %d posts.", maxReported)
	case utf8.RuneCountInString(comment) > maxComment:
		return nil, wrong(op, "report.comment", "The comment is too long. Say it in %d characters.", maxComment)
	}
	act := n.act(by, Flag)
	act.ObjectIRI, act.Objects, act.Content, act.To = about.IRI, append([]string{about.IRI}, objects...), plainText(comment), []string{about.IRI}
	r := &Report{ID: NewID(), Local: true, Actor: act.Actor, About: about.IRI, Objects: objects, Comment: act.Content, At: act.Published, Times: 1, By: by}
	err := n.store.Tx(ctx, func(tx Tx) error {
		if refused, err := n.refuses(ctx, tx, about.IRI); err != nil {
			return err
		} else if refused {
			return blockedHere(op, about.IRI)
		}
		if err := tx.SaveReport(ctx, r); err != nil {
			return err
		}
		return n.say(ctx, tx, act, Recipients{Actors: act.To})
	})
	n.changed(err)
	return r, err
}

// Report finds one report by its id. NotFound.
func (n *Node) Report(ctx context.Context, id string) (*Report, error) {
	return n.store.Report(ctx, id)
}

// Reports lists reports, newest first.
func (n *Node) Reports(ctx context.Context, q ReportQuery) ([]*Report, error) {
	return n.store.Reports(ctx, q)
}

// CloseReport says that a report has been looked after. by names who did it. Errors: NotFound.
func (n *Node) CloseReport(ctx context.Context, by, id string) error {
	now := n.Now()
	return n.store.Tx(ctx, func(tx Tx) error {
		r, err := tx.Report(ctx, id)
		if err != nil || !r.Closed.IsZero() {
			return err
		}
		r.Closed, r.ClosedBy = now, by
		if err := n.note(ctx, tx, by, "report.close", r.About, "", now); err != nil {
			return err
		}
		return tx.SaveReport(ctx, r)
	})
}

// plainText keeps of a text from elsewhere its letters and line ends, at most maxComment characters.
func plainText(s string) string {
	s = strings.Map(func(r rune) rune {
		if r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r)) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	if runes := []rune(s); len(runes) > maxComment {
		s = string(runes[:maxComment])
	}
	return strings.TrimSpace(s)
}
