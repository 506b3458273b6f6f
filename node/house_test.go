package node_test

import (
	"context"
	"encoding/json"
	"errors"
	"html"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coopnode/coopnode/node"
	"github.com/coopnode/coopnode/store/storetest"
)

const base = "https://mill.example"

// noon is when the tests begin: not at a whole second, as in life.
var noon = time.Date(2027, 3, 1, 12, 0, 0, 400_000_000, time.UTC)

// second is noon as it travels.
var second = noon.Truncate(time.Second)

// house is a node on a real store, with a clock that a test moves and short ways to say what happens.
type house struct {
	testing.TB
	*node.Node
	enc   *encoder
	clock atomic.Int64
	read  int64 // Seq of the newest act that news has given
}

func newHouse(t testing.TB) *house {
	t.Helper()
	return houseOn(t, storetest.Open(t))
}

// houseOn makes the node of the first day in an empty store.
func houseOn(t testing.TB, s node.Store) *house {
	t.Helper()
	x := &house{TB: t, enc: &encoder{}}
	x.clock.Store(noon.UnixNano())
	writes := firstDay(t)
	x.must(s.Tx(t.Context(), func(tx node.Tx) error {
		for _, write := range writes {
			if err := write(tx); err != nil {
				return err
			}
		}
		return nil
	}))
	var err error
	x.Node, err = node.New(t.Context(), s, func(node.Links) node.Encoder { return x.enc }, node.Options{
		Now:      func() time.Time { return time.Unix(0, x.clock.Load()) },
		Markdown: func(s string) string { return "<p>" + html.EscapeString(s) + "</p>" },
		Clean:    func(s string) string { return strings.ReplaceAll(s, "<script>", "") },
	})
	x.must(err)
	return x
}

// pass moves the clock.
func (x *house) pass(d time.Duration) { x.clock.Add(int64(d)) }

func (x *house) must(err error) {
	x.Helper()
	if err != nil {
		x.Fatal(err)
	}
}

// write runs f in a transaction that must succeed.
func (x *house) write(f func(node.Tx) error) {
	x.Helper()
	x.must(x.Store().Tx(x.Context(), f))
}

// tester is what both a test and a house are.
type tester interface {
	Helper()
	Errorf(format string, args ...any)
}

// wantError checks the kind of an error and that it tells a person something that contains all words.
func wantError(t tester, err error, kind node.Kind, words ...string) {
	t.Helper()
	if err == nil || node.KindOf(err) != kind {
		t.Errorf("got error %v, want one of kind %d", err, kind)
		return
	}
	for _, w := range words {
		if !strings.Contains(node.TextOf(err), w) {
			t.Errorf("the text %q does not say %q", node.TextOf(err), w)
		}
	}
}

// equal fails unless got is want; what says what was looked at.
func equal[T any](t tester, what string, got, want T) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s:\n got %+v\nwant %+v", what, got, want)
	}
}

// actor keeps somebody who lives elsewhere, with an inbox of its own and one of its server.
func (x *house) actor(host, name string) *node.Actor {
	x.Helper()
	iri := "https://" + host + "/users/" + name
	a := &node.Actor{
		IRI: iri, Type: "Person", Handle: name, Host: host, Name: name, Inbox: iri + "/inbox",
		SharedInbox: "https://" + host + "/inbox", KeyID: iri + "#main-key", KeyPEM: "PEM of " + name, Fetched: noon,
	}
	x.write(func(tx node.Tx) error { return tx.SaveActor(x.Context(), a) })
	return a
}

// followedBy keeps an accepted follower.
func (x *house) followedBy(host, name string) *node.Actor {
	x.Helper()
	a := x.actor(host, name)
	x.write(func(tx node.Tx) error {
		return tx.SaveFollower(x.Context(), &node.Following{Actor: a.IRI, State: node.Accepted, FollowIRI: a.IRI + "#follow", Since: second})
	})
	return a
}

// following keeps somebody whom we follow.
func (x *house) following(host, name string) *node.Actor {
	x.Helper()
	a := x.actor(host, name)
	x.write(func(tx node.Tx) error {
		return tx.SaveFollowed(x.Context(), &node.Following{Actor: a.IRI, State: node.Accepted, FollowIRI: x.Links.Activity("aaaaaaaaaa"), Since: second})
	})
	return a
}

// said is an act of ours as it was stored, and where it goes.
type said struct {
	ID        string
	Verb      node.Verb
	Actor     string
	ObjectIRI string
	Object    document // as far as the act carries it
	Inner     *said
	Target    string
	To, Cc    []string
	Published time.Time

	Seq            int64    `json:"-"`
	By             string   `json:"-"`
	Listed, Served bool     `json:"-"`
	Inboxes        []string `json:"-"` // sorted
}

// document is an object of ours as it is served.
type document struct {
	ID, Type, Title, HTML string
	Status                string
	Seeking               []string
	Updated               time.Time
}

func (x *house) acts(q node.ActQuery) []said {
	x.Helper()
	q.Limit = 200
	records, err := x.Store().Acts(x.Context(), q)
	x.must(err)
	list := make([]said, len(records))
	for i, r := range records {
		s := &list[i]
		x.must(json.Unmarshal(r.Raw, s))
		s.Seq, s.By, s.Listed, s.Served = r.Seq, r.By, r.Listed, r.Served
		waiting, err := x.Deliveries(x.Context(), node.DeliveryQuery{Act: r.IRI})
		x.must(err)
		for _, d := range waiting {
			s.Inboxes = append(s.Inboxes, d.Inbox)
		}
		slices.Sort(s.Inboxes)
		equal(x, "record of "+s.ID, []any{r.IRI, r.Verb, r.Object, r.Waiting}, []any{s.ID, s.Verb, s.ObjectIRI, len(waiting)})
	}
	return list
}

// news gives what was said since it was last asked, in order.
func (x *house) news() []said {
	x.Helper()
	all := x.acts(node.ActQuery{})
	slices.Reverse(all)
	fresh := slices.DeleteFunc(all, func(s said) bool { return s.Seq <= x.read })
	if len(fresh) > 0 {
		x.read = fresh[len(fresh)-1].Seq
	}
	return fresh
}

// wantNews checks the verbs of what was said since it was last asked, in order.
func (x *house) wantNews(verbs ...node.Verb) []said {
	x.Helper()
	news := x.news()
	var got []node.Verb
	for _, s := range news {
		got = append(got, s.Verb)
	}
	if !slices.Equal(got, verbs) {
		x.Fatalf("said %v, want %v", got, verbs)
	}
	return news
}

// document reads what is served at the address of an object of ours.
func (x *house) document(iri string) (d document) {
	x.Helper()
	doc, err := x.Store().Document(x.Context(), iri)
	x.must(err)
	x.must(json.Unmarshal(doc.Raw, &d))
	return d
}

func (x *house) object(ref string) node.Object {
	x.Helper()
	o, err := x.Object(x.Context(), ref)
	x.must(err)
	return o
}

// known says whether there is an object with this address that is not deleted.
func (x *house) known(iri string) bool {
	x.Helper()
	o, err := x.Object(x.Context(), iri)
	if node.IsNotFound(err) {
		return false
	}
	x.must(err)
	return o.Common().Deleted.IsZero()
}

// publish keeps an object of ours and gives its address.
func (x *house) publish(o node.Object) string {
	x.Helper()
	x.must(x.Publish(x.Context(), "ana", o))
	return o.Common().IRI
}

// post is a post of ours.
func post(text string) *node.Post {
	return &node.Post{Base: node.Base{Type: node.TypePost, Texts: []node.Text{{Lang: "en", Source: text}}}}
}

// opening is one of ours with the least that it needs.
func opening(title string) *node.Opening {
	return &node.Opening{Base: node.Base{Type: node.TypeOpening, Texts: []node.Text{{Title: title}}}}
}

// project is one of ours with the least that it needs.
func project(title string) *node.Project {
	return &node.Project{Base: node.Base{Type: node.TypeProject, Texts: []node.Text{{Title: title}}}}
}

// note is what somebody elsewhere has written, a minute ago.
func note(author *node.Actor, id, text string) *node.Post {
	at := second.Add(-time.Minute)
	iri := author.IRI + "/" + id
	return &node.Post{Base: node.Base{
		ID: node.RemoteID(iri), IRI: iri, Type: node.TypePost, Actor: author.IRI, Audience: node.Public, URL: iri,
		Published: at, Updated: at, Texts: []node.Text{{HTML: text}},
	}}
}

// create is the letter with which an object is published.
func create(o node.Object) *node.Act {
	b := o.Common()
	return &node.Act{IRI: b.IRI + "/activity", Verb: node.Create, Actor: b.Actor, ObjectIRI: b.IRI, Object: o, To: []string{node.PublicIRI}, Published: b.Published}
}

// says is a letter about the address of something.
func says(who *node.Actor, v node.Verb, id, object string) *node.Act {
	return &node.Act{IRI: who.IRI + "/" + id, Verb: v, Actor: who.IRI, ObjectIRI: object, Published: second}
}

// receive gives letters to the node, each a fresh one.
func (x *house) receive(acts ...*node.Act) {
	x.Helper()
	for _, a := range acts {
		x.must(x.Receive(x.Context(), &node.Letter{}, a))
	}
}

// encoder writes what this node says as plain JSON.
type encoder struct {
	mu   sync.Mutex
	fail string // what it cannot write: a verb, or the type of an object
}

var errEncoder = errors.New("it cannot be written")

func (e *encoder) failing(what string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.fail != "" && what == e.fail {
		return errEncoder
	}
	return nil
}

func (e *encoder) breakAt(what string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.fail = what
}

func (e *encoder) EncodeActor(a *node.Actor) ([]byte, error) {
	if err := e.failing(a.Type); err != nil {
		return nil, err
	}
	return json.Marshal(document{ID: a.IRI, Type: a.Type, Title: a.Name, Updated: a.Updated})
}

func (e *encoder) EncodeObject(o node.Object) ([]byte, error) {
	if err := e.failing(string(o.Common().Type)); err != nil {
		return nil, err
	}
	return json.Marshal(documentOf(o))
}

func documentOf(o node.Object) document {
	b := o.Common()
	if !b.Deleted.IsZero() {
		return document{ID: b.IRI, Type: "Tombstone"}
	}
	d := document{ID: b.IRI, Type: string(b.Type), Title: b.Title(), HTML: b.TextIn("").HTML, Updated: b.Updated}
	switch o := o.(type) {
	case *node.Opening:
		d.Status = string(o.Status)
	case *node.Project:
		d.Status, d.Seeking = string(o.Status), o.Seeking
	}
	return d
}

func (e *encoder) EncodeAct(a *node.Act) ([]byte, error) {
	if err := e.failing(string(a.Verb)); err != nil {
		return nil, err
	}
	return json.Marshal(saidBy(a))
}

func saidBy(a *node.Act) *said {
	if a == nil {
		return nil
	}
	s := &said{ID: a.IRI, Verb: a.Verb, Actor: a.Actor, ObjectIRI: a.ObjectIRI, Inner: saidBy(a.Inner), Target: a.Target, To: a.To, Cc: a.Cc, Published: a.Published}
	if a.Object != nil {
		s.Object = documentOf(a.Object)
	}
	if a.Subject != nil {
		s.Object = document{ID: a.Subject.IRI, Type: a.Subject.Type, Title: a.Subject.Name, Updated: a.Subject.Updated}
	}
	return s
}

var (
	firstDayOnce   sync.Once
	firstDayWrites []func(node.Tx) error
)

// firstDay is what SetUp writes. It is asked once and written again for each test, for drawing a key takes time.
func firstDay(t testing.TB) []func(node.Tx) error {
	t.Helper()
	firstDayOnce.Do(func() {
		s := &watched{Store: storetest.Open(t)}
		err := node.SetUp(t.Context(), s, func(node.Links) node.Encoder { return &encoder{} }, node.Setup{Base: base, Handle: "mill", Name: "The Mill"}, noon)
		if err != nil {
			t.Fatal(err)
		}
		firstDayWrites = s.writes
	})
	return firstDayWrites
}

// watched remembers what is written to a store.
type watched struct {
	node.Store
	writes []func(node.Tx) error
}

func (w *watched) Tx(ctx context.Context, f func(node.Tx) error) error {
	return w.Store.Tx(ctx, func(tx node.Tx) error {
		w.writes = nil
		return f(watchedTx{tx, w})
	})
}

type watchedTx struct {
	node.Tx
	w *watched
}

func (t watchedTx) do(write func(node.Tx) error) error {
	t.w.writes = append(t.w.writes, write)
	return write(t.Tx)
}

func (t watchedTx) SetSetting(ctx context.Context, key, value string) error {
	return t.do(func(tx node.Tx) error { return tx.SetSetting(context.WithoutCancel(ctx), key, value) })
}

func (t watchedTx) SaveOwnKey(ctx context.Context, k *node.OwnKey) error {
	return t.do(func(tx node.Tx) error { return tx.SaveOwnKey(context.WithoutCancel(ctx), k) })
}

func (t watchedTx) DropOwnKey(ctx context.Context, id string) error {
	return t.do(func(tx node.Tx) error { return tx.DropOwnKey(context.WithoutCancel(ctx), id) })
}

func (t watchedTx) SaveActor(ctx context.Context, a *node.Actor) error {
	return t.do(func(tx node.Tx) error { return tx.SaveActor(context.WithoutCancel(ctx), a) })
}
