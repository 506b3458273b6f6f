package aptest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/coopnode/coopnode/activitypub"
	"github.com/coopnode/coopnode/node"
)

// A Village is many nodes that reach each other over connections in memory, for a synctest bubble: everything of
// them is real but the wire and the clock (decisions 37).
type Village struct {
	Nodes []*Node

	t     testing.TB
	seams Seams
	net   *network

	mu     sync.Mutex
	lost   float64
	counts Traffic
	heard  map[Heard]int
}

// Seams are where a village takes hold of a node. A release build has none; the tests of package activitypub do.
type Seams struct {
	OverMemory func(w *activitypub.Wire, connect func(context.Context, netip.AddrPort) (net.Conn, error))
	Patient    func(loops []activitypub.Loop, poll time.Duration)
}

// How often a loop of a village looks for itself, and Quiet at all nodes. Each look costs real time.
const (
	villagePoll = 10 * time.Minute
	quietPoll   = 30 * time.Second
)

// Traffic is how many requests were answered.
type Traffic struct{ Letters, Gets int }

// All of them.
func (t Traffic) All() int { return t.Letters + t.Gets }

// Heard is an Announce that was taken in at a door.
type Heard struct{ At, ID, By, Object string }

// NewVillage is a village without nodes.
func NewVillage(t testing.TB, seams Seams) *Village {
	return &Village{t: t, seams: seams, net: newNetwork(), heard: map[Heard]int{}}
}

// Node starts a node with an address of its own in 127.0.0.0/8. It ends with the test.
func (v *Village) Node(name string) *Node {
	v.t.Helper()
	i := len(v.Nodes) + 1
	n := &Node{t: v.t, dir: v.t.TempDir(), village: v}
	n.listen = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 70, byte(i >> 8), byte(i)}), 8080)
	v.Nodes = append(v.Nodes, n)
	n.start(node.Setup{Base: "http://" + n.listen.String(), Dev: true, Handle: name, Name: "The " + name}, v.net.listen(n.listen), v.watch(n))
	return n
}

// watch counts what others ask of a node, and what it takes in.
func (v *Village) watch(n *Node) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var letter struct{ ID, Type, Actor, Object any }
		if r.Method == http.MethodPost {
			body, _ := io.ReadAll(r.Body)
			r.Body = io.NopCloser(bytes.NewReader(body))
			_ = json.Unmarshal(body, &letter) // what is none the node will say
		}
		a := &statusWriter{w, http.StatusOK}
		n.ServeHTTP(a, r)
		taken := r.Method == http.MethodPost && a.status == http.StatusAccepted
		v.mu.Lock()
		defer v.mu.Unlock()
		if taken && rand.Float64() < v.lost {
			defer panic(http.ErrAbortHandler)
		}
		if r.Method == http.MethodGet {
			v.counts.Gets++
			return
		}
		v.counts.Letters++
		if taken && letter.Type == "Announce" {
			v.heard[Heard{n.Links.Base, ID(letter.ID), ID(letter.Actor), ID(letter.Object)}]++
		}
	}
}

type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// LoseAnswers makes the answers to letters that were taken in get lost on their way from now on, for a share of
// letters from 0 to 1: they come again.
func (v *Village) LoseAnswers(share float64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.lost = share
}

// Traffic is how much was said and asked since the last time.
func (v *Village) Traffic() Traffic {
	v.mu.Lock()
	defer v.mu.Unlock()
	counts := v.counts
	v.counts = Traffic{}
	return counts
}

// Heard are the Announces that were taken in, with how often each was.
func (v *Village) Heard() map[Heard]int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return maps.Clone(v.heard)
}

// Quiet lets time pass until no node has a letter to open or to carry, or a task that is due. It fails the test where
// that takes longer than most.
func (v *Village) Quiet(most time.Duration) {
	v.t.Helper()
	for begun := time.Now(); ; {
		time.Sleep(quietPoll)
		what := v.busy()
		if what == "" {
			return
		}
		if time.Since(begun) > most {
			v.t.Fatalf("after %v there is still something to do: %s", most, what)
		}
	}
}

// busy names a node that has something to do.
func (v *Village) busy() string {
	v.t.Helper()
	for _, n := range v.Nodes {
		s := n.queue()
		due, err := n.DB.DueTasks(v.t.Context(), n.Now(), 1)
		n.must(err)
		if s.Letters > 0 || s.Waiting > 0 || len(due) > 0 {
			return fmt.Sprintf("%s has %d letters to open, %d to carry, tasks %v", n.Links.Base, s.Letters, s.Waiting, due)
		}
	}
	return ""
}
