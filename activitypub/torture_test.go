package activitypub

import (
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/coopnode/coopnode/node"
)

// `make torture` sets this: the same tests, at full size and by the clock.
const tortureVar = "COOPNODE_TORTURE"

func torture() bool { return os.Getenv(tortureVar) != "" }

// carrierVar makes a process of the test binary carry the letters of the node in that folder.
const carrierVar = "COOPNODE_TEST_CARRIER"

// TestCarrierProcess is a carrier in a process of its own, which can be killed. As a test it does
// nothing.
func TestCarrierProcess(t *testing.T) {
	dir := os.Getenv(carrierVar)
	if dir == "" {
		return
	}
	runtime.GOMAXPROCS(2 * runtime.NumCPU()) // as serve does (decisions 26)
	newQueueNode(t, dir, Options{}).run()
	io.Copy(io.Discard, os.Stdin) // ends with the parent
}

// A carrierProcess is such a process.
type carrierProcess struct {
	cmd   *exec.Cmd
	stdin io.Closer
}

func startCarrier(t testing.TB, dir string, env ...string) *carrierProcess {
	t.Helper()
	p := &carrierProcess{cmd: exec.Command(os.Args[0], "-test.run=^TestCarrierProcess$", "-test.count=1")}
	p.cmd.Env = append(os.Environ(), append(env, carrierVar+"="+dir)...)
	p.cmd.Stderr = os.Stderr
	var err error
	if p.stdin, err = p.cmd.StdinPipe(); err == nil {
		err = p.cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.kill)
	return p
}

// kill is SIGKILL; the process has no say in it.
func (p *carrierProcess) kill() {
	p.cmd.Process.Kill()
	p.cmd.Wait()
}

// end lets the process stop in its own way.
func (p *carrierProcess) end() error {
	p.stdin.Close()
	return p.cmd.Wait()
}

// a carrier that is killed at any moment loses nothing and sends little twice.
func TestKilledCarrierLosesNothing(t *testing.T) {
	fanOuts, inboxes, hosts := 2, 200, 40
	if torture() {
		fanOuts, inboxes, hosts = 10, 1000, 200
	} else {
		t.Parallel()
	}
	dir := filepath.Join(t.TempDir(), "data")
	q, s := newQueueNode(t, dir, Options{}), newQueueSink(t)
	q.follow(queueInboxes(s.hosts(hosts), inboxes)...)
	p := startCarrier(t, dir)
	t.Logf("%7s %9s %6s %8s %6s %12s", "fan-out", "killed at", "lost", "rate", "twice", "allowed")
	for n := range fanOuts {
		killAt := inboxes/10 + rand.IntN(inboxes*8/10)
		iri := q.say(fmt.Sprint("act", n), fmt.Sprint("http://localhost:8080/o", n))
		began, first := time.Now(), s.count(-1)
		q.until("the moment to kill", func() bool {
			if s.count(-1) == first {
				began = time.Now()
			}
			return s.count(-1)-first >= killAt
		})
		rate := float64(s.count(-1)-first) / time.Since(began).Seconds()
		p.kill()
		killed := s.count(-1) - first
		p = startCarrier(t, dir)
		q.until("all letters are noted", func() bool { return q.act(iri).Reached == inboxes })

		times := map[string]int{}
		for _, a := range s.arrivals(-1)[first:] {
			if a.act == iri {
				times[a.inbox]++
			}
		}
		lost, twice := inboxes-len(times), s.count(-1)-first-len(times)
		allowed := visitsAtOnce + int(rate*flushAfter.Seconds())
		t.Logf("%7d %8d%% %6d %6.0f/s %6d %12d", n+1, 100*killed/inboxes, lost, rate, twice, allowed)
		if lost > 0 {
			t.Errorf("fan-out %d: %d of %d inboxes have no letter", n+1, lost, inboxes)
		}
		if twice > allowed {
			t.Errorf("fan-out %d: %d letters were sent twice, want at most workers + rate x flush interval = %d", n+1, twice, allowed)
		}
	}
	if left := q.waiting(); len(left) > 0 {
		t.Errorf("%d letters wait in the end", len(left))
	}
	if err := p.end(); err != nil {
		t.Errorf("the carrier's end: %v", err)
	}
}

// Hosts that hang and hosts that answer 500 cost the healthy ones no time, and have their letters
// within a minute of their recovery. By the clock, so only in `make torture`; by counts it is
// TestSickHostsDelayNobody.
func TestTortureSickHosts(t *testing.T) {
	if !torture() {
		t.Logf("by the clock only with %s=1 (make torture); TestSickHostsDelayNobody checks by counts", tortureVar)
		return
	}
	const rounds, sickFor, recoverWithin = 5, 15 * time.Second, time.Minute
	var ratios []float64
	for round := range rounds {
		w := newSickWard(t, 200, 1000)
		stop := w.run()
		w.healthyTime("warm")
		calm := w.healthyTime("calm")
		w.sink.decide(func(a arrival) int { return w.status[node.HostOf(a.inbox)] })
		began := time.Now()
		beside := w.healthyTime("sick")
		ratios = append(ratios, beside.Seconds()/calm.Seconds())
		t.Logf("round %d: healthy hosts need %v undisturbed, %v beside sick ones, ratio %.2f",
			round+1, calm.Round(time.Millisecond), beside.Round(time.Millisecond), ratios[round])
		if round < rounds-1 {
			w.out.patience = 10 * time.Millisecond
			stop()
			w.sink.release()
			continue
		}
		time.Sleep(time.Until(began.Add(sickFor)))
		recovered := time.Now()
		w.sink.decide(nil) // what hangs goes on hanging; new requests are answered
		for len(w.waiting()) > 0 && time.Since(recovered) < 2*recoverWithin {
			time.Sleep(100 * time.Millisecond)
		}
		took, attempts := map[int]time.Duration{}, map[string]int{}
		for _, a := range w.sink.arrivals(-1) {
			kind := w.status[node.HostOf(a.inbox)]
			if a.at.After(recovered) && a.status == 202 {
				took[kind] = max(took[kind], a.at.Sub(recovered))
			} else if a.status != 202 {
				attempts[node.HostOf(a.inbox)]++
			}
		}
		t.Logf("last letter after recovery: %v at those that hung, %v at those that answered 500; failed attempts at one host: at most %d",
			took[0].Round(time.Millisecond), took[500].Round(time.Millisecond), slices.Max(slices.Collect(maps.Values(attempts))))
		if left := len(w.waiting()); left > 0 || max(took[0], took[500]) > recoverWithin {
			t.Errorf("%d letters wait; sick hosts had theirs after %v and %v, want at most %v", left, took[0], took[500], recoverWithin)
		}
	}
	slices.Sort(ratios)
	if median := ratios[rounds/2]; median > 1.2 {
		t.Errorf("healthy hosts needed %.2f times the undisturbed time (median), want at most 1.2", median)
	}
}

// A sickWard is a node whose followers live on hosts of which 15 % are to hang, status 0, and 15 %
// to answer 500.
type sickWard struct {
	*queueNode
	sink    *queueSink
	status  map[string]int
	healthy int // inboxes on healthy hosts
}

func newSickWard(t testing.TB, hosts, inboxes int) *sickWard {
	w := &sickWard{queueNode: newQueueNode(t, t.TempDir(), Options{}), sink: newQueueSink(t), status: map[string]int{}}
	list := w.sink.hosts(hosts)
	for i, h := range list {
		switch {
		case i%20 < 3:
			w.status[node.HostOf(h)] = 0
		case i%20 < 6:
			w.status[node.HostOf(h)] = 500
		default:
			w.status[node.HostOf(h)] = 202
			w.healthy += inboxes / hosts
		}
	}
	w.follow(queueInboxes(list, inboxes)...)
	return w
}

// healthyTime is how long a fan-out needs until the healthy hosts have all of it. It returns when
// nothing is under way any more, or only at sick hosts.
func (w *sickWard) healthyTime(name string) time.Duration {
	w.Helper()
	began := time.Now()
	iri := w.say(name, "http://localhost:8080/"+name)
	var last time.Time
	w.until("the healthy hosts have theirs", func() bool {
		n, all := 0, w.sink.arrivals(202)
		for _, a := range all {
			if a.act == iri && w.status[node.HostOf(a.inbox)] == 202 {
				n, last = n+1, a.at
			}
		}
		return n == w.healthy
	})
	w.until("the rest is settled", func() bool {
		list := w.waiting()
		return !slices.ContainsFunc(list, func(d *node.Delivery) bool { return w.status[d.Host] == 202 || name != "sick" })
	})
	return last.Sub(began)
}
