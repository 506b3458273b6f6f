package store_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"fmt"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/coopnode/coopnode/node"
	"github.com/coopnode/coopnode/store"
	"github.com/coopnode/coopnode/store/storetest"
)

// cpu is the processor time that this process has used.
func cpu() time.Duration {
	var r syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &r)
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// signature is the processor time of one RSA-2048 signature, the unit in which the queue is measured.
func signature(b *testing.B) time.Duration {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		b.Fatal(err)
	}
	sum := sha256.Sum256([]byte("a letter"))
	const n = 200
	before := cpu()
	for range n {
		if _, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, sum[:]); err != nil {
			b.Fatal(err)
		}
	}
	return (cpu() - before) / n
}

// BenchmarkQueue is the cost of the queue without sending: one act to 10,000 inboxes on 1,000 hosts,
// claimed, read and settled as the outgoing loop does it.
func BenchmarkQueue(b *testing.B) {
	for _, hosts := range []int{1000, 2000, 10_000} {
		b.Run(fmt.Sprintf("%d-per-host", 10_000/hosts), func(b *testing.B) { benchmarkQueue(b, hosts) })
	}
}

func benchmarkQueue(b *testing.B, hosts int) {
	const inboxes = 10_000
	ctx := b.Context()
	s := storetest.Open(b)
	now := time.Now()
	must(b, s.Tx(ctx, func(tx node.Tx) error {
		for i := range inboxes {
			host := fmt.Sprintf("h%d.example", i%hosts)
			a := &node.Actor{IRI: fmt.Sprintf("https://%s/users/%d", host, i), Handle: fmt.Sprint("u", i), Host: host,
				Inbox: fmt.Sprintf("https://%s/users/%d/inbox", host, i)}
			if err := tx.SaveActor(ctx, a); err != nil {
				return err
			}
			if err := tx.SaveFollower(ctx, &node.Following{Actor: a.IRI, State: node.Accepted, Since: now}); err != nil {
				return err
			}
		}
		return nil
	}))
	sign := signature(b)
	b.ResetTimer()
	var enqueue, all time.Duration
	for i := range b.N {
		before := cpu()
		must(b, s.Tx(ctx, func(tx node.Tx) error {
			a := &node.ActRecord{IRI: fmt.Sprint("https://us.example/ap/activities/", i), Verb: node.Update,
				Object: "https://us.example/ap/posts/1", Raw: []byte("{}"), At: now}
			if err := tx.SaveAct(ctx, a); err != nil {
				return err
			}
			n, err := tx.Enqueue(ctx, a, node.Recipients{Followers: true, ReadersOf: a.Object})
			if n != inboxes {
				b.Errorf("%d deliveries, want %d", n, inboxes)
			}
			return err
		}))
		enqueue += cpu() - before
		if sent := drain(b, s, now); sent != inboxes {
			b.Fatalf("%d sent, want %d", sent, inboxes)
		}
		all += cpu() - before
	}
	deliveries := float64(b.N * inboxes)
	b.ReportMetric(float64(enqueue.Nanoseconds())/1000/deliveries, "enqueue-cpu-µs/delivery")
	b.ReportMetric(float64(all.Nanoseconds())/1000/deliveries, "cpu-µs/delivery")
	b.ReportMetric(float64(all)/float64(sign)/deliveries, "signatures/delivery")
}

// drain carries everything that is due, 64 peers at a time, and settles each 20 peers.
func drain(b *testing.B, s node.Store, now time.Time) (sent int) {
	ctx := b.Context()
	const workers = 64
	for {
		var peers []*node.Peer
		must(b, s.Tx(ctx, func(tx node.Tx) (err error) {
			peers, err = tx.ClaimPeers(ctx, "bench", now, now.Add(time.Minute), workers)
			return err
		}))
		if len(peers) == 0 {
			return sent
		}
		var outcomes []node.Outcome
		var visits []node.Visit
		for i, p := range peers {
			list, err := s.DueDeliveries(ctx, p.Host, now, 20)
			must(b, err)
			for _, d := range list {
				outcomes = append(outcomes, node.Outcome{Act: d.Act, Inbox: d.Inbox, Result: node.Arrived})
			}
			sent += len(list)
			visits = append(visits, node.Visit{Host: p.Host, OK: true})
			if len(visits) == 20 || i == len(peers)-1 {
				must(b, s.Tx(ctx, func(tx node.Tx) error { return tx.Settle(ctx, outcomes, visits, now) }))
				outcomes, visits = nil, nil
			}
		}
	}
}

// BenchmarkKeepLetter is the cost of storing a letter before its sender is answered, 64 senders at once.
func BenchmarkKeepLetter(b *testing.B) {
	s := storetest.Open(b)
	ctx := b.Context()
	raw := make([]byte, 1500)
	var n atomic.Int64
	b.SetParallelism(32)
	b.ResetTimer()
	before := cpu()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			i := n.Add(1)
			l := &node.Letter{IRI: fmt.Sprint("https://a.example/activities/", i), Actor: "https://a.example/users/a",
				Host: "a.example", Object: fmt.Sprint("https://a.example/notes/", i), Verb: "Create", Raw: raw, Received: time.Now()}
			err := s.Tx(ctx, func(tx node.Tx) error {
				_, err := tx.KeepLetter(ctx, l)
				return err
			})
			if err != nil {
				b.Error(err)
			}
		}
	})
	b.ReportMetric(float64((cpu()-before).Microseconds())/float64(b.N), "cpu-µs/letter")
}

// BenchmarkActor is the read that each arriving letter needs: whose key is it?
func BenchmarkActor(b *testing.B) {
	s := storetest.Open(b)
	ctx := b.Context()
	a := &node.Actor{IRI: "https://a.example/users/a", Type: "Person", Handle: "a", Host: "a.example", Name: "A", Raw: make([]byte, 2000),
		Inbox: "https://a.example/users/a/inbox", SharedInbox: "https://a.example/inbox", KeyID: "https://a.example/users/a#main-key"}
	must(b, s.Tx(ctx, func(tx node.Tx) error { return tx.SaveActor(ctx, a) }))
	b.ResetTimer()
	for range b.N {
		_, err := s.Actor(ctx, a.IRI)
		must(b, err)
	}
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// BenchmarkOpen is the start of a serving node that holds 10,000 openings, its database checked (DB-3),
// and BenchmarkOpen/board the first page of the board.
func BenchmarkOpen(b *testing.B) {
	dir := b.TempDir()
	ctx := b.Context()
	s, err := store.Open(ctx, store.Options{Dir: dir, Create: true})
	must(b, err)
	now := time.Now()
	html := strings.Repeat("<p>We look for a cooperative that knows web engines.</p>", 20)
	for i := range 100 {
		must(b, s.Tx(ctx, func(tx node.Tx) error {
			for j := range 100 {
				id := fmt.Sprintf("opening%c%c%c", 'a'+i/10, 'a'+i%10, 'a'+j/10) + fmt.Sprint(2+j%6) + string(rune('a'+j%10))
				o := &node.Opening{Base: node.Base{ID: id, IRI: "https://us.example/ap/openings/" + id, Type: node.TypeOpening, Local: true,
					Actor: "https://us.example/ap/coop", Audience: node.Public, URL: "https://us.example/openings/" + id, Published: now.Add(time.Duration(i*100+j) * time.Second),
					Updated: now, Texts: []node.Text{{Lang: "en", Title: "Web engines", HTML: html}}, Raw: []byte(html + html)},
					Kind: node.Subcontract, Status: node.Open, Skills: []node.Skill{{Key: "web"}}}
				if err := tx.SaveObject(ctx, o); err != nil {
					return err
				}
			}
			return nil
		}))
	}
	must(b, s.Close())
	b.Run("serve", func(b *testing.B) {
		for range b.N {
			s, err := store.Open(ctx, store.Options{Dir: dir, Serve: true})
			must(b, err)
			must(b, s.Close())
		}
	})
	b.Run("command", func(b *testing.B) {
		for range b.N {
			s, err := store.Open(ctx, store.Options{Dir: dir})
			must(b, err)
			must(b, s.Close())
		}
	})
	b.Run("board", func(b *testing.B) {
		s, err := store.Open(ctx, store.Options{Dir: dir})
		must(b, err)
		defer s.Close()
		for range b.N {
			list, _, err := s.Objects(ctx, node.ObjectQuery{OpenAt: now, Listed: true})
			must(b, err)
			if len(list) != 40 {
				b.Fatalf("%d openings, want 40", len(list))
			}
		}
	})
}
