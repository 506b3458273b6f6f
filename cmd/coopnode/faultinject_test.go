package main

import (
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// breakable is the program whose disk and clock a test can set wrong (T-2), built once.
func breakable(t testing.TB) (program string) {
	t.Helper()
	return builtOnce(t, "breakable", func(out string) *exec.Cmd {
		return exec.Command("go", "build", "-tags", "faultinject", "-o", out, ".")
	})
}

// A faultSwitch is a file by which a breakable program hears what is wrong.
type faultSwitch struct {
	testing.TB
	path string
}

func newFaultSwitch(t testing.TB, p *program, setting string) *faultSwitch {
	s := &faultSwitch{t, filepath.Join(t.TempDir(), "wrong")}
	p.env = append(p.env, setting+"="+s.path)
	return s
}

// set says what is wrong; "" for nothing. A program sees the old or the new, never half of it.
func (s *faultSwitch) set(wrong string) {
	s.Helper()
	next := s.path + ".next"
	if err := os.WriteFile(next, []byte(wrong), 0o600); err != nil {
		s.Fatal(err)
	}
	if err := os.Rename(next, s.path); err != nil {
		s.Fatal(err)
	}
}

// DB-1, DB-2, DB-6, HTTP-2: where the disk fails to write, or to make safe what was written, letters and posts are answered with 503,
// reads go on, readiness turns red, and all works again when the disk does. Killed while it fails, the node starts again, and
// nothing that was acknowledged is lost.
func TestTortureFailingDisk(t *testing.T) {
	cycles, kills := 1, 3
	if os.Getenv("COOPNODE_TORTURE") != "" {
		cycles, kills = 20, 50
	} else {
		t.Parallel()
	}
	for _, how := range []string{"sync", "write", "full"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			p := newProgramIn(t, breakable(t), t.TempDir(), "The mill")
			w := newWitness(t, p, 40)
			disk := newFaultSwitch(t, p, "COOPNODE_FAULT_WHILE")
			fault := diskfault{name: how, breaks: func(*witness) { disk.set(how) }, mend: func(*witness) { disk.set("") }}
			picture := noise(t)
			p.start()
			for n := range cycles {
				w.suffer(t, n, fault, picture)
			}
			for range kills {
				w.killedFailing(disk, how)
			}
			if lost, twice := w.kept(); lost > 0 || twice > 0 {
				t.Errorf("%d lost, %d twice", lost, twice)
			}
			if bad := w.other[500]; bad > 0 {
				t.Errorf("%d answers were 500", bad)
			}
			t.Logf("%d letters and %d posts acknowledged in %d cycles and %d kills, 0 lost; other answers by status: %v",
				len(w.answered(ackLetter)), len(w.answered(ackPost)), cycles, kills, w.other)
			p.stop()
		})
	}
}

// killedFailing lets others write and post while the disk fails for moments, kills the program while it fails, and starts it
// again.
func (w *witness) killedFailing(disk *faultSwitch, how string) {
	w.Helper()
	stop := make(chan struct{})
	var work sync.WaitGroup
	for _, do := range []func() int{w.letter, w.letter, w.publish} {
		work.Go(func() {
			for do() != 0 {
				select {
				case <-stop:
					return
				case <-time.After(5 * time.Millisecond):
				}
			}
		})
	}
	for range 3 {
		w.until("a letter is taken", func() bool { return w.letter() == http.StatusAccepted })
		disk.set(how)
		w.until("no letter is taken", func() bool { return w.letter() == http.StatusServiceUnavailable })
		time.Sleep(rand.N(50 * time.Millisecond)) // any moment
		disk.set("")
	}
	disk.set(how)
	time.Sleep(rand.N(50 * time.Millisecond))
	w.kill()
	close(stop)
	work.Wait()
	disk.set("")
	w.start()
}
