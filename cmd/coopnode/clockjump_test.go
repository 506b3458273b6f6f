package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coopnode/coopnode/node"
)

// A lazyInbox takes letters only when it is told to.
type lazyInbox struct {
	mu    sync.Mutex
	takes bool
	came  int             // requests
	taken map[string]bool // ids
}

func (l *lazyInbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var letter struct{ ID string }
	err := json.NewDecoder(r.Body).Decode(&letter)
	io.Copy(io.Discard, r.Body)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.came++
	if err != nil || !l.takes {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	l.taken[letter.ID] = true
	w.WriteHeader(http.StatusAccepted)
}

func (l *lazyInbox) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.came
}

func (l *lazyInbox) take() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.takes = true
}

// DB-7, Q-2, Q-3, SIG-6: the clock jumps an hour, a day and ten years, both ways, while the node serves and while it does not. What
// others sign then is refused where it must be, and the log says why. Nobody is asked again and again, no letter is given up, nothing
// that was there is gone, and when the clock is right again all goes on.
func TestTortureClock(t *testing.T) {
	all := os.Getenv("COOPNODE_TORTURE") != ""
	if !all {
		t.Parallel()
		t.Log("started only ten years off; after each jump with COOPNODE_TORTURE=1 (make torture)")
	}
	p := newProgramIn(t, breakable(t), t.TempDir(), "The mill")
	w := newWitness(t, p, 40)
	lazy := &lazyInbox{taken: map[string]bool{}}
	server := httptest.NewServer(lazy)
	t.Cleanup(server.Close)
	p.addFollowers(p.open(), []string{server.URL + "/inbox"})
	clock := newFaultSwitch(t, p, "COOPNODE_CLOCK")
	p.start()
	w.works("before all")
	before := w.remembered(t)
	for _, jump := range []struct {
		by      string
		refused bool // what others sign by a clock that is right
		ended   bool // who was signed in
	}{
		{"1h", false, false}, {"-1h", false, false}, {"24h", true, true}, {"-24h", true, false}, {"87600h", true, true}, {"-87600h", true, false},
	} {
		check := func(when string) {
			t.Helper()
			refusals := strings.Count(w.log.String(), `"reason":"stale"`)
			if status := w.letter(); (status == http.StatusUnauthorized) != jump.refused || !jump.refused && status != http.StatusAccepted {
				t.Errorf("%s %s: a letter is answered with %d", jump.by, when, status)
			}
			if jump.refused {
				w.until("the log says why a letter was refused", func() bool { return strings.Count(w.log.String(), `"reason":"stale"`) > refusals })
			}
			if status := w.get("/console"); (status != http.StatusOK) != jump.ended {
				t.Errorf("%s %s: the console is answered with %d", jump.by, when, status)
			}
			for _, path := range []string{"/", "/posts", "/ap/coop", "/livez"} {
				if status := w.get(path); status != http.StatusOK {
					t.Errorf("%s %s: GET %s: %d", jump.by, when, path, status)
				}
			}
			w.until("it is ready", func() bool { return w.get("/readyz") == http.StatusOK }) // what waits is due for years at first
			w.command("post", "new", "-q", "--text", "By a clock that is "+jump.by+" off, "+when)
		}
		asked := w.asked() + lazy.count()
		clock.set(jump.by)
		check("while it serves")
		clock.set("")
		w.works("after " + jump.by)
		if all || strings.HasSuffix(jump.by, "87600h") {
			w.stop()
			clock.set(jump.by)
			w.start()
			check("after a start")
			w.stop()
			clock.set("")
			w.start()
			w.works("after a start by a clock that was " + jump.by + " off")
		}
		if asked = w.asked() + lazy.count() - asked; asked > 100 {
			t.Errorf("%s: others were asked %d times", jump.by, asked)
		}
	}
	w.remembers(t, before)

	h := w.house()
	peers, err := h.db.Peers(t.Context(), 10)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range peers {
		if in := time.Until(p.Due); in > 48*time.Hour {
			t.Errorf("%s is visited in %v", p.Host, in)
		}
	}
	lazy.take()
	p.command("delivery", "retry")
	w.until("every letter has arrived", func() bool {
		q, err := h.QueueStatus(t.Context())
		return err == nil && q.Waiting == 0
	})
	list, _, err := h.Objects(t.Context(), node.ObjectQuery{Type: node.TypePost, Local: true, Limit: 200})
	if err != nil {
		t.Fatal(err)
	}
	lazy.mu.Lock()
	defer lazy.mu.Unlock()
	for _, o := range list {
		if c := o.Common(); c.IRI != w.ours && !lazy.taken[h.Links.Create(c.IRI)] {
			t.Errorf("the letter about %q has not arrived", c.Texts[0].Source)
		}
	}
	if lost, twice := w.kept(); lost > 0 || twice > 0 {
		t.Errorf("%d lost, %d twice", lost, twice)
	}
	p.stop()
}

// works takes a letter and a post, and shows the console to who was signed in before.
func (w *witness) works(when string) {
	w.Helper()
	if letter, post, page := w.letter(), w.publish(), w.get("/console"); letter != http.StatusAccepted || post != http.StatusSeeOther || page != http.StatusOK {
		w.Errorf("%s: a letter is answered with %d, a post with %d, the console with %d", when, letter, post, page)
	}
}

// asked counts how often the other servers were asked who they are.
func (w *witness) asked() int {
	w.servers.mu.Lock()
	defer w.servers.mu.Unlock()
	return w.servers.keys
}

// memory is what must not go before its time: which letters were seen, and what people did.
type memory struct {
	letters []string
	audit   []*node.AuditEntry
}

func (w *witness) remembered(t *testing.T) (m memory) {
	t.Helper()
	h := w.house()
	w.until("every letter is handled", func() bool {
		q, err := h.QueueStatus(t.Context())
		return err == nil && q.Letters == 0
	})
	for _, id := range w.answered(ackLetter) {
		m.letters = append(m.letters, id+"/create")
	}
	var err error
	if m.audit, err = h.AuditLog(t.Context(), node.AuditQuery{Limit: 200}); err != nil || len(m.audit) == 0 {
		t.Fatalf("%d entries of the audit log, %v", len(m.audit), err)
	}
	return m
}

// remembers compares it.
func (w *witness) remembers(t *testing.T, before memory) {
	t.Helper()
	h, now := w.house(), w.remembered(t)
	for _, id := range before.letters {
		if seen, _, err := h.db.Seen(t.Context(), id); err != nil || !seen {
			t.Errorf("the letter %s is not known any more (%v)", id, err)
		}
	}
	for _, e := range before.audit {
		if !slices.ContainsFunc(now.audit, func(other *node.AuditEntry) bool { return *other == *e }) {
			t.Errorf("%q is not in the audit log any more", e.Action)
		}
	}
}
