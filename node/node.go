package node

import (
	"context"
	"fmt"
	"html"
	"log/slog"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// A Node is one running coopnode: the domain over a Store.
type Node struct {
	Links Links
	// Dev is true for a node made with init --dev: plain http on loopback, for trying things out.
	Dev bool
	// Bell rings after something was committed that the loops may want to work on: letters to
	// carry, letters received, tasks. It holds one ring; a lost one costs a second, not a letter.
	Bell chan struct{}

	store   Store
	enc     Encoder
	opt     Options
	changes atomic.Int64

	ruleChanges atomic.Int64 // of this process
	held        atomic.Pointer[heldPolicy]
	pictures    pictures
	numbers     heldNumbers
	attempts    attempts
}

// Options are the things a node can live without. The zero value is a good start, but our texts
// are then shown as they were typed and those of others are left out. Markdown and Clean must be
// pure, and Clean must leave alone what it has cleaned (HTML-6).
type Options struct {
	Now      func() time.Time           // time.Now if nil
	Log      *slog.Logger               // discards if nil
	Markdown func(source string) string // makes clean HTML of what our people write
	Clean    func(html string) string   // makes foreign HTML harmless (security.md 8)

	// Redraw reads a PNG, JPEG, WebP or GIF by what is in it, of at most MaxPixels, and draws it anew (MED-1). Errors are
	// Invalid. Without it no picture of others is fetched, and none of ours can be set.
	Redraw       func(ctx context.Context, file []byte, s Shape) (*Drawing, error)
	PictureStore int64 // bytes of all copies of others' pictures, the longest unused going first; 2 GiB if 0
}

// Settings of the node that live in the store. The base address can never change.
const (
	settingBase = "base"
	settingDev  = "dev"
)

// Setup is what a new node must know.
type Setup struct {
	Base   string // scheme, host and port: https://coop.example
	Dev    bool   // http is allowed too
	Handle string // the part before the @ of its address: [a-z0-9_]{1,30}
	Name   string // the handle if empty
	Domain string // behind the @ of its address, where that is not the host of Base
}

var handleForm = regexp.MustCompile(`^[a-z0-9_]{1,30}$`)

// SetUp writes a new node into an empty store: its base address, its profile and its key.
// Errors: Invalid, and Exists for a store that holds a node already.
func SetUp(ctx context.Context, s Store, encoder func(Links) Encoder, setup Setup, now time.Time) error {
	const op = "set up node"
	if !isBase(setup.Base, setup.Dev) {
		return invalid(op, fmt.Sprintf("%q is not the address of a node. Give a host name: coop.example.", setup.Base))
	}
	if !handleForm.MatchString(setup.Handle) {
		return invalid(op, fmt.Sprintf("%q cannot be a handle. Use 1 to 30 of a-z, 0-9 and _.", setup.Handle))
	}
	l := Links{Base: setup.Base}
	host, err := l.handleHost(setup.Domain, setup.Dev)
	if err != nil {
		return err
	}
	now = now.UTC().Truncate(time.Second)
	key, err := drawKey(l.Key(), now)
	if err != nil {
		return err
	}
	public, err := key.Public()
	if err != nil {
		return err
	}
	a := &Actor{
		IRI: l.Actor(), Type: "Organization", Handle: setup.Handle, Host: host, Name: strings.TrimSpace(setup.Name),
		URL: l.Profile(), Local: true,
		Inbox: l.Inbox(), SharedInbox: l.SharedInbox(), Outbox: l.Outbox(),
		Followers: l.Followers(), Following: l.Following(), Featured: l.Featured(),
		KeyID: public.ID, KeyPEM: public.PEM,
		Published: now, Updated: now,
		Coop: &Coop{Kind: KindCooperative},
	}
	l.nameLists(a.Coop)
	if a.Name == "" {
		a.Name = setup.Handle
	}
	if err := a.Validate(); err != nil {
		return err
	}
	if a.Raw, err = encoder(l).EncodeActor(a); err != nil {
		return err
	}
	return s.Tx(ctx, func(tx Tx) error {
		if base, err := tx.Setting(ctx, settingBase); err == nil {
			return &Error{Op: op, Kind: Exists, Subject: base, Text: "There is a node already: " + base + ". Its address cannot change."}
		} else if !IsNotFound(err) {
			return err
		}
		dev := ""
		if setup.Dev {
			dev = "yes"
		}
		for _, kv := range [][2]string{{settingBase, setup.Base}, {settingDev, dev}} {
			if err := tx.SetSetting(ctx, kv[0], kv[1]); err != nil {
				return err
			}
		}
		if err := tx.SaveOwnKey(ctx, key); err != nil {
			return err
		}
		return tx.SaveActor(ctx, a)
	})
}

// isBase says whether s can be a base address: a scheme and a host in lower case with its port, no more.
func isBase(s string, dev bool) bool {
	u, err := url.Parse(s)
	if err != nil || u.Hostname() == "" || u.Scheme != "https" && !(dev && u.Scheme == "http") {
		return false
	}
	return s == u.Scheme+"://"+strings.ToLower(u.Host)
}

// Whereabouts tells of a node that is not open yet where it is, from its settings: its base address, "" if there is none, and
// whether it is for trying things out.
func Whereabouts(setting func(key string) string) (base string, dev bool) {
	return setting(settingBase), setting(settingDev) != ""
}

// New opens the node that s holds. NotFound if it holds none yet.
func New(ctx context.Context, s Store, encoder func(Links) Encoder, opt Options) (*Node, error) {
	base, err := s.Setting(ctx, settingBase)
	if IsNotFound(err) {
		return nil, &Error{Op: "open node", Kind: NotFound, Text: "There is no node here yet. Make one with: coopnode init HOST"}
	} else if err != nil {
		return nil, err
	}
	dev, err := s.Setting(ctx, settingDev)
	if err != nil && !IsNotFound(err) {
		return nil, err
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	if opt.PictureStore == 0 {
		opt.PictureStore = maxPictureStore
	}
	n := &Node{Links: Links{Base: base}, Dev: dev != "", Bell: make(chan struct{}, 1), store: s, opt: opt}
	n.pictures.drawing = make(chan struct{}, 1)
	n.enc = encoder(n.Links)
	return n, nil
}

// Store gives the memory, for the loops of package activitypub that carry and open letters.
func (n *Node) Store() Store { return n.store }

// Log is where the node's loops write.
func (n *Node) Log() *slog.Logger { return n.opt.Log }

// Now is the time as the node sees it, in UTC.
func (n *Node) Now() time.Time { return n.opt.Now().UTC() }

// Generation changes whenever something that others can read may have changed: what is made from
// the data may be kept as long as it stays the same.
func (n *Node) Generation() int64 { return n.changes.Load() + n.store.Generation()<<32 }

// Revision changes whenever anything in the data has changed, be it for readers or not.
func (n *Node) Revision() int64 { return n.store.Revision() }

// Ring wakes the loops.
func (n *Node) Ring() {
	select {
	case n.Bell <- struct{}{}:
	default:
	}
}

// changed is called after each transaction that may have changed what others can read, with its error.
func (n *Node) changed(err error) {
	if err == nil {
		n.changes.Add(1)
		n.Ring()
	}
}

// act begins an act of ours. Its time is in whole seconds, as it travels.
func (n *Node) act(by string, v Verb) *Act { return n.actAt(by, v, n.Now()) }

// actAt is act for a transaction, which knows what time it is (decisions 7).
func (n *Node) actAt(by string, v Verb, now time.Time) *Act {
	return &Act{IRI: n.Links.Activity(NewID()), Verb: v, Actor: n.Links.Actor(), Published: now.Truncate(time.Second), By: by}
}

// say keeps an act of ours, notes who did it and makes its deliveries, in the caller's transaction.
func (n *Node) say(ctx context.Context, tx Tx, a *Act, r Recipients) error {
	raw, err := n.enc.EncodeAct(a)
	if err != nil {
		return err
	}
	listed := (a.Verb == Create || a.Verb == Announce) && contains(a.To, a.Cc, PublicIRI)
	rec := &ActRecord{
		IRI: a.IRI, Verb: a.Verb, Object: a.ObjectIRI, Raw: raw, At: a.Published, By: a.By, Listed: listed,
		Served: contains(a.To, a.Cc, PublicIRI) || a.Object == nil && a.Subject == nil && a.Verb != Flag,
	}
	if err := tx.SaveAct(ctx, rec); err != nil {
		return err
	}
	if err := n.noteAct(ctx, tx, a); err != nil {
		return err
	}
	_, err = tx.Enqueue(ctx, rec, r)
	return err
}

// later is the time of a change made now to something that changed last at prev, both in whole
// seconds: other servers ignore an edit whose "updated" did not grow (interop.md 3.3).
func later(now, prev time.Time) time.Time {
	if now.After(prev) {
		return now
	}
	return prev.Add(time.Second)
}

// render makes the HTML of texts that our people wrote. One without a source keeps what it has.
func (n *Node) render(texts []Text) {
	for i, t := range texts {
		switch {
		case t.Source == "":
		case n.opt.Markdown == nil:
			texts[i].HTML = html.EscapeString(t.Source)
		default:
			texts[i].HTML = n.opt.Markdown(t.Source)
		}
	}
}

// ref turns the address of a page of this node into the id of its object, which may be another
// coop's; ids and other addresses stay.
func (n *Node) ref(s string) string {
	if rest, ok := strings.CutPrefix(s, n.Links.Base+"/"); ok && !strings.HasPrefix(rest, "ap/") {
		if _, id, ok := strings.Cut(rest, "/"); ok && IsID(id) {
			return id
		}
	}
	return s
}

func contains(to, cc []string, iri string) bool {
	return slices.Contains(to, iri) || slices.Contains(cc, iri)
}
