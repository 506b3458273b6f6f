package activitypub

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/coopnode/coopnode/node"
)

// `make bench` sets this: ratios above their target then fail (performance.md 11).
const benchVar = "COOPNODE_BENCH"

// sinkVar makes a process of the test binary answer 202 on so many hosts; sinkCertVar, a file for
// its certificate, makes it speak TLS with a new connection for each letter.
const (
	sinkVar     = "COOPNODE_TEST_SINK"
	sinkCertVar = "COOPNODE_TEST_SINK_CERT"
)

// TestSinkProcess is the other side of the benchmarks, in a process of its own so that its work
// is not counted as the sender's. As a test it does nothing.
func TestSinkProcess(t *testing.T) {
	if os.Getenv(sinkVar) == "" {
		return
	}
	var n int
	fmt.Sscan(os.Getenv(sinkVar), &n)
	server := &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body)
			w.WriteHeader(http.StatusAccepted)
		}),
		ErrorLog: log.New(io.Discard, "", 0),
	}
	scheme := "http://"
	listeners := make([]net.Listener, n)
	for i := range listeners {
		var err error
		if listeners[i], err = net.Listen("tcp", fmt.Sprintf("127.20.%d.%d:0", i>>8, i&255)); err != nil {
			t.Fatal(err)
		}
	}
	if file := os.Getenv(sinkCertVar); file != "" {
		scheme = "https://"
		config := sinkCertificate(t, file, listeners)
		for i, l := range listeners {
			listeners[i] = tls.NewListener(l, config)
		}
		server.SetKeepAlivesEnabled(false)
	}
	for _, l := range listeners {
		go server.Serve(l)
		fmt.Println(scheme + l.Addr().String())
	}
	io.Copy(io.Discard, os.Stdin) // ends with the parent
}

func sinkCertificate(t *testing.T, file string, listeners []net.Listener) *tls.Config {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	for _, l := range listeners {
		c.IPAddresses = append(c.IPAddresses, l.Addr().(*net.TCPAddr).IP)
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, NextProtos: []string{"http/1.1"}}
}

// startSink starts that process and returns the base addresses of its hosts.
func startSink(b *testing.B, hosts int, certFile string) []string {
	b.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestSinkProcess$", "-test.count=1")
	cmd.Env = append(os.Environ(), fmt.Sprint(sinkVar, "=", hosts), sinkCertVar+"="+certFile)
	cmd.Stderr = os.Stderr
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

// cpu is what this process has used so far.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// cpuEach is the CPU time of one of n calls of f by the given number of goroutines.
func cpuEach(n, workers int, f func(i int)) time.Duration {
	before := cpu()
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := w; i < n; i += workers {
				f(i)
			}
		})
	}
	wg.Wait()
	return (cpu() - before) / time.Duration(n)
}

// signed makes the request of a letter with one httpsig signature, digest included.
func signed(inbox string, body []byte, key *rsa.PrivateKey) (*http.Request, error) {
	r, err := http.NewRequest(http.MethodPost, inbox, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", typeActivity)
	return r, SignPost(r, body, "http://localhost:8080/ap/coop#main-key", key, time.Now())
}

// signatureCPU is the CPU time of one signature.
func signatureCPU(b *testing.B, key *rsa.PrivateKey) time.Duration {
	body := queueLetter("http://localhost:8080/ap/activities/reference")
	return cpuEach(300, runtime.NumCPU(), func(int) {
		if _, err := signed("http://127.20.0.1:8080/u/inbox", body, key); err != nil {
			b.Error(err)
		}
	})
}

// postCPU is the CPU time of one signature and one POST by a plain client, made by a few workers
// side by side so that caches and the other side are as busy as in a fan-out.
func postCPU(b *testing.B, t *http.Transport, hosts []string, key *rsa.PrivateKey, n int) time.Duration {
	body := queueLetter("http://localhost:8080/ap/activities/reference")
	return cpuEach(n, 2*runtime.NumCPU(), func(i int) {
		r, err := signed(hosts[i%len(hosts)]+"/u/inbox", body, key)
		if err != nil {
			b.Error(err)
			return
		}
		res, err := t.RoundTrip(r)
		if err != nil {
			b.Error(err)
			return
		}
		io.Copy(io.Discard, res.Body)
		res.Body.Close()
	})
}

// asServed runs the benchmark with as many threads as serve allows (decisions 26).
func asServed(b *testing.B) {
	before := runtime.GOMAXPROCS(2 * runtime.NumCPU())
	b.Cleanup(func() { runtime.GOMAXPROCS(before) })
}

// fanOut sends one letter to all inboxes and returns the CPU time of each delivery.
func (q *queueNode) fanOut(name string, inboxes int) time.Duration {
	before := cpu()
	iri := q.say(name, "http://localhost:8080/o/"+name)
	for q.act(iri).Reached < inboxes {
		time.Sleep(20 * time.Millisecond)
	}
	return (cpu() - before) / time.Duration(inboxes)
}

// compare runs rounds of a measurement beside its reference and reports the ratio of the sums.
func compare(b *testing.B, most float64, measure, reference func(round int) time.Duration) {
	var got, want time.Duration
	round := 0
	for b.Loop() {
		b.StopTimer() // the reference is not what is timed
		want += reference(round)
		b.StartTimer()
		got += measure(round)
		round++
	}
	ratio := float64(got) / float64(want)
	b.ReportMetric(ratio, "ratio")
	b.ReportMetric(float64((got / time.Duration(round)).Microseconds()), "CPU-µs/delivery")
	b.ReportMetric(float64((want / time.Duration(round)).Microseconds()), "CPU-µs/reference")
	if os.Getenv(benchVar) != "" && ratio > most {
		b.Errorf("%.2f times the reference, the target is %.2f", ratio, most)
	}
}

// BenchmarkFanOutKept: the sender's CPU for a delivery on a kept connection, against one httpsig
// signature and one kept-alive POST. Target 1.25.
func BenchmarkFanOutKept(b *testing.B) {
	asServed(b)
	const inboxes = 1000
	hosts := startSink(b, 100, "")
	q := newQueueNode(b, b.TempDir(), Options{})
	q.follow(queueInboxes(hosts, inboxes)...)
	q.run()
	key := q.key()
	plain := &http.Transport{MaxIdleConnsPerHost: 8}
	b.Cleanup(plain.CloseIdleConnections)
	q.fanOut("warm", inboxes)
	postCPU(b, plain, hosts, key, len(hosts))
	compare(b, 1.25,
		func(round int) time.Duration { return q.fanOut(fmt.Sprint("act", round), inboxes) },
		func(int) time.Duration { return postCPU(b, plain, hosts, key, inboxes) })
}

// BenchmarkFanOutTLS: the same with a new TLS connection for each letter. Target 1.15.
func BenchmarkFanOutTLS(b *testing.B) {
	asServed(b)
	const inboxes = 400
	file := filepath.Join(b.TempDir(), "sink.pem")
	hosts := startSink(b, 100, file)
	q := newQueueNode(b, b.TempDir(), Options{CAFile: file})
	q.follow(queueInboxes(hosts, inboxes)...)
	q.run()
	key := q.key()
	text, err := os.ReadFile(file)
	q.must(err)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(text)
	plain := &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: roots}}
	q.fanOut("warm", inboxes)
	compare(b, 1.15,
		func(round int) time.Duration { return q.fanOut(fmt.Sprint("act", round), inboxes) },
		func(int) time.Duration { return postCPU(b, plain, hosts, key, inboxes) })
}

// BenchmarkQueueAlone: what the queue costs without sending, ten inboxes on each host, against one
// signature. Target 0.1.
func BenchmarkQueueAlone(b *testing.B) { benchmarkQueueAlone(b, 10_000, 1000) }

// BenchmarkQueueAloneOneEach: the same with one inbox on each host.
func BenchmarkQueueAloneOneEach(b *testing.B) { benchmarkQueueAlone(b, 5000, 5000) }

func benchmarkQueueAlone(b *testing.B, inboxes, hosts int) {
	asServed(b)
	q := newQueueNode(b, b.TempDir(), Options{})
	names := make([]string, hosts)
	for i := range names {
		names[i] = fmt.Sprintf("http://127.30.%d.%d:8081", i>>8, i&255)
	}
	q.follow(queueInboxes(names, inboxes)...)
	q.out.post = func(context.Context, *node.Delivery, []byte) (*PostResult, error) {
		return &PostResult{Status: http.StatusAccepted}, nil
	}
	q.run()
	key := q.key()
	compare(b, 0.1,
		func(round int) time.Duration { return q.fanOut(fmt.Sprint("act", round), inboxes) },
		func(int) time.Duration { return signatureCPU(b, key) })
}

// BenchmarkFanOutMemory: the most memory that a process had resident in a fan-out to 10,000
// inboxes on 1,000 hosts. Target 96 MiB.
func BenchmarkFanOutMemory(b *testing.B) {
	const inboxes = 10_000
	hosts := startSink(b, 1000, "")
	dir := b.TempDir()
	q := newQueueNode(b, dir, Options{})
	q.follow(queueInboxes(hosts, inboxes)...)
	peak, round := 0.0, 0
	for b.Loop() {
		iri := q.say(fmt.Sprint("act", round), "http://localhost:8080/o")
		p := startCarrier(b, dir)
		for q.act(iri).Reached < inboxes {
			time.Sleep(50 * time.Millisecond)
		}
		peak = max(peak, peakMiB(b, p.cmd.Process.Pid))
		q.must(p.end())
		round++
	}
	b.ReportMetric(peak, "MiB-peak")
	if os.Getenv(benchVar) != "" && peak > 96 {
		b.Errorf("%.0f MiB resident, the target is 96", peak)
	}
}

// peakMiB is the most that a process ever had resident.
func peakMiB(b *testing.B, pid int) float64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		b.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		var kib float64
		if _, err := fmt.Sscanf(line, "VmHWM: %f kB", &kib); err == nil {
			return kib / 1024
		}
	}
	b.Fatal("the system does not tell a process's peak memory")
	return 0
}
