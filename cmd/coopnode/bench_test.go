package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/coopnode/coopnode/activitypub"
	"github.com/coopnode/coopnode/node"
)

// The program as it is given away, measured from outside (issue 2, 8). With `make bench` a figure above
// its target fails.
func target(b *testing.B, what string, got, most float64) {
	b.ReportMetric(got, what)
	if os.Getenv("COOPNODE_BENCH") != "" && got > most {
		b.Errorf("%s is %.1f, the target is %.0f", what, got, most)
	}
}

// BenchmarkRelease measures the program as make build makes it.
func BenchmarkRelease(b *testing.B) {
	bin := released(b)
	b.Run("size", func(b *testing.B) { benchmarkSize(b, bin) })
	b.Run("idle", func(b *testing.B) { benchmarkIdle(b, bin) })
	b.Run("start", func(b *testing.B) { benchmarkStart(b, bin) })
	b.Run("fan-out", func(b *testing.B) { benchmarkFanOut(b, bin) })
}

// At most 40 MB, stripped. That no template engine is in it is TestBinaryIsSmall's.
func benchmarkSize(b *testing.B, bin string) {
	info, err := os.Stat(bin)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
	}
	target(b, "MB", float64(info.Size())/1e6, 40)
}

// What serve holds two seconds after its start and a few answers: at most 32 MiB.
func benchmarkIdle(b *testing.B, bin string) {
	p := newProgram(b, bin, "The mill")
	var most float64
	for b.Loop() {
		p.start()
		for _, path := range []string{"/", "/openings", "/ap/coop"} {
			p.ask(p.base + path)
		}
		time.Sleep(2 * time.Second)
		most = max(most, p.memory("VmRSS"))
		p.stop()
	}
	target(b, "MiB", most, 32)
}

// memory is a line of the server's memory as Linux counts it, in MiB.
func (p *program) memory(line string) float64 {
	p.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.child.Process.Pid))
	if err != nil {
		p.Fatalf("memory can be read on Linux alone: %v", err)
	}
	_, rest, _ := strings.Cut(string(status), line+":")
	kib, err := strconv.Atoi(strings.Fields(rest + " none")[0])
	if err != nil {
		p.Fatalf("no %s in %s", line, status)
	}
	return float64(kib) / 1024
}

// From the start of the process to the first answer, with 10,000 openings stored: at most 150 ms. The
// figure is the median of 7 starts.
func benchmarkStart(b *testing.B, bin string) {
	const openings, starts = 10_000, 7
	p := newProgram(b, bin, "The mill")
	p.addOpenings(openings)
	for b.Loop() {
		var took []time.Duration
		for range starts {
			p.child = p.run("serve")
			p.child.Stderr = p.log
			begun := time.Now()
			if err := p.child.Start(); err != nil {
				b.Fatal(err)
			}
			p.firstAnswer("/ap/coop/outbox?page=true")
			took = append(took, time.Since(begun))
			p.stop()
		}
		slices.Sort(took)
		b.Logf("%d openings, %s: starts took %v", openings, p.size(), took)
		target(b, "ms", float64(took[starts/2].Microseconds())/1000, 150)
	}
}

// firstAnswer asks until there is an answer.
func (p *program) firstAnswer(path string) {
	p.Helper()
	for limit := time.Now().Add(30 * time.Second); ; time.Sleep(time.Millisecond) {
		res, err := client.Get(p.base + path)
		if err == nil {
			io.Copy(io.Discard, res.Body)
			res.Body.Close()
			if res.StatusCode != http.StatusOK {
				p.Fatalf("the first answer is %s", res.Status)
			}
			client.CloseIdleConnections()
			return
		}
		if time.Now().After(limit) {
			p.Fatalf("no answer: %v\n%s", err, p.log)
		}
	}
}

// size tells how large the database is.
func (p *program) size() string {
	info, err := os.Stat(filepath.Join(p.dir, "coopnode.db"))
	if err != nil {
		p.Fatal(err)
	}
	return fmt.Sprintf("%.0f MB", float64(info.Size())/1e6)
}

// addOpenings stores openings as publishing does, with their documents and their entries in the outbox.
func (p *program) addOpenings(n int) {
	p.Helper()
	ctx, db := context.Background(), p.open()
	defer db.Close()
	l := node.Links{Base: p.base}
	enc := activitypub.NewEncoder(l)
	now := time.Now().UTC().Truncate(time.Second)
	html := strings.Repeat("<p>We look for a cooperative that knows web engines.</p>", 10)
	for from := 0; from < n; from += 500 {
		err := db.Tx(ctx, func(tx node.Tx) error {
			for i := from; i < min(from+500, n); i++ {
				id := node.NewID()
				iri, said := l.Object(node.TypeOpening, id), now.Add(time.Duration(i-n)*time.Second)
				o := &node.Opening{Base: node.Base{ID: id, IRI: iri, Type: node.TypeOpening, Local: true, Actor: l.Actor(), Audience: node.Public,
					URL: l.Page(node.TypeOpening, id), Published: said, Updated: said, Received: said, Tags: []string{"bread"},
					Texts: []node.Text{{Lang: "en", Title: fmt.Sprint("Web engines ", i), HTML: html}}},
					Kind: node.Subcontract, Status: node.Open, Skills: []node.Skill{{Key: "web-engines"}}}
				act := &node.Act{IRI: l.Create(iri), Verb: node.Create, Actor: l.Actor(), ObjectIRI: iri, Object: o, Published: said}
				act.To, act.Cc = l.Audience(o)
				rec := &node.ActRecord{IRI: act.IRI, Verb: node.Create, Object: iri, Listed: true, Served: true, At: said, By: "bench"}
				var err error
				if o.Raw, err = enc.EncodeObject(o); err != nil {
					return err
				}
				if rec.Raw, err = enc.EncodeAct(act); err != nil {
					return err
				}
				if err := tx.SaveObject(ctx, o); err != nil {
					return err
				}
				if err := tx.SaveAct(ctx, rec); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			p.Fatal(err)
		}
	}
}

// sinkVar makes a process of the test binary take letters on so many hosts.
const sinkVar = "COOPNODE_TEST_SINK"

// TestSinkProcess is the other side of a fan-out, in a process of its own as it would be. As a
// test it does nothing.
func TestSinkProcess(t *testing.T) {
	n, err := strconv.Atoi(os.Getenv(sinkVar))
	if err != nil {
		return
	}
	server := &http.Server{ErrorLog: log.New(io.Discard, "", 0), Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusAccepted)
	})}
	for i := range n {
		l, err := net.Listen("tcp", fmt.Sprintf("127.64.%d.%d:0", i>>8, i&255))
		if err != nil {
			t.Fatal(err)
		}
		go server.Serve(l)
		fmt.Println("http://" + l.Addr().String())
	}
	io.Copy(io.Discard, os.Stdin) // ends with the parent
}

// startSink starts that process and returns the base addresses of its hosts.
func startSink(b *testing.B, hosts int) []string {
	b.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestSinkProcess$", "-test.count=1")
	cmd.Env = append(os.Environ(), fmt.Sprint(sinkVar, "=", hosts))
	stdin, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		stdin.Close()
		cmd.Process.Kill()
		cmd.Wait()
	})
	var list []string
	for lines := bufio.NewScanner(stdout); len(list) < hosts && lines.Scan(); {
		list = append(list, lines.Text())
	}
	if len(list) < hosts {
		b.Fatal("the sink process did not start")
	}
	return list
}

// An opening goes out to 10,000 inboxes on 1,000 hosts while somebody reads the board: memory stays
// below 96 MiB, and the page comes within 50 ms for 99 of 100.
func benchmarkFanOut(b *testing.B, bin string) {
	const inboxes, hosts = 10_000, 1000
	p := newProgram(b, bin, "The mill")
	addresses := startSink(b, hosts)
	db := p.open()
	p.addFollowers(db, inboxesOn(addresses, inboxes))
	p.start()
	reader := newReader(b, p.base)
	for b.Loop() {
		idle := reader.read(150, func() bool { return false })
		ticks := p.cpu()
		id := p.command("opening", "new", "-q", "--title", "A mill wanted", "--text", strings.Repeat("We look for a mill that grinds rye. ", 10))
		create := node.Links{Base: p.base}.Create(node.Links{Base: p.base}.Object(node.TypeOpening, id))
		reached := func() int {
			act, err := db.Act(context.Background(), create)
			if err != nil {
				b.Fatal(err)
			}
			return act.Reached
		}
		p.until("the first letter has arrived", func() bool { return reached() > 0 })
		begun, before := time.Now(), reached()
		during := reader.read(1<<20, func() bool { return reached() == inboxes })
		took := time.Since(begun)
		p.until("nothing waits", func() bool {
			q, err := db.QueueStatus(context.Background())
			return err == nil && q.Waiting == 0
		})
		b.Logf("%d letters in %v, %.0f/s; CPU of serve %.2f ms a letter; page idle p50 %v p99 %v, during p50 %v p99 %v max %v (%d looks); memory now %.1f MiB",
			inboxes-before, took.Round(time.Millisecond), float64(inboxes-before)/took.Seconds(), p.cpu().Seconds()*1000/inboxes-ticks.Seconds()*1000/inboxes,
			at(idle, 50), at(idle, 99), at(during, 50), at(during, 99), during[len(during)-1], len(during), p.memory("VmRSS"))
		b.ReportMetric(float64(at(during, 50))/float64(at(idle, 50)), "p50-ratio")
		b.ReportMetric(float64(at(during, 50).Microseconds())/1000, "p50-ms")
		target(b, "p99-ms", float64(at(during, 99).Microseconds())/1000, 50)
		target(b, "peak-MiB", p.memory("VmHWM"), 96)
	}
	p.stop()
}

// cpu is the processor time of the server so far.
func (p *program) cpu() time.Duration {
	p.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.child.Process.Pid))
	if err != nil {
		p.Fatal(err)
	}
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:])) // from the state on
	var ticks int
	for _, f := range fields[11:13] { // utime and stime, in hundredths of a second
		n, err := strconv.Atoi(f)
		if err != nil {
			p.Fatal(err)
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}

// at is a percentile of sorted times.
func at(sorted []time.Duration, percent int) time.Duration {
	return sorted[(len(sorted)-1)*percent/100].Round(time.Microsecond)
}

// A reader looks at a page 50 times a second, on kept connections from several networks, so that no limit
// of pages a minute is met (HTTP-4).
type reader struct {
	testing.TB
	page    string
	clients []*http.Client
}

func newReader(b *testing.B, base string) *reader {
	r := &reader{TB: b, page: base + "/openings"}
	for i := range 20 {
		from := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 65, byte(i), 1)}}
		r.clients = append(r.clients, &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{
			DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
				return from.DialContext(ctx, network, strings.Replace(address, "localhost", "127.0.0.1", 1))
			}}})
		b.Cleanup(r.clients[i].CloseIdleConnections)
	}
	return r
}

// read looks up to n times, or until done, and returns the times that it took, sorted.
func (r *reader) read(n int, done func() bool) []time.Duration {
	r.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	var took []time.Duration
	for i := range n {
		if i%5 == 0 && i > 0 && done() {
			break
		}
		<-tick.C
		begun := time.Now()
		res, err := r.clients[i%len(r.clients)].Get(r.page)
		if err != nil {
			r.Fatal(err)
		}
		io.Copy(io.Discard, res.Body)
		res.Body.Close()
		took = append(took, time.Since(begun))
		if res.StatusCode != http.StatusOK {
			r.Fatalf("the page answers %s", res.Status)
		}
	}
	slices.Sort(took)
	return took
}
