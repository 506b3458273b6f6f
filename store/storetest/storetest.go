// Package storetest holds the promises that every store keeps, whatever its engine, and a store for
// the tests of other rooms.
package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/coopnode/coopnode/node"
)

// Run tests the promises of node.Store. open gives an empty store that is closed when its test ends.
func Run(t *testing.T, open func(testing.TB) node.Store) {
	for _, p := range []struct {
		name string
		test func(*testing.T, *fixture)
	}{
		{"transaction is all or nothing", txAllOrNothing},
		{"transaction that panics leaves nothing and the store goes on", txPanic},
		{"transaction of an ended context does not run", txEndedContext},
		{"transactions at once are alone each", txAlone},
		{"revision tells of every change", revision},
		{"transaction reads what it wrote", txReadsItself},

		{"setting", settings},
		{"own keys are kept and replaced, the one that signs first (KEY-2)", ownKeys},
		{"form of signature of a peer is kept for 90 days", peerForms},
		{"actor comes back as it was kept", actorRoundTrip},
		{"actor by handle in any case", actorByHandle},
		{"actor by the id of its key", actorByKey},
		{"known coops by name", knownCoops},
		{"coops of a host", coopsOfAHost},
		{"samples keep their mark and are listed", sampleActors},
		{"gone actor leaves nothing but addresses", forgetActor},

		{"objects come back as they were kept", objectRoundTrip},
		{"object by address, id or page", objectByRef},
		{"object keeps its id and time of arrival", objectKept},
		{"objects newest first in pages", objectPages},
		{"objects by each filter", objectFilters},
		{"thread oldest first without its root", threadOrder},
		{"openings that are open or late at a moment", openAndLate},
		{"drafts and deleted ones only where asked for", draftsAndDeleted},
		{"likes, shares and replies are counted once", counts},
		{"document only of ours", documents},
		{"lock of an unknown object", lockUnknown},

		{"acts are numbered in order", actOrder},
		{"a Create again keeps its place and takes the new bytes", createAgain},
		{"outbox holds what is listed", outbox},

		{"followers newest first", followers},
		{"servers of followers, each once", followerServers},
		{"followed newest first", followed},
		{"timeline shows each object once", timelineOnce},
		{"shares of one actor", sharesOfActor},
		{"what an actor brought", broughtBy},
		{"openings counted", tallies},
		{"timeline hides what is deleted, direct or taken back", timelineHides},
		{"timeline in pages", timelinePages},

		{"subscriptions, and what they brought", subscriptions},
		{"who stands in whose list", sightings},
		{"who was asked who it is", looks},
		{"the newest move from or to an actor", moves},
		{"quotes are kept once", quotes},

		{"memberships by their sides, standing and step", memberships},
		{"the last word of each member of an application", opinions},
		{"re-shares by state, author and time", reshares},
		{"what is passed on and open (coop:shared)", passedAt},
		{"a letter for those followers that are cooperatives", enqueueCoops},
		{"letters by the hour", deliveryHours},

		{"notices are kept once for each recipient, and go with it", noticesKept},
		{"notices that are due, put off and given up", noticesDue},
		{"secrets are kept as long as they are needed (KEY-2)", noticeSecrets},
		{"how a person wants to hear of what", noticeChoices},

		{"rules are kept and found by their targets", rules},
		{"what is refused is hidden, what is limited not listed, both come back (MOD-4)", judged},
		{"what comes later is judged by the rules (MOD-3)", judgedLater},
		{"no delivery to whom a rule refuses (MOD-4)", enqueueNotRefused},
		{"parting and purging leave what is others' (MOD-4)", partAndPurge},

		{"conversations, the one with the newest remark first", conversations},
		{"remarks are marked, and go with their post", remarks},
		{"threads that turn out to be one are joined", joinThread},
		{"what is hidden is not listed (HTTP-7)", hidden},
		{"reports newest first, by each filter (MOD-6)", reports},

		{"letter is kept once (Q-3)", letterOnce},
		{"letter that was handled is not kept again, a Follow may be", letterSeen},
		{"letters in order, one put off holds back its object (decisions 23)", letterOrder},
		{"seen ids belong to the actor that used them first", seenOwner},

		{"one delivery for each inbox (Q-1)", enqueueInboxes},
		{"no delivery to ourselves, the gone or the unknown", enqueueNot},
		{"readers hear of changes for 90 days (decisions 16)", enqueueReaders},
		{"readers of an object are bounded", readersBounded},
		{"queue drains once (Q-2)", drainOnce},
		{"letters to one inbox about one object keep their order (Q-4)", deliveryOrder},
		{"a letter that waits does not hold back others (decisions 27)", deliveryOthers},
		{"a letter enqueued during a visit is not lost", enqueueDuringVisit},
		{"a peer in back-off stays there", backOffStays},
		{"a lease runs out (Q-8)", leases},
		{"failing peers do not crowd out others (Q-7)", failingPeers},
		{"a peer that writes to us is awake (decisions 28)", wakePeer},
		{"deliveries can be listed, retried and dropped (Q-11)", manageQueue},
		{"next due", nextDue},
		{"tasks", tasks},
		{"doubt of a follower is kept once (decisions 29)", doubts},
		{"pictures", pictureRoundTrip},
		{"pictures are wanted once and go when nobody shows them (DB-7)", pictureUses},
		{"pictures of one host wait for each other", pictureDue},
		{"pictures are bounded in size and age (DB-7)", pictureBounds},
		{"what is erased takes its pictures along", pictureErased},
		{"pictures on the shelf are whole or not there (MED-3)", pictureShelf},
		{"search finds words however they are written", searchWords},
		{"search finds coops, openings, projects and posts by all that they say", searchAll},
		{"search chooses by facets, and publishers lend theirs", searchFacets},
		{"search finds nothing that pages may not show (HTTP-7, MOD-1, GDPR-2)", searchHidden},
		{"search finds posts of those who agree", searchConsent},
		{"search finds what is over only where asked", searchOpen},
		{"search goes page by page, the newest first", searchPages},
		{"search puts what fits best first", searchBest},
		{"persons by name, mail address and id", people},
		{"no two persons of one name or mail address", personsApart},
		{"sessions are found by the sum of their token and listed (SES-7)", sessions},
		{"sessions of a person end, but one (SES-5)", sessionsEnd},
		{"everybody can be signed out", signOutAll},
		{"links are found by the sum of their token, and dropped", passes},
		{"a person who goes takes sessions and links along (SES-6)", personGoes},
		{"audit log in order, newest first", audits},
		{"sweep ends sessions and links in time, and keeps the audit log for a year (SES-2)", sweepPeople},

		{"what is erased leaves addresses alone (GDPR-2)", erased},
		{"who is erased leaves no name (GDPR-2)", scrubbed},
		{"what was replaced is in no file (GDPR-3)", cleansed},

		{"sweep removes the old and keeps the rest (DB-7, Q-9)", sweep},
		{"foreign content that nobody uses goes after 90 days, with its rows (DB-7)", sweepForeign},
		{"what waits for years, as a wrong clock chose, becomes due", hasten},
		{"actors who are invented, members or federations stay, strangers go after 90 days (DB-7)", sweepActors},
	} {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			p.test(t, &fixture{T: t, Store: open(t), ctx: t.Context()})
		})
	}
}

// noon is the time at which the tests begin; whole seconds, as acts have.
var noon = time.Date(2027, 3, 1, 12, 0, 0, 0, time.UTC)

// fixture is a store under test with short ways to say what happens.
type fixture struct {
	*testing.T
	node.Store
	ctx context.Context
}

// write runs f in a transaction that must succeed.
func (x *fixture) write(f func(node.Tx) error) {
	x.Helper()
	x.ok(x.Tx(x.ctx, f))
}

func (x *fixture) ok(err error) {
	x.Helper()
	if err != nil {
		x.Fatal(err)
	}
}

func (x *fixture) wantKind(err error, want node.Kind) {
	x.Helper()
	if err == nil || node.KindOf(err) != want {
		x.Errorf("got error %v, want one of kind %d", err, want)
	}
}

// check fails unless got is want; what says what was looked at.
func check[T comparable](x *fixture, what string, got, want T) {
	x.Helper()
	if got != want {
		x.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// person keeps an actor at host with its own inbox and, if shared, that of its server.
func (x *fixture) person(host, name string, shared bool) *node.Actor {
	x.Helper()
	a := &node.Actor{
		IRI: "https://" + host + "/users/" + name, Type: "Person", Handle: name, Host: host, Name: name,
		Inbox: "https://" + host + "/users/" + name + "/inbox", Fetched: noon,
	}
	if shared {
		a.SharedInbox = "https://" + host + "/inbox"
	}
	x.write(func(tx node.Tx) error { return tx.SaveActor(x.ctx, a) })
	return a
}

// follower keeps an accepted follower.
func (x *fixture) follower(host, name string, shared bool) *node.Actor {
	x.Helper()
	a := x.person(host, name, shared)
	x.write(func(tx node.Tx) error {
		return tx.SaveFollower(x.ctx, &node.Following{Actor: a.IRI, State: node.Accepted, FollowIRI: a.IRI + "#follow", Since: noon})
	})
	return a
}

// say keeps an act about object and enqueues it, and returns it with the number of deliveries.
func (x *fixture) say(iri, object string, at time.Time, r node.Recipients) (*node.ActRecord, int) {
	x.Helper()
	a := &node.ActRecord{IRI: iri, Verb: node.Update, Object: object, Raw: []byte(iri), At: at}
	n := 0
	x.write(func(tx node.Tx) (err error) {
		if err := tx.SaveAct(x.ctx, a); err != nil {
			return err
		}
		n, err = tx.Enqueue(x.ctx, a, r)
		return err
	})
	return a, n
}

// post keeps a public post of somebody, said so many minutes after noon.
func (x *fixture) post(id string, minute int, edit func(*node.Post)) *node.Post {
	x.Helper()
	p := &node.Post{Base: base(node.TypePost, id, minute)}
	if edit != nil {
		edit(p)
	}
	x.write(func(tx node.Tx) error { return tx.SaveObject(x.ctx, p) })
	return p
}

// opening keeps a public opening of somebody.
func (x *fixture) opening(id string, minute int, edit func(*node.Opening)) *node.Opening {
	x.Helper()
	o := &node.Opening{Base: base(node.TypeOpening, id, minute), Kind: node.Subcontract, Status: node.Open}
	if edit != nil {
		edit(o)
	}
	x.write(func(tx node.Tx) error { return tx.SaveObject(x.ctx, o) })
	return o
}

func base(t node.ObjectType, id string, minute int) node.Base {
	at := noon.Add(time.Duration(minute) * time.Minute)
	return node.Base{
		ID: id, IRI: "https://a.example/ap/" + id, Type: t, Actor: "https://a.example/ap/coop", Audience: node.Public,
		URL: "https://a.example/" + id, Published: at, Updated: at, Received: at, Raw: []byte(id),
	}
}
