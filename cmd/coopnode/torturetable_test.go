package main

import (
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/coopnode/coopnode/node"
	"github.com/coopnode/coopnode/store"
)

// A toll is one line of the table: what was acknowledged while something was killed again and again, and what became of it.
type toll struct {
	name                               string
	kills, acknowledged, lost, doubled int
	mayDouble                          bool // letters may arrive twice, their effects may not
}

// printTolls prints the tolls, and fails the test for what is lost, and for what is there twice and may not be.
func printTolls(t *testing.T, tolls []toll) {
	t.Helper()
	t.Logf("%-10s %6s %13s %6s %11s", "", "kills", "acknowledged", "lost", "duplicated")
	for _, l := range tolls {
		t.Logf("%-10s %6d %13d %6d %11d", l.name, l.kills, l.acknowledged, l.lost, l.doubled)
		if l.lost > 0 || l.doubled > 0 && !l.mayDouble {
			t.Errorf("%s: %d lost, %d twice", l.name, l.lost, l.doubled)
		}
		if l.acknowledged == 0 || l.kills == 0 {
			t.Errorf("%s: nothing was acknowledged, or nothing killed, so nothing was shown", l.name)
		}
	}
}

// T-5, DB-1, DB-2, Q-1 to: the program is killed again and again while people publish, letters go out to followers and
// come in, and Follows are accepted; then while it makes a backup of all that, and while it puts one back. Everything that
// was acknowledged is there, every letter arrives, and what came in had its effect once. The line of an update is
// TestTortureKilledUpdate's in package store.
func TestTortureTable(t *testing.T) {
	kills, commands, inboxes := 3, 2, 40
	if os.Getenv("COOPNODE_TORTURE") != "" {
		kills, commands, inboxes = 100, 20, 400
	} else {
		t.Parallel()
		t.Logf("%d kills; 100, and 100,000 letters, with COOPNODE_TORTURE=1 (make torture)", kills)
	}
	sink, addresses := serveArrivals(t, 20)
	sink.begin(0)
	p := newProgram(t, "coopnode", "The mill")
	w := newWitness(t, p, 60)
	p.addFollowers(p.open(), inboxesOn(addresses, inboxes))
	for n := range kills {
		w.load((n + 1) * 100_000 / inboxes / kills)
	}
	p.start()
	tolls := w.tolls(sink, kills, inboxes)
	backup := w.killedBackups(t, commands)
	p.stop()
	printTolls(t, append(tolls, backup, w.killedRestores(t, commands)))
}

// load lets everybody work for a while and kills the server. At most so many posts are there then: what they send has to be
// sent by somebody.
func (w *witness) load(posts int) {
	w.Helper()
	w.start()
	stop := make(chan struct{})
	var work sync.WaitGroup
	keep := func(do func() int, pause time.Duration) {
		work.Go(func() {
			for do() != 0 {
				select {
				case <-stop:
					return
				case <-time.After(pause):
				}
			}
		})
	}
	for range 3 {
		keep(w.letter, 5*time.Millisecond)
	}
	keep(w.follow, 20*time.Millisecond)
	keep(func() int {
		if len(w.answered(ackPost)) >= posts {
			time.Sleep(time.Millisecond)
			return 1
		}
		return w.publish()
	}, 20*time.Millisecond)
	time.Sleep(100*time.Millisecond + rand.N(time.Second)) // any moment
	w.kill()
	close(stop)
	work.Wait()
}

// tolls waits until nothing is left to do and counts.
func (w *witness) tolls(sink *arrivals, kills, inboxes int) []toll {
	w.Helper()
	ctx, h := context.Background(), w.house()
	last := time.Now()
	before := -1
	for { // as long as letters arrive
		q, err := h.QueueStatus(ctx)
		if err != nil {
			w.Fatal(err)
		}
		if q.Waiting == 0 && q.Letters == 0 {
			break
		}
		if total, _, _ := sink.count(); total != before {
			before, last = total, time.Now()
		}
		if time.Since(last) > time.Minute {
			w.Fatalf("%d letters do not go out, %d are not opened\n%.5000s", q.Waiting, q.Letters, w.log)
		}
		time.Sleep(50 * time.Millisecond)
	}
	published, creates := w.published(h)
	letters, accepts := toll{name: ackLetter, kills: kills}, toll{name: ackFollow, kills: kills}
	for _, id := range w.answered(ackLetter) {
		letters.acknowledged++
		if _, err := h.db.Object(ctx, id); node.IsNotFound(err) {
			letters.lost++
		} else if err != nil {
			w.Fatal(err)
		}
	}
	for _, id := range w.answered(ackFollow) {
		accepts.acknowledged++
		list, err := h.db.Acts(ctx, node.ActQuery{Object: id})
		if err != nil {
			w.Fatal(err)
		}
		switch n := len(slices.DeleteFunc(list, func(a *node.ActRecord) bool { return a.Verb != node.Accept })); {
		case n == 0:
			accepts.lost++
		default:
			accepts.doubled += max(0, n-w.sent[id])
		}
	}
	fanOut := toll{name: "fan-out", kills: kills, mayDouble: true, acknowledged: len(creates) * inboxes}
	sink.mu.Lock()
	defer sink.mu.Unlock()
	for letter, times := range sink.times {
		for _, c := range creates {
			if len(letter) > len(c) && letter[:len(c)] == c {
				fanOut.lost--
				fanOut.doubled += times - 1
				break
			}
		}
	}
	fanOut.lost += fanOut.acknowledged
	published.kills = kills
	return []toll{published, fanOut, letters, accepts}
}

// published counts the posts that were acknowledged, and gives the addresses of what announces them, ended by a space.
func (w *witness) published(h *house) (l toll, creates []string) {
	w.Helper()
	l.name = ackPost
	by := map[string][]string{}
	q := node.ObjectQuery{Type: node.TypePost, Local: true, Limit: 200}
	for more := true; more; more = q.Before != "" {
		list, next, err := h.Objects(context.Background(), q)
		if err != nil {
			w.Fatal(err)
		}
		for _, o := range list {
			text := o.Common().Texts[0].Source
			by[text] = append(by[text], h.Links.Create(o.Common().IRI)+" ")
		}
		q.Before = next
	}
	for _, text := range w.answered(ackPost) {
		l.acknowledged++
		creates = append(creates, by[text]...)
		switch n := len(by[text]); {
		case n == 0:
			l.lost++
		case n > 1:
			l.doubled++
		}
	}
	return l, creates
}

// killedBackups kills the command that makes a backup. A file that is there is whole and holds everything, and the next try
// under the same name is hindered by nothing.
func (w *witness) killedBackups(t *testing.T, kills int) toll {
	t.Helper()
	l := toll{name: "backup", kills: kills}
	path := filepath.Join(t.TempDir(), "mill.backup")
	for range kills {
		os.Remove(path)
		w.killed(t, rand.N(400*time.Millisecond), "backup", path)
		if _, err := os.Stat(path); err == nil {
			w.command("verify", path)
		}
	}
	os.Remove(path)
	w.command("backup", path)
	w.backup = path
	l.acknowledged, l.lost = w.missing(t, w.restoredIn(t, path))
	return l
}

// killedRestores kills the command that puts a backup back. There is a whole node or none, and the next try makes one.
func (w *witness) killedRestores(t *testing.T, kills int) toll {
	t.Helper()
	l := toll{name: "restore", kills: kills}
	dir := filepath.Join(t.TempDir(), "back")
	restore := []string{"restore", w.backup, "--data", dir, "--key", filepath.Join(w.dir, "master.key")}
	for range kills {
		w.killed(t, rand.N(400*time.Millisecond), restore...)
		if _, err := os.Stat(filepath.Join(dir, "coopnode.db")); err == nil {
			if _, lost := w.missing(t, dir); lost > 0 {
				t.Errorf("%d are missing in a node that was put back", lost)
			}
			if err := os.RemoveAll(dir); err != nil {
				t.Fatal(err)
			}
		}
	}
	cmd := w.run(restore...)
	cmd.Args = append([]string{cmd.Args[0]}, restore...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("the restore that is not killed: %v\n%s", err, out)
	}
	l.acknowledged, l.lost = w.missing(t, dir)
	return l
}

// killed runs a command and kills it after a while, unless it was quicker.
func (w *witness) killed(t *testing.T, after time.Duration, args ...string) {
	t.Helper()
	cmd := w.run(args...)
	if slices.Contains(args, "--data") {
		cmd.Args = append([]string{cmd.Args[0]}, args...)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(after, func() { cmd.Process.Kill() })
	defer timer.Stop()
	cmd.Wait()
}

// restoredIn puts a backup back and gives its folder.
func (w *witness) restoredIn(t *testing.T, path string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if _, err := store.Restore(t.Context(), path, store.RestoreOptions{Dir: dir, KeyFile: filepath.Join(w.dir, "master.key")}); err != nil {
		t.Fatal(err)
	}
	return dir
}

// missing counts what was acknowledged and what of that is not in a data folder.
func (w *witness) missing(t *testing.T, dir string) (acknowledged, lost int) {
	t.Helper()
	h, err := (&app{env: noSettings, dataDir: dir}).openHouse(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer h.db.Close()
	posts, _ := w.published(h)
	acknowledged, lost = posts.acknowledged, posts.lost
	for _, id := range w.answered(ackLetter) {
		acknowledged++
		if _, err := h.db.Object(t.Context(), id); err != nil {
			lost++
		}
	}
	return acknowledged, lost
}
