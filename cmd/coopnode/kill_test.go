package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/coopnode/coopnode/node"
	"github.com/coopnode/coopnode/store"
)

// A program is a node of its own whose commands and server are processes of the real program.
type program struct {
	testing.TB
	bin    string
	before []string // what runs it, if something does
	env    []string // more of its environment
	dir    string   // data folder
	base   string   // http://localhost:PORT

	child *exec.Cmd
	log   *quietBuffer // of the server, all starts together
}

// newProgram makes a node with init. bin is the program; the test binary is one too, as "coopnode"
// (see TestMain).
func newProgram(t testing.TB, bin, name string) *program {
	t.Helper()
	return newProgramIn(t, bin, t.TempDir(), name)
}

// newProgramIn is newProgram with a data folder of its own choice.
func newProgramIn(t testing.TB, bin, dir, name string) *program {
	t.Helper()
	p := &program{TB: t, bin: bin, dir: dir, base: "http://localhost:" + freePort(), log: &quietBuffer{}}
	p.command("init", strings.TrimPrefix(p.base, "http://"), "--dev", "--yes", "--handle", "mill", "--name", name)
	return p
}

// run makes a process that knows nothing of whoever runs the test but where programs are.
func (p *program) run(args ...string) *exec.Cmd {
	line := slices.Concat(p.before, []string{p.bin}, args, []string{"--data", p.dir})
	cmd := exec.Command(line[0], line[1:]...)
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + p.dir, "TMPDIR=" + os.TempDir()}, p.env...)
	return cmd
}

// command runs a command to its end and returns what it answers.
func (p *program) command(args ...string) string {
	p.Helper()
	cmd := p.run(args...)
	var answer, trouble bytes.Buffer
	cmd.Stdout, cmd.Stderr = &answer, &trouble
	if err := cmd.Run(); err != nil {
		p.Fatalf("coopnode %s: %v\n%s", strings.Join(args, " "), err, &trouble)
	}
	return strings.TrimSpace(answer.String())
}

// start runs serve, with more flags if there are some, and returns when it answers.
func (p *program) start(flags ...string) {
	p.Helper()
	p.child = p.run(append([]string{"serve"}, flags...)...)
	p.child.Stderr = p.log
	if err := p.child.Start(); err != nil {
		p.Fatal(err)
	}
	child := p.child
	p.Cleanup(func() { child.Process.Kill() })
	p.until("the server answers", func() bool {
		res, err := client.Get(p.base + "/readyz")
		if err == nil {
			res.Body.Close()
		}
		return err == nil && res.StatusCode == http.StatusOK
	})
}

// kill is SIGKILL; the server has no say in it.
func (p *program) kill() {
	p.child.Process.Kill()
	p.child.Wait()
}

// stop tells the server to end and waits until it has.
func (p *program) stop() {
	p.Helper()
	p.child.Process.Signal(syscall.SIGTERM)
	if err := p.child.Wait(); err != nil {
		p.Errorf("the end of serve: %v\n%s", err, p.log)
	}
	for _, bad := range []string{`"level":"ERROR"`, "panic"} {
		if strings.Contains(p.log.String(), bad) {
			p.Errorf("serve has written %s:\n%s", bad, p.log)
		}
	}
}

func (p *program) until(what string, done func() bool) {
	p.Helper()
	for limit := time.Now().Add(time.Minute); !done(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(limit) {
			p.Fatalf("waited a minute in vain until %s\n%s", what, p.log)
		}
	}
}

// open opens the data beside the server, as commands do.
func (p *program) open() *store.DB {
	p.Helper()
	db, err := store.Open(context.Background(), store.Options{Dir: p.dir})
	if err != nil {
		p.Fatal(err)
	}
	p.Cleanup(func() { db.Close() })
	return db
}

// addFollowers makes one follower for each inbox.
func (p *program) addFollowers(db *store.DB, inboxes []string) {
	p.Helper()
	ctx, now := context.Background(), time.Now()
	err := db.Tx(ctx, func(tx node.Tx) error {
		for i, inbox := range inboxes {
			a := &node.Actor{IRI: inbox + "/actor", Type: "Organization", Handle: fmt.Sprint("f", i), Host: node.HostOf(inbox), Inbox: inbox}
			if err := tx.SaveActor(ctx, a); err != nil {
				return err
			}
			f := &node.Following{Actor: a.IRI, State: node.Accepted, FollowIRI: a.IRI + "/follow", Since: now}
			if err := tx.SaveFollower(ctx, f); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		p.Fatal(err)
	}
}

// inboxesOn are n inboxes spread over hosts.
func inboxesOn(hosts []string, n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf("%s/u%d/inbox", hosts[i%len(hosts)], i)
	}
	return list
}

// arrivals counts the letters that reach many hosts, each with an address of its own in 127.0.0.0/8.
type arrivals struct {
	mu    sync.Mutex
	times map[string]int // each letter to each inbox
	total int
	first time.Time
	at    int           // so many make one stop
	stop  chan struct{} // closed then
}

// serveArrivals opens n hosts and returns their base addresses.
func serveArrivals(t testing.TB, n int) (*arrivals, []string) {
	t.Helper()
	a := &arrivals{}
	server := &http.Server{Handler: a, ErrorLog: log.New(io.Discard, "", 0)}
	t.Cleanup(func() { server.Close() })
	hosts := make([]string, n)
	for i := range hosts {
		l, err := net.Listen("tcp", fmt.Sprintf("127.61.%d.%d:0", (i+1)>>8, (i+1)&255))
		if err != nil {
			t.Fatal(err)
		}
		go server.Serve(l)
		hosts[i] = "http://" + l.Addr().String()
	}
	return a, hosts
}

// begin forgets what came so far; the letter with number at closes the channel that it returns.
func (a *arrivals) begin(at int) <-chan struct{} {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.times, a.total, a.at, a.stop = map[string]int{}, 0, at, make(chan struct{})
	return a.stop
}

// ServeHTTP takes letters.
func (a *arrivals) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var letter struct{ ID, Type string }
	if err := json.NewDecoder(r.Body).Decode(&letter); err != nil || letter.ID == "" {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	a.mu.Lock()
	if a.total == 0 {
		a.first = time.Now()
	}
	a.total++
	a.times[letter.ID+" "+r.Host+r.URL.Path]++
	if a.total == a.at {
		close(a.stop)
	}
	a.mu.Unlock()
	w.WriteHeader(http.StatusAccepted)
}

func (a *arrivals) count() (total, different int, since time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.total, len(a.times), time.Since(a.first)
}

// What serve sends at once, and how long a result may wait to be noted (decisions 26): the bound of what
// a crash sends twice.
const (
	serveWorkers = 64
	serveFlush   = 20 * time.Millisecond
)

// serve that is killed at any moment of a fan-out loses nothing and sends little twice. The
// long form is that of issue 2, 6.
func TestTortureKilledServe(t *testing.T) {
	fanOuts, inboxes, hosts := 2, 200, 40
	if os.Getenv("COOPNODE_TORTURE") != "" {
		fanOuts, inboxes, hosts = 10, 1000, 200
	} else {
		t.Parallel()
		t.Logf("%d fan-outs to %d inboxes on %d hosts; ten to 1,000 on 200 with COOPNODE_TORTURE=1 (make torture)", fanOuts, inboxes, hosts)
	}
	sink, addresses := serveArrivals(t, hosts)
	p := newProgram(t, "coopnode", "The mill")
	db := p.open()
	p.addFollowers(db, inboxesOn(addresses, inboxes))
	p.start()
	t.Logf("%7s %9s %7s %8s %6s %6s %8s", "fan-out", "killed at", "arrived", "rate", "lost", "twice", "allowed")
	for n := range fanOuts {
		moment := sink.begin(inboxes/10 + rand.IntN(inboxes*8/10))
		id := p.command("post", "new", "-q", "--text", fmt.Sprint("Letter number ", n+1))
		select {
		case <-moment:
		case <-time.After(time.Minute):
			t.Fatalf("the fan-out does not come so far\n%s", p.log)
		}
		total, _, since := sink.count()
		p.kill()
		killed, _, _ := sink.count()
		rate := float64(total) / since.Seconds()
		p.start()
		links := node.Links{Base: p.base}
		iri := links.Create(links.Object(node.TypePost, id))
		p.until("every letter is noted", func() bool {
			act, err := db.Act(context.Background(), iri)
			if err != nil {
				t.Fatal(err)
			}
			return act.Reached == inboxes
		})
		total, different, _ := sink.count()
		lost, twice, allowed := inboxes-different, total-different, serveWorkers+int(rate*serveFlush.Seconds())
		t.Logf("%7d %8d%% %7d %6.0f/s %6d %6d %8d", n+1, 100*killed/inboxes, total, rate, lost, twice, allowed)
		if lost != 0 {
			t.Errorf("fan-out %d: %d of %d inboxes have no letter", n+1, lost, inboxes)
		}
		if twice > allowed {
			t.Errorf("fan-out %d: %d letters were sent twice, want at most workers + rate x flush interval = %d", n+1, twice, allowed)
		}
	}
	queue, err := db.QueueStatus(context.Background())
	if err != nil || queue.Waiting != 0 {
		t.Errorf("%d letters wait in the end (%v)", queue.Waiting, err)
	}
	p.stop()
}
