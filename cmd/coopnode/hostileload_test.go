package main

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coopnode/coopnode/activitypub"
	"github.com/coopnode/coopnode/activitypub/aptest"
)

// A crook sends letters that must not cost more than a refusal.
type crook struct {
	*witness
	other    *rsa.PrivateKey // of nobody whose letters these claim to be
	fixtures [][]byte        // hostile letters of ../shared
	ends     time.Time       // when slow ones go away

	mu       sync.Mutex
	statuses map[int]int
}

func newCrook(t *testing.T, w *witness) *crook {
	t.Helper()
	c := &crook{witness: w, statuses: map[int]int{}}
	var err error
	if c.other, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
		t.Fatal(err)
	}
	files, _ := filepath.Glob("../../../shared/fixtures/hostile-*.json")
	if len(files) == 0 {
		aptest.Without(t, "the hostile letters of ../shared/fixtures")
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		c.fixtures = append(c.fixtures, b)
	}
	return c
}

// crime sends the n-th letter: each kind in turn.
func (c *crook) crime(n int) {
	host := c.servers.hosts[n%len(c.servers.hosts)]
	like := func(more string) []byte {
		return fmt.Appendf(nil, `{"@context":%q,"id":"%s/crimes/%d","type":"Like","actor":"%s/actor","object":%q%s}`, aptest.Context, host, n, host, c.ours, more)
	}
	body, sent, key, at := like(""), []byte(nil), c.servers.key, time.Now()
	switch n % 10 {
	case 0:
		key = c.other
	case 1:
		sent = bytes.Replace(body, []byte("Like"), []byte("Flag"), 1) // another digest
	case 2:
		body = like(`,"x":` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000))
	case 3:
		body = like(`,"x":[` + strings.Repeat(`{"a":1},`, 120_000) + `1]`) // just under 1 MiB
	case 4:
		body = like(`,"x":"` + strings.Repeat("x", 2<<20) + `"`)
	case 5:
		at = at.Add(-26 * time.Hour)
	case 6:
		body = []byte(strings.Repeat("\x00\xff{", 1000))
	case 7:
		key = nil
	case 8:
		c.dribble(body)
		return
	case 9:
		if len(c.fixtures) > 0 {
			body = c.fixtures[n/10%len(c.fixtures)]
		}
	}
	if sent == nil {
		sent = body
	}
	r, err := http.NewRequest(http.MethodPost, c.base+"/ap/inbox", bytes.NewReader(sent))
	if err != nil {
		c.Error(err)
		return
	}
	r.Header.Set("Content-Type", "application/activity+json")
	if key != nil {
		if err := activitypub.SignPost(r, body, host+"/actor#key", key, at); err != nil {
			c.Error(err)
			return
		}
	}
	status, _ := c.do(r)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.statuses[status]++
}

// dribble sends a byte of a letter every now and then, until it is sent away.
func (c *crook) dribble(body []byte) {
	conn, err := (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 68, byte(time.Now().UnixNano()), 1)}}).Dial("tcp", "127.0.0.1"+c.base[strings.LastIndex(c.base, ":"):])
	if err != nil {
		return
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST /ap/inbox HTTP/1.1\r\nHost: %s\r\nContent-Type: application/activity+json\r\nContent-Length: %d\r\n\r\n", strings.TrimPrefix(c.base, "http://"), len(body))
	go io.Copy(io.Discard, conn)
	for _, b := range body {
		if _, err := conn.Write([]byte{b}); err != nil || time.Now().After(c.ends) {
			return
		}
		time.Sleep(time.Second)
	}
}

// Fifty letters a second, every other one hostile: no answer is 500, what is good has its effect, and the program that
// make build makes stays within 96 MiB (issue 6, 7; LIM, HTTP-2). The long form takes ten minutes.
func TestTortureHostileLoad(t *testing.T) {
	bin, lasts, long := "coopnode", 6*time.Second, os.Getenv("COOPNODE_TORTURE") != ""
	if long {
		lasts, bin = 10*time.Minute, filepath.Join(t.TempDir(), "coopnode")
		if out, err := exec.Command("make", "-C", "../..", "build", "OUT="+bin).CombinedOutput(); err != nil {
			t.Fatalf("build: %v\n%s", err, out)
		}
	} else {
		t.Parallel()
		t.Logf("%v, without a measure of memory; ten minutes with COOPNODE_TORTURE=1 (make torture)", lasts)
	}
	w := newWitness(t, newProgram(t, bin, "The mill"), 100)
	c := newCrook(t, w)
	w.start()
	tick := time.NewTicker(time.Second / 25)
	defer tick.Stop()
	var work sync.WaitGroup
	places := make(chan struct{}, 400) // slow ones hold theirs
	most, n := 0.0, 0
	for c.ends = time.Now().Add(lasts); time.Now().Before(c.ends); n++ {
		<-tick.C
		number := n
		work.Go(func() { w.letter() })
		select {
		case places <- struct{}{}:
			work.Go(func() { c.crime(number); <-places })
		default:
		}
		if n%25 == 0 {
			most = max(most, w.memory("VmRSS"))
		}
	}
	work.Wait()
	for range 30 { // those that were told to come again
		w.letter()
	}
	peak := w.memory("VmHWM")
	lost, twice := w.kept()
	good := len(w.answered(ackLetter))
	t.Logf("%d pairs of letters in %v: %d good ones acknowledged, %d lost, %d twice; hostile ones by status: %v; other answers to good ones: %v", n, lasts, good, lost, twice, c.statuses, w.other)
	t.Logf("memory: at most %.1f MiB resident, peak %.1f MiB", most, peak)
	if lost > 0 || twice > 0 || good < n {
		t.Errorf("%d of %d good letters are acknowledged, %d lost, %d twice", good, n, lost, twice)
	}
	for _, bad := range []int{0, 500} {
		if w.other[bad] > 0 || bad == 500 && c.statuses[bad] > 0 {
			t.Errorf("answers with %d (0 is none): %d to good letters, %d to hostile ones", bad, w.other[bad], c.statuses[bad])
		}
	}
	if kinds := slices.Sorted(maps.Keys(c.statuses)); len(kinds) < 3 {
		t.Errorf("hostile letters are answered with %v alone: most kinds were not tried", kinds)
	}
	if long && peak > 96 {
		t.Errorf("%.1f MiB resident at the peak, want at most 96", peak)
	}
	w.stop()
}
