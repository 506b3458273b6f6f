package activitypub_test

import (
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/coopnode/coopnode/activitypub/aptest"
	"github.com/coopnode/coopnode/node"
)

// A lie is a letter that must not be believed. To add one, add a line to the list of its kind: the files lies_*_test.go.
type lie struct {
	name   string
	status int // of the answer
	by     *aptest.Person
	letter any
	edit   func(*aptest.Letter)
	asks   int    // requests that it may cause, at most
	putOff bool   // its proof does not answer, so the letter waits at the desk
	keeps  bool   // a part of it is true and is kept: only status and requests are looked at
	closes bool   // it is not even HTTP, so the connection may be closed over it
	after  func() // looks at what else must not be
}

// A scene is a node with a history, which lies could spoil, and those who try.
type scene struct {
	*desk
	evil, third *aptest.Stranger // of the liars, and of somebody who has nothing to do with it
	ana, ben    *aptest.Person   // on one server: a follower who has answered, liked and shared; a neighbour whom we know
	fay, gus    *aptest.Person   // on that server too: followed by us; asked by us and silent
	eve         *aptest.Person   // known, on another server
	zoe         *aptest.Person   // known, on a third
	opening     *node.Opening
	post        *node.Post
	said, note  m      // ana's answer to the opening; a note of fay's, whom we follow
	follow      m      // ana's Follow
	like, share m      // what ana did with the opening
	asked       string // id of our Follow of gus
	decoy       *decoy
	servers     []*aptest.Stranger // whose requests are counted
	now         []string           // what the node remembers
}

// stranger is one more server of the liars: an own one for each keeps the limit of requests per host out of the way (OUT-3).
func (s *scene) stranger() *aptest.Stranger {
	s.Helper()
	x := aptest.NewStranger(s.TB, "x")
	s.servers = append(s.servers, x)
	return x
}

func newScene(t testing.TB) *scene {
	t.Helper()
	s := &scene{desk: newDesk(t), decoy: newDecoy(t)}
	s.evil, s.third = aptest.NewStranger(t, "evil"), aptest.NewStranger(t, "third")
	s.servers = []*aptest.Stranger{s.away, s.evil, s.third}
	s.ana, s.ben, s.fay, s.gus = s.away.Person("ana"), s.away.Person("ben"), s.away.Person("fay"), s.away.Person("gus")
	s.eve, s.zoe = s.evil.Person("eve"), s.third.Person("zoe")
	s.opening, s.post = s.Opening("A printer wanted"), s.Post("Who knows a good printer?")

	s.follow, s.like, s.share = s.ana.Do("Follow", s.Links.Actor()), s.ana.Do("Like", s.opening.IRI), s.ana.Do("Announce", s.opening.IRI)
	s.said = reply(s.ana, s.opening.IRI, "<p>We print.</p>")
	s.send(s.ana, s.follow, s.like, s.share, s.ana.Create(s.said))
	s.followed(s.fay)
	s.note = s.fay.Note("<p>Good morning.</p>", nil)
	s.send(s.fay, s.fay.Create(s.note))
	for _, p := range []*aptest.Person{s.ben, s.eve, s.zoe} {
		like := p.Do("Like", s.post.IRI)
		s.send(p, like, p.Do("Undo", like))
		p.Want(http.StatusUnauthorized, s.Links.Inbox(), like, func(l *aptest.Letter) { l.Key = s.ana.Key }) // uses up what a wrong signature may cause (SIG-8)
	}
	gus, err := s.Wire.Find(t.Context(), s.gus.ID)
	if err != nil {
		t.Fatal(err)
	}
	asked, err := s.Node.Node.Follow(t.Context(), "test", gus)
	if err != nil {
		t.Fatal(err)
	}
	s.asked = asked.FollowIRI
	s.settle()
	return s
}

// settle waits until all that letters so far have brought about is done: answers delivered, outboxes read, pictures
// fetched or not. What the node remembers then is what later letters are compared with.
func (s *scene) settle() {
	s.Helper()
	s.Delivered()
	aptest.Until(s.TB, "nothing is left to do", func() bool {
		due, err := s.DB.DueTasks(s.Context(), s.Now(), 1)
		s.now = s.Dump()
		return err == nil && len(due) == 0 && !slices.ContainsFunc(s.now, func(line string) bool {
			return strings.HasPrefix(line, "picture|") && strings.Contains(line, "|state=wanted|")
		})
	})
}

// requests are all that the node has made so far.
func (s *scene) requests() int {
	n := s.decoy.count()
	for _, x := range s.servers {
		n += len(x.Requests())
	}
	return n
}

// tell posts a lie and checks that it was answered as it should be, had no effect, and caused no more requests
// than it may.
func (s *scene) tell(i int, l lie) {
	s.Helper()
	inbox := []string{s.Links.Inbox(), s.Links.SharedInbox()}[i%2]
	before := s.requests()
	var edits []func(*aptest.Letter)
	if l.edit != nil {
		edits = append(edits, l.edit)
	}
	// A server may close the connection over bytes that are no request before its answer is read: status 0.
	if a := l.by.Post(inbox, l.letter, edits...); a.Status != l.status && !(a.Status == 0 && l.closes) {
		s.Errorf("answered %d, want %d\n%s\nletter: %.2000v", a.Status, l.status, a.Body, l.letter)
	}
	if l.putOff {
		s.putAway()
	}
	s.Handled()
	if l.keeps {
		s.settle()
	} else {
		s.wantSame(l)
	}
	if n := s.requests() - before; n > l.asks {
		s.Errorf("%d requests made, want at most %d", n, l.asks)
	}
	if l.after != nil {
		l.after()
	}
	for _, f := range s.Faults() {
		s.Errorf("fault: %s", f)
	}
}

// wantSame checks that the node remembers what it did before it heard a lie.
func (s *scene) wantSame(l lie) {
	s.Helper()
	after := s.Dump()
	for _, line := range differences(s.now, after, l) {
		s.Errorf("it had an effect: %s", line)
	}
	s.now = after
}

// putAway waits until the desk has tried the one letter that there is, and takes it away.
func (s *scene) putAway() {
	s.Helper()
	var l *node.Letter
	aptest.Until(s.TB, "the letter is put off", func() bool {
		list, err := s.DB.Letters(s.Context(), s.Now().AddDate(1, 0, 0), 0, nil, 10)
		if err != nil {
			s.Fatal(err)
		}
		if len(list) > 0 {
			l = list[0]
		}
		return l != nil && l.Attempts > 0
	})
	if err := s.DB.Tx(s.Context(), func(tx node.Tx) error { return tx.DropLetter(s.Context(), l.Seq) }); err != nil {
		s.Fatal(err)
	}
}

// differences are the lines that two dumps do not share, but for this: the node remembers that it has seen the letter,
// and what its actor has taken back or deleted, for that actor alone; and whoever shows that they hold an object of ours
// may hear of its changes (decisions 16).
func differences(before, after []string, l lie) []string {
	sent, _ := l.letter.(m)
	id, _ := sent["id"].(string)
	own := func(line string) bool {
		return strings.HasPrefix(line, "seen|iri="+id+"|actor="+l.by.ID+"|") || strings.HasPrefix(line, "seen|iri="+l.by.ID+" ") ||
			strings.HasPrefix(line, "reader|") && strings.Contains(line, "|actor="+l.by.ID+"|")
	}
	var out []string
	missing := func(sign string, from, in []string) {
		for _, line := range from {
			if _, found := slices.BinarySearch(in, line); !found && !own(line) {
				out = append(out, fmt.Sprintf("%s %.600s", sign, line))
			}
		}
	}
	missing("+", after, before)
	missing("-", before, after)
	return out
}

// A decoy listens where the node must not go, and counts who comes.
type decoy struct {
	addresses []string // http://HOST:PORT
	came      atomic.Int64
}

// newDecoy listens on the addresses of this machine outside 127.0.0.0/8, which a node made with --dev must leave alone.
func newDecoy(t testing.TB) *decoy {
	t.Helper()
	d := &decoy{}
	hosts := []string{"::1"}
	interfaces, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range interfaces {
		if ip, ok := a.(*net.IPNet); ok && !ip.IP.IsLoopback() && ip.IP.To4() != nil {
			hosts = append(hosts, ip.IP.String())
		}
	}
	for _, h := range hosts {
		l, err := net.Listen("tcp", net.JoinHostPort(h, "0"))
		if err != nil {
			t.Logf("no decoy at %s: %v", h, err)
			continue
		}
		t.Cleanup(func() { l.Close() })
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				d.came.Add(1)
				c.Close()
			}
		}()
		d.addresses = append(d.addresses, "http://"+l.Addr().String())
	}
	return d
}

func (d *decoy) count() int { return int(d.came.Load()) }

// The stranger lies, in every way of security.md 2 to 5 and interop.md, and is not believed: each lie gets its
// status, never 500, has no effect on anything that the node remembers, and makes it ask for no more than it may.
func TestStrangerLies(t *testing.T) {
	s := newScene(t)
	count := 0
	for _, kind := range []struct {
		name string
		lies []lie
	}{
		{"signature", s.signatureLies()},
		{"message signature", s.messageSignatureLies()},
		{"digest", s.digestLies()},
		{"key id", s.keyIDLies()},
		{"key", s.keyLies()},
		{"origin", s.originLies()},
		{"owner", s.ownerLies()},
		{"answer", s.answerLies()},
		{"id", s.idLies()},
		{"JSON", s.jsonLies()},
		{"limit", s.limitLies()},
		{"request", s.requestLies()},
		{"document", s.documentLies()},
		{"redirect", s.redirectLies()},
		{"address", s.addressLies()},
	} {
		t.Run(kind.name, func(t *testing.T) {
			for i, l := range kind.lies {
				count++
				t.Run(l.name, func(t *testing.T) {
					outer := s.desk.TB
					s.desk.TB = t
					defer func() { s.desk.TB = outer }()
					s.tell(i, l)
				})
			}
		})
	}
	t.Logf("%d lies told", count)
	if count < 120 {
		t.Errorf("%d lies, want at least 120", count)
	}
}
