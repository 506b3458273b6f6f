package activitypub

import (
	"context"
	"errors"
	"fmt"
	"html"
	"strings"
	"time"

	"github.com/go-fed/activity/streams"
	"github.com/go-fed/activity/streams/vocab"
	"github.com/labstack/echo/v4"

	"github.com/coopnode/coopnode/node"
)

// What a coop says of a federation, and a federation of a coop (vocabulary 2.2).
const (
	relationMemberOf = "http://schema.org/memberOf"
	relationMember   = "http://schema.org/member"
)

// encodeRecord writes our word about a membership: as its federation, or as its coop.
func encodeRecord(l node.Links, m *node.Membership) (vocab.ActivityStreamsRelationship, error) {
	us, other, relation, word := m.Coop, m.Federation, relationMemberOf, m.CoopSays
	if m.Federation == l.Actor() {
		us, other, relation, word = m.Federation, m.Coop, relationMember, m.FederationSays
	}
	r := streams.NewActivityStreamsRelationship()
	if err := setID(r, l.Membership(m.ID)); err != nil {
		return nil, err
	}
	own := r.GetUnknownProperties()
	own["attributedTo"], own["subject"], own["relationship"], own["object"] = us, us, relation, other
	own["startTime"] = stamp(word.Since)
	if !word.Until.IsZero() {
		own["endTime"] = stamp(word.Until)
	}
	if relation == relationMember {
		put(own, "coop:role", m.Role)
		putList(own, "coop:admittedBy", m.AdmittedBy)
		putList(own, "coop:vouches", m.Vouches)
	}
	return r, nil
}

// recordMap is the record as it stands inside other documents.
func recordMap(l node.Links, m *node.Membership) (map[string]any, error) {
	r, err := encodeRecord(l, m)
	if err != nil {
		return nil, err
	}
	return r.Serialize()
}

// decodeRecord reads what owner says of a membership, at its own home or in its own letter. Errors say why it is none of
// its words: a record has the origin of its subject, and its subject is the one who speaks (vocabulary 2.11).
func decodeRecord(m map[string]any, owner string, rules AddressRules, now time.Time) (*node.Record, error) {
	iri, ok := objectID(m, rules)
	r := &node.Record{IRI: iri, Subject: IDOf(first(m["subject"])), Object: idIn(first(m["object"]), rules), Role: short(m, "coop:role")}
	switch relation := IDOf(first(m["relationship"])); {
	case !ok || !contains(Types(m), "Relationship"):
		return nil, errors.New("that is no record of a membership")
	case relation == relationMember:
		r.Member = true
	case relation != relationMemberOf:
		return nil, fmt.Errorf("%s is no membership", iri)
	}
	switch by := IDOf(first(m["attributedTo"])); {
	case r.Subject != owner || by != "" && by != owner:
		return nil, fmt.Errorf("%s is not the word of %s", iri, owner)
	case !SameOrigin(iri, owner):
		return nil, fmt.Errorf("%s is not of the origin of %s", iri, owner)
	case r.Object == "" || r.Object == owner:
		return nil, fmt.Errorf("%s names nobody else", iri)
	}
	r.Since, _ = Time(m, "startTime")
	if r.Until, _ = Time(m, "endTime"); r.Until.After(now) { // it is still on
		r.Until = time.Time{}
	}
	r.Vouches = texts(m["coop:vouches"])
	return r, nil
}

// saysWhy are the activities that can have a reason beside them.
var saysWhy = map[node.Verb]bool{node.Join: true, node.Invite: true, node.Accept: true, node.Reject: true, node.Remove: true}

// maxWhy bounds what is read of it, in characters (LIM).
const maxWhy = 2000

// aboutMembership writes the reason, as HTML, and the record with which a federation admits.
func (e Encoder) aboutMembership(t activity, a *node.Act) error {
	if a.Content != "" && saysWhy[a.Verb] {
		content := streams.NewActivityStreamsContentProperty()
		content.AppendXMLSchemaString("<p>" + strings.ReplaceAll(html.EscapeString(a.Content), "\n", "<br>") + "</p>")
		t.SetActivityStreamsContent(content)
	}
	if a.Record == nil {
		return nil
	}
	record, err := recordMap(e.links, a.Record)
	if err != nil {
		return err
	}
	t.GetUnknownProperties()["result"] = record
	return nil
}

// readWhy reads them. The record counts as the word of the one who speaks, of nobody else.
func readWhy(m map[string]any, a *node.Act, rules AddressRules, now time.Time) {
	a.Content = cutText(textOf(cutBytes(anyLanguage(m, "content"), maxContentBytes)), maxWhy)
	result := Obj(first(m["result"]))
	if a.Verb != node.Accept || result == nil {
		return
	}
	if r, err := decodeRecord(result, a.Actor, rules, now); err == nil && r.Member {
		a.Record = &node.Membership{Federation: r.Subject, Coop: r.Object, Role: r.Role, Vouches: r.Vouches,
			FederationSays: node.Word{IRI: r.IRI, Since: r.Since, Until: r.Until}}
	}
}

// proveApplication fetches the application that a federation of ours asks its members about from where it lives, the home
// of the coop that applies. For others nothing is fetched, since nothing would come of it.
func (w *Wire) proveApplication(ctx context.Context, a *node.Act) error {
	federation, err := w.node.ActorOf(ctx, a.Actor)
	if node.IsNotFound(err) || err == nil && (federation.Coop == nil || a.Target == "" || a.Target != federation.Coop.ApplicationsIRI) {
		return nil
	} else if err != nil {
		return err
	}
	m, err := w.node.Membership(ctx, a.Actor, w.node.Links.Actor())
	if node.IsNotFound(err) || err == nil && m.Standing() != node.Confirmed {
		return nil
	} else if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, proofTime)
	defer cancel()
	doc, err := w.client.GetObject(ctx, a.ObjectIRI)
	if err != nil {
		return err
	}
	in := decodeAct(doc.Object, verbNamed(doc.Object), w.rules, w.node.Now())
	if in.Verb != node.Join || in.IRI != a.ObjectIRI || !SameOrigin(in.IRI, in.Actor) || in.ObjectIRI != a.Actor {
		return &unproven{fmt.Sprintf("%s is no application to %s", a.ObjectIRI, a.Actor)}
	}
	if _, err := w.fetchActor(ctx, in.Actor, week); err != nil {
		return err
	}
	a.Inner = in
	return nil
}

// knowAnew reads the profile of one who asks to be a member, or to have us as one: what it says of itself decides. Where
// it cannot be read now, what was read before has to do.
func (w *Wire) knowAnew(ctx context.Context, actor string) {
	if _, err := w.fetchActor(ctx, actor, time.Hour); err != nil {
		w.log.Debug("profile not read anew", "room", "desk", "actor", actor, "err", err)
	}
}

// getMembership handles GET /ap/memberships/{id}: our word about one membership. It stays when the membership has ended.
func (w *Wire) getMembership(c echo.Context) (*answer, error) {
	if !node.IsID(c.Param("id")) {
		return nil, echo.ErrNotFound
	}
	iri := w.node.Links.Membership(c.Param("id"))
	return w.kept(c.Request().Context(), iri, func(ctx context.Context) (*answer, error) {
		m, err := w.node.Store().MembershipByID(ctx, c.Param("id"))
		if err != nil {
			return nil, err
		}
		if !w.saidByUs(m) {
			return nil, &node.Error{Op: "read membership", Kind: node.NotFound, Subject: iri}
		}
		r, err := encodeRecord(w.node.Links, m)
		return written(r, err)
	})
}

// saidByUs says whether we say, or have said, that there is a membership.
func (w *Wire) saidByUs(m *node.Membership) bool {
	us := w.node.Links.Actor()
	return m.ID != "" && (m.Federation == us && !m.FederationSays.Since.IsZero() || m.Coop == us && !m.CoopSays.Since.IsZero())
}

// getMembers handles GET /ap/coop/members: our records of coops, with those that have ended.
func (w *Wire) getMembers(c echo.Context) (*answer, error) {
	return w.ofFederation(c, w.records(w.node.Links.Members(), node.MembershipQuery{Federation: w.node.Links.Actor()}))
}

// getMemberships handles GET /ap/coop/memberships: what this coop says of the federations to which it belongs or belonged.
func (w *Wire) getMemberships(c echo.Context) (*answer, error) {
	return w.show(c, w.records(w.node.Links.Memberships(), node.MembershipQuery{Coop: w.node.Links.Actor()}))
}

// records is the shelf of our words among what q finds, the first first, each whole: so one reading of the list is enough.
func (w *Wire) records(id string, q node.MembershipQuery) shelf {
	of := func(s node.Standing) node.MembershipQuery { q := q; q.Standing = s; return q }
	alone := node.ClaimedOnly
	if q.Federation != "" {
		alone = node.ListedOnly
	}
	return shelf{
		id: id,
		count: func(ctx context.Context) (total int, err error) {
			for _, s := range []node.Standing{node.Confirmed, node.Former, alone} {
				n, err := w.node.CountMemberships(ctx, of(s))
				if err != nil {
					return 0, err
				}
				total += n
			}
			return total, nil
		},
		list: func(ctx context.Context, after string) (row, error) {
			return w.membershipRow(ctx, q, after, func(m *node.Membership) (any, error) {
				if !w.saidByUs(m) {
					return nil, nil
				}
				return recordMap(w.node.Links, m)
			})
		},
	}
}

// getApplications handles GET /ap/coop/applications: the Joins that are not decided, by their ids, for they live with the
// coops that apply.
func (w *Wire) getApplications(c echo.Context) (*answer, error) {
	q := node.MembershipQuery{Federation: w.node.Links.Actor(), Step: node.StepApplied}
	return w.ofFederation(c, shelf{
		id:    w.node.Links.Applications(),
		count: func(ctx context.Context) (int, error) { return w.node.CountMemberships(ctx, q) },
		list: func(ctx context.Context, after string) (row, error) {
			return w.membershipRow(ctx, q, after, func(m *node.Membership) (any, error) { return m.JoinIRI, nil })
		},
	})
}

// membershipRow is a page of what q finds, each as item makes it; nil is left out. The cursor is where the last one stands.
func (w *Wire) membershipRow(ctx context.Context, q node.MembershipQuery, after string, item func(*node.Membership) (any, error)) (row, error) {
	q.Shown, q.Limit = q.Step == "", pageOfIDs+1
	if after != "" {
		if _, err := fmt.Sscanf(after, "%d", &q.After); err != nil {
			return row{}, echo.ErrNotFound
		}
	}
	list, err := w.node.Store().Memberships(ctx, q)
	r := row{items: []any{}}
	for i, m := range list {
		if i == pageOfIDs {
			r.next = fmt.Sprint(q.After)
			break
		}
		q.After = m.Seq
		it, err := item(m)
		if err != nil {
			return row{}, err
		}
		if it != nil {
			r.items = append(r.items, it)
		}
	}
	return r, err
}

// ofFederation shows a list that only a federation has.
func (w *Wire) ofFederation(c echo.Context, s shelf) (*answer, error) {
	us, err := w.node.Profile(c.Request().Context())
	if err != nil {
		return nil, err
	}
	if !us.IsFederation() {
		return nil, echo.ErrNotFound
	}
	return w.show(c, s)
}
