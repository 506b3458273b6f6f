package activitypub

import (
	"context"
	"crypto/hmac"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/labstack/echo/v4"
	"golang.org/x/time/rate"

	"github.com/coopnode/coopnode/node"
)

// Nodes look at each other from outside, for a node cannot see itself as others do. Who asks names itself by its signature,
// and only its own host is looked at, so nobody can be sent to a third.

// Bounds of looking.
const (
	looksPerSecond = 10.0 / 3600 // for one host, and as many at once
	looksBurst     = 10
	lookersAtOnce  = 2
	lookWithin     = 12 * time.Second
)

// A Sight is what another node saw of the asker.
type Sight struct {
	By    string           `json:"-"`     // who looked
	Ways  map[string]*Seen `json:"ways"`  // by IPv4 and by IPv6: the mirror
	Reads map[string]*Seen `json:"reads"` // webfinger, actor, page
}

// Seen is a Glance as it is told to others.
type Seen struct {
	Trouble Trouble   `json:"trouble,omitempty"`
	Status  int       `json:"status,omitempty"`
	Type    string    `json:"type,omitempty"`
	MS      int64     `json:"ms,omitempty"`
	Until   time.Time `json:"certificateUntil,omitzero"`
	Proof   string    `json:"proof,omitempty"` // what the mirror said
	Ours    bool      `json:"-"`               // filled in by who asked: the proof is the right one
}

func seenOf(g *Glance) *Seen {
	return &Seen{Trouble: g.Trouble, Status: g.Status, Type: g.Type, MS: g.Took.Milliseconds(), Until: g.Until}
}

// initLooks makes what bounds looking.
func (w *Wire) initLooks() {
	w.lookers = newHostLimits(looksPerSecond, looksBurst, maxLimitedHosts)
	w.allLookers = rate.NewLimiter(allAskersASec, allAskersBurst)
	w.looking = NewGate(lookersAtOnce)
}

// getLook handles GET of the look: it tells who asks with a signature what is seen of its host.
func (w *Wire) getLook(c echo.Context) error {
	r := c.Request()
	pass := c.QueryParam("pass")
	if pass == "" || len(pass) > 100 || url.PathEscape(pass) != pass {
		return &statusError{http.StatusBadRequest, "Name the pass of your mirror: ?pass=…"}
	}
	host, err := w.whoLooks(r)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(r.Context(), lookWithin)
	defer cancel()
	if err := w.looking.Enter(ctx); err != nil {
		return &tooMany{time.Minute}
	}
	defer w.looking.Leave()
	c.Response().Header().Set("Cache-Control", "no-store")
	return c.JSON(http.StatusOK, w.look(ctx, host, pass))
}

// whoLooks proves who asks for a look, and that it does not ask too often.
func (w *Wire) whoLooks(r *http.Request) (host string, err error) {
	sig, err := ParseSignature(r)
	if err != nil {
		return "", w.unsigned("", err)
	}
	signed := HostOf(sig.KeyID)
	if err := sig.Check(r, nil, w.base, w.node.Now()); err != nil {
		return "", w.unsigned(signed, err)
	}
	if err := w.admit(r.Context(), sig.KeyID); err != nil {
		return "", err
	}
	key := w.keys.held(r.Context(), sig.KeyID)
	if key == nil {
		if !w.mayAsk(sig.KeyID) {
			return "", &tooMany{10 * time.Minute}
		}
		if key, err = w.keys.find(context.WithValue(r.Context(), proving{}, true), sig.KeyID); err != nil {
			return "", w.unsigned(signed, err)
		}
	}
	if err := sig.VerifiedBy(key.public); err != nil {
		return "", w.unsigned(signed, err)
	}
	host = HostOf(key.owner)
	now := w.node.Now()
	if wait := w.lookers.take(host, now); wait > 0 {
		return "", &tooMany{wait}
	}
	if !w.allLookers.AllowN(now, 1) {
		return "", &tooMany{time.Minute}
	}
	return host, nil
}

// look goes to a host as strangers do, side by side.
func (w *Wire) look(ctx context.Context, host, pass string) *Sight {
	base := w.base.Scheme + "://" + host
	theirs := node.Links{Base: base}
	mirror := theirs.Mirror(pass) + "/look"
	type glanced struct {
		name  string
		of    map[string]*Seen
		glass *Glance
	}
	s := &Sight{Ways: map[string]*Seen{}, Reads: map[string]*Seen{}}
	jobs := []struct {
		name, address, accept, network string
		of                             map[string]*Seen
	}{
		{"IPv4", mirror, "application/json", "tcp4", s.Ways},
		{"IPv6", mirror, "application/json", "tcp6", s.Ways},
		{"webfinger", base + "/.well-known/webfinger?resource=" + url.QueryEscape(theirs.Actor()), acceptJRD, "tcp", s.Reads},
		{"actor", theirs.Actor(), acceptActivity, "tcp", s.Reads},
		{"page", base + "/", "text/html", "tcp", s.Reads},
	}
	results := make(chan glanced, len(jobs))
	for _, j := range jobs {
		go func() { results <- glanced{j.name, j.of, w.client.glance(ctx, j.address, j.accept, j.network)} }()
	}
	for range jobs {
		r := <-results
		seen := seenOf(r.glass)
		if doc, err := ReadJSON(r.glass.body); err == nil && r.glass.Status == http.StatusOK {
			seen.Proof = cut(Str(doc, "proof"), 64)
		}
		r.of[r.name] = seen
	}
	return s
}

// AskToLook has another coopnode look at this one. Errors: NotFound where it is none, or an older one; else those of a fetch.
func (w *Wire) AskToLook(ctx context.Context, host string) (*Sight, error) {
	pass, proof, err := w.mirrorPass()
	if err != nil {
		return nil, err
	}
	at := node.Links{Base: w.base.Scheme + "://" + host}.Look() + "?pass=" + url.QueryEscape(pass)
	doc, err := w.client.get(ctx, at, fetchKind{accept: "application/json", signed: true, sameOrigin: true, types: jsonType})
	if err != nil {
		return nil, asked("look", host, err)
	}
	s := &Sight{By: host, Ways: readSeen(doc.Object["ways"]), Reads: readSeen(doc.Object["reads"])}
	for _, way := range s.Ways {
		way.Ours = hmac.Equal([]byte(way.Proof), []byte(proof))
	}
	return s, nil
}

// readSeen reads what another node says that it saw.
func readSeen(v any) map[string]*Seen {
	all := map[string]*Seen{}
	for name, v := range Obj(v) {
		m := Obj(v)
		s := &Seen{Trouble: Trouble(cut(Str(m, "trouble"), 32)), Type: cut(Str(m, "type"), 128), Proof: Str(m, "proof")}
		if n, ok := Num(m["status"]); ok {
			s.Status = int(n)
		}
		s.Until, _ = time.Parse(time.RFC3339, Str(m, "certificateUntil"))
		if slices.Contains([]string{"IPv4", "IPv6", "webfinger", "actor", "page"}, name) {
			all[name] = s
		}
	}
	return all
}
