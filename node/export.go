package node

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// An export is an archive that can be read without this program: documents as they are sent to others (ActivityStreams
// JSON, laid out for the eye), tables as CSV, pictures (GDPR-1). No keys, no passwords, no addresses of visitors.

// An Archive takes the files of an export, one after the other: what was made before is whole when the next is made.
type Archive interface {
	Create(name string) (io.Writer, error)
}

// export writes into an archive.
type export struct {
	*Node
	into Archive
}

// Export writes everything of the coop into an archive. by names who asked, for the audit log.
func (n *Node) Export(ctx context.Context, by string, into Archive) error {
	if err := n.Note(ctx, by, "export.coop", "", ""); err != nil {
		return err
	}
	x := export{n, into}
	us, err := n.Profile(ctx)
	if err != nil {
		return err
	}
	if err := x.document("profile.json", us.Raw); err != nil {
		return err
	}
	for _, part := range []func(context.Context) error{
		x.objects, x.outbox, x.received, x.followers, x.following, x.memberships, x.reports, x.rules, x.people, x.audit, x.pictures,
	} {
		if err := part(ctx); err != nil {
			return fmt.Errorf("export: %w", err)
		}
	}
	return nil
}

// ExportActor writes all that this node knows of somebody elsewhere into an archive. by names who asked, for the audit log. NotFound
// for one of whom nothing is known.
func (n *Node) ExportActor(ctx context.Context, by, iri string, into Archive) error {
	a, err := n.store.Actor(ctx, iri)
	if err != nil {
		return err
	}
	if a.Local {
		return invalid("export", "That is this coop itself.")
	}
	if err := n.Note(ctx, by, "export.actor", iri, ""); err != nil {
		return err
	}
	x := export{n, into}
	if len(a.Raw) > 0 {
		err = x.document("profile.json", a.Raw)
	} else {
		err = x.values("profile.json", a)
	}
	if err != nil {
		return err
	}
	if err := x.relations(ctx, iri); err != nil {
		return err
	}
	return x.each(ctx, ObjectQuery{Actor: iri, Deleted: true, Refused: true}, func(o Object) error {
		b := o.Common()
		if len(b.Raw) == 0 {
			return x.values(b.Type.path()+"/"+b.ID+".json", o)
		}
		return x.document(b.Type.path()+"/"+b.ID+".json", b.Raw)
	})
}

// relations writes how the coop and somebody else stand to each other.
func (x export) relations(ctx context.Context, iri string) error {
	known := map[string]any{"address": iri, "asOf": x.Now()}
	var failed error
	keep := func(name string, v any, err error) {
		if err == nil {
			known[name] = v
		} else if !IsNotFound(err) && failed == nil {
			failed = err
		}
	}
	follower, err := x.store.Follower(ctx, iri)
	keep("followsUs", follower, err)
	followed, err := x.store.Followed(ctx, iri)
	keep("weFollow", followed, err)
	belongs, err := x.store.Memberships(ctx, MembershipQuery{Coop: iri, Limit: 1000})
	keep("memberOf", belongs, err)
	members, err := x.store.Memberships(ctx, MembershipQuery{Federation: iri, Limit: 1000})
	keep("members", members, err)
	reactions, err := x.store.ReactionsOf(ctx, iri)
	keep("likesAndShares", reactions, err)
	seen, err := x.store.Sightings(ctx, iri)
	keep("standsInListsOf", seen, err)
	rules, err := x.store.RulesFor(ctx, RuleTargets(iri))
	keep("rules", rules, err)
	var reports []*Report
	for _, local := range []bool{false, true} {
		list, err := x.store.Reports(ctx, ReportQuery{Local: local, Limit: 200})
		keep("", nil, err)
		reports = append(reports, slices.DeleteFunc(list, func(r *Report) bool { return r.Actor != iri && r.About != iri })...)
	}
	keep("reports", reports, nil)
	delete(known, "")
	if failed != nil {
		return failed
	}
	return x.values("known.json", known)
}

// ExportPerson writes all that is kept of a person who works here into an archive. by names who asked, for the audit log. NotFound.
func (n *Node) ExportPerson(ctx context.Context, by, id string, into Archive) error {
	p, err := n.store.Person(ctx, id)
	if err != nil {
		return err
	}
	if err := n.Note(ctx, by, "export.person", p.Name, ""); err != nil {
		return err
	}
	x := export{n, into}
	if err := x.values("account.json", p); err != nil {
		return err
	}
	sessions, err := n.store.SessionsOf(ctx, id)
	if err != nil {
		return err
	}
	if err := x.values("sessions.json", sessions); err != nil {
		return err
	}
	return x.auditOf(ctx, AuditQuery{Person: id})
}

// document writes a document as it is sent to others, laid out for the eye.
func (x export) document(name string, raw []byte) error {
	w, err := x.into.Create(name)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if json.Indent(&b, raw, "", "  ") != nil {
		b.Reset()
		b.Write(raw) // somebody else's, whatever it is
	}
	b.WriteByte('\n')
	_, err = w.Write(b.Bytes())
	return err
}

func (x export) values(name string, v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return x.document(name, raw)
}

// table writes rows as CSV, its cells such that no spreadsheet runs them (WEB-3).
func (x export) table(name string, heading []string, rows func(row func(...string) error) error) error {
	w, err := x.into.Create(name)
	if err != nil {
		return err
	}
	c := csv.NewWriter(w)
	if err := c.Write(heading); err != nil {
		return err
	}
	err = rows(func(cells ...string) error {
		for i, s := range cells {
			cells[i] = GuardedCell(s)
		}
		return c.Write(cells)
	})
	c.Flush()
	return errors.Join(err, c.Error())
}

// each goes through all objects that match q, the newest first.
func (x export) each(ctx context.Context, q ObjectQuery, f func(Object) error) error {
	for q.Limit = 200; ; {
		list, next, err := x.store.Objects(ctx, q)
		if err != nil {
			return err
		}
		for _, o := range list {
			if err := f(o); err != nil {
				return err
			}
		}
		if next == "" {
			return nil
		}
		q.Before = next
	}
}

// objects writes what the coop has published, and its drafts.
func (x export) objects(ctx context.Context) error {
	var index [][]string
	err := x.each(ctx, ObjectQuery{Local: true, Drafts: true}, func(o Object) error {
		b := o.Common()
		folder := b.Type.path()
		state := "published"
		if b.Draft {
			folder, state = "drafts", "draft"
		}
		name := folder + "/" + b.ID + ".json"
		text := b.TextIn("")
		index = append(index, []string{string(b.Type), state, text.Title, stamp(b.Published), b.URL, name, text.Source})
		return x.document(name, b.Raw)
	})
	if err != nil {
		return err
	}
	return x.table("published.csv", []string{"type", "state", "title", "published", "page", "file", "text"}, func(row func(...string) error) error {
		for _, cells := range index {
			if err := row(cells...); err != nil {
				return err
			}
		}
		return nil
	})
}

// outbox writes all that was said to everybody, as the collection that others read.
func (x export) outbox(ctx context.Context) error {
	w, err := x.into.Create("outbox.json")
	if err != nil {
		return err
	}
	count, err := x.store.CountOutbox(ctx)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(w, "{\n  \"@context\": \"https://www.w3.org/ns/activitystreams\",\n  \"id\": %q,\n  \"type\": \"OrderedCollection\",\n  \"totalItems\": %d,\n  \"orderedItems\": [", x.Links.Outbox(), count); err != nil {
		return err
	}
	between := "\n"
	for before := int64(0); ; {
		acts, err := x.store.Acts(ctx, ActQuery{Outbox: true, Before: before, Limit: 200})
		if err != nil {
			return err
		}
		for _, a := range acts {
			var b bytes.Buffer
			if err := json.Indent(&b, a.Raw, "    ", "  "); err != nil {
				return err
			}
			if _, err := fmt.Fprintf(w, "%s    %s", between, &b); err != nil {
				return err
			}
			between, before = ",\n", a.Seq
		}
		if len(acts) < 200 {
			_, err := io.WriteString(w, "\n  ]\n}\n")
			return err
		}
	}
}

// received writes what others said to the coop and beneath what it said.
func (x export) received(ctx context.Context) error {
	written := map[string]bool{}
	for before := int64(0); ; {
		list, err := x.store.Conversations(ctx, ConversationQuery{Before: before, Limit: 200})
		if err != nil {
			return err
		}
		for _, c := range list {
			before = c.Seq
			write := func(o Object) error {
				b := o.Common()
				if b.Local || written[b.ID] || len(b.Raw) == 0 {
					return nil
				}
				written[b.ID] = true
				return x.document("received/"+b.ID+".json", b.Raw)
			}
			if c.Subject != nil {
				if err := write(c.Subject); err != nil {
					return err
				}
			}
			if err := x.each(ctx, ObjectQuery{Thread: c.Root}, write); err != nil {
				return err
			}
		}
		if len(list) < 200 {
			return nil
		}
	}
}

func (x export) followers(ctx context.Context) error {
	return x.follows("followers.csv", func(q FollowQuery) ([]*Following, error) { return x.store.FollowerList(ctx, q) })
}

func (x export) following(ctx context.Context) error {
	return x.follows("following.csv", func(q FollowQuery) ([]*Following, error) { return x.store.FollowedList(ctx, q) })
}

// follows writes a list that Mastodon and this program read, for its first column is an address without its first @.
func (x export) follows(name string, read func(FollowQuery) ([]*Following, error)) error {
	return x.table(name, []string{"Account address", "Name", "State", "Since", "Id"}, func(row func(...string) error) error {
		for q := (FollowQuery{Limit: 1000}); ; {
			list, err := read(q)
			if err != nil {
				return err
			}
			for _, f := range list {
				address, label := f.Actor, ""
				if f.Who != nil && f.Who.Handle != "" {
					address, label = strings.TrimPrefix(f.Who.Address(), "@"), f.Who.Name
				}
				if err := row(address, label, string(f.State), stamp(f.Since), f.Actor); err != nil {
					return err
				}
				q.Before = f.Actor
			}
			if len(list) < q.Limit {
				return nil
			}
		}
	})
}

// memberships writes to which federations the coop belongs, and who belongs to it where it is one.
func (x export) memberships(ctx context.Context) error {
	us := x.Links.Actor()
	return x.table("memberships.csv", []string{"federation", "coop", "standing", "step", "coop says since", "federation says since", "ended", "vouches", "letter", "reason"}, func(row func(...string) error) error {
		for _, q := range []MembershipQuery{{Coop: us}, {Federation: us}} {
			for q.Limit = 1000; ; {
				list, err := x.store.Memberships(ctx, q)
				if err != nil {
					return err
				}
				for _, m := range list {
					if err := row(m.Federation, m.Coop, string(m.Standing()), string(m.Step), stamp(m.CoopSays.Since), stamp(m.FederationSays.Since), stamp(m.EndedAt()), strings.Join(m.Vouches, " "), m.Letter, m.Reason); err != nil {
						return err
					}
					q.After = m.Seq
				}
				if len(list) < q.Limit {
					break
				}
			}
		}
		return nil
	})
}

func (x export) reports(ctx context.Context) error {
	return x.table("reports.csv", []string{"sent by us", "from", "about", "published", "says", "when", "times", "closed"}, func(row func(...string) error) error {
		for _, local := range []bool{false, true} {
			list, err := x.store.Reports(ctx, ReportQuery{Local: local, Limit: 200})
			if err != nil {
				return err
			}
			for _, r := range list {
				if err := row(strconv.FormatBool(r.Local), r.Actor, r.About, strings.Join(r.Objects, " "), r.Comment, stamp(r.At), strconv.Itoa(r.Times), stamp(r.Closed)); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

func (x export) rules(ctx context.Context) error {
	return x.table("rules.csv", []string{"target", "allow", "severity", "no pictures", "no reports", "comment", "public comment", "since"}, func(row func(...string) error) error {
		list, err := x.store.Rules(ctx)
		if err != nil {
			return err
		}
		for _, r := range list {
			if err := row(r.Target, strconv.FormatBool(r.Allow), string(r.Severity), strconv.FormatBool(r.RejectMedia), strconv.FormatBool(r.RejectReports), r.Comment, r.PublicComment, stamp(r.Since)); err != nil {
				return err
			}
		}
		return nil
	})
}

func (x export) people(ctx context.Context) error {
	return x.table("people.csv", []string{"name", "mail", "role", "language", "since", "last seen", "suspended"}, func(row func(...string) error) error {
		list, err := x.store.People(ctx)
		if err != nil {
			return err
		}
		for _, p := range list {
			if err := row(p.Name, p.Mail, string(p.Role), p.Lang, stamp(p.Created), stamp(p.LastSeen), stamp(p.Suspended)); err != nil {
				return err
			}
		}
		return nil
	})
}

func (x export) audit(ctx context.Context) error { return x.auditOf(ctx, AuditQuery{}) }

func (x export) auditOf(ctx context.Context, q AuditQuery) error {
	return x.table("audit.csv", []string{"when", "who", "what", "about", "besides"}, func(row func(...string) error) error {
		for q.Limit = 200; ; {
			list, err := x.store.AuditEntries(ctx, q)
			if err != nil {
				return err
			}
			for _, e := range list {
				if err := row(stamp(e.At), e.Name, e.Action, e.Subject, e.Text); err != nil {
					return err
				}
				q.Before = e.Seq
			}
			if len(list) < q.Limit {
				return nil
			}
		}
	})
}

// pictures writes our own pictures.
func (x export) pictures(ctx context.Context) error {
	kept, err := x.store.KeptPictures(ctx)
	if err != nil {
		return err
	}
	for _, f := range kept {
		if !f.Local {
			continue
		}
		if err := x.picture(f); err != nil {
			return err
		}
	}
	return nil
}

func (x export) picture(f *PictureFile) error {
	from, err := x.store.OpenPicture(f.Name)
	if IsNotFound(err) { // it is being replaced
		return nil
	} else if err != nil {
		return err
	}
	defer from.Close()
	to, err := x.into.Create("pictures/" + path.Base(f.Name) + "." + strings.TrimPrefix(f.Type, "image/"))
	if err == nil {
		_, err = io.Copy(to, from)
	}
	return err
}

// stamp is a time in a table, "" for none.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// formulaStarts are the characters at which a spreadsheet takes a cell for a formula.
const formulaStarts = "=+-@\t\r"

// GuardedCell is a cell of CSV that no spreadsheet runs (WEB-3).
func GuardedCell(s string) string {
	if s != "" && strings.ContainsRune(formulaStarts, rune(s[0])) {
		return "'" + s
	}
	return s
}

// BareCell takes the guard away again.
func BareCell(s string) string {
	if len(s) > 1 && s[0] == '\'' && strings.ContainsRune(formulaStarts, rune(s[1])) {
		return s[1:]
	}
	return s
}
