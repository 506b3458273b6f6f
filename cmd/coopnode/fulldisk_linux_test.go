package main

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/coopnode/coopnode/activitypub/aptest"
)

// A diskfault is a way in which a disk takes nothing more, and how that ends.
type diskfault struct {
	name      string
	breaks    func(w *witness)
	mend      func(w *witness)
	backupToo bool // a backup fails as well
}

// A smallDisk is a disk in memory that is soon full.
func smallDisk(t *testing.T, megabytes int) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprint("size=", megabytes, "m,mode=0700")); err != nil {
		aptest.LeaveOut(t, "a full disk, for which root makes a small one in memory: "+err.Error())
		t.SkipNow()
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// fill takes all the room that is left beside a node.
func (w *witness) fill() {
	w.Helper()
	f, err := os.OpenFile(filepath.Join(w.dir, "filler"), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		w.Fatal(err)
	}
	defer f.Close()
	for size := 1 << 20; size > 0; {
		if _, err := f.Write(make([]byte, size)); err != nil {
			size /= 2
		}
	}
}

func (w *witness) empty() {
	w.Helper()
	if err := os.Remove(filepath.Join(w.dir, "filler")); err != nil {
		w.Fatal(err)
	}
}

// limitFiles says how large a file the server may write; 0 for any.
func (w *witness) limitFiles(bytes int64) {
	w.Helper()
	limit := fmt.Sprint("--fsize=", bytes, ":unlimited")
	if bytes == 0 {
		limit = "--fsize=unlimited"
	}
	if out, err := exec.Command("prlimit", "--pid", fmt.Sprint(w.child.Process.Pid), limit).CombinedOutput(); err != nil {
		w.Fatalf("prlimit: %v\n%s", err, out)
	}
}

// noise is a picture that does not get smaller.
func noise(t *testing.T) []byte {
	t.Helper()
	m := image.NewRGBA(image.Rect(0, 0, 400, 400))
	for i := range 400 * 400 {
		n := rand.Uint32()
		m.Set(i%400, i/400, color.RGBA{byte(n), byte(n >> 8), byte(n >> 16), 255})
	}
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// DB-6, DB-1, HTTP-2: where the disk takes nothing more, writes are answered with 503 and when to come again, reads go on,
// readiness turns red and says why, nothing that was acknowledged is lost, and when there is room again all works by itself.
func TestTortureFullDisk(t *testing.T) {
	cycles := 2
	if os.Getenv("COOPNODE_TORTURE") != "" {
		cycles = 20
	} else {
		t.Parallel()
		t.Logf("%d cycles of each kind; 20 with COOPNODE_TORTURE=1 (make torture)", cycles)
	}
	for _, fault := range []diskfault{
		{name: "full", breaks: (*witness).fill, mend: (*witness).empty, backupToo: true},
		{name: "file-size limit", breaks: func(w *witness) { w.limitFiles(4096) }, mend: func(w *witness) { w.limitFiles(0) }},
	} {
		t.Run(fault.name, func(t *testing.T) {
			p := newProgramIn(t, "coopnode", smallDisk(t, 48), "The mill")
			w := newWitness(t, p, 40)
			picture := noise(t)
			p.start()
			if got := w.upload(picture); got != http.StatusOK {
				t.Fatalf("a picture on a sound disk: %d", got)
			}
			for n := range cycles {
				w.suffer(t, n, fault, picture)
			}
			if lost, twice := w.kept(); lost > 0 || twice > 0 {
				t.Errorf("%d lost, %d twice", lost, twice)
			}
			t.Logf("%d letters and %d posts acknowledged in %d cycles, 0 lost; other answers by status: %v",
				len(w.answered(ackLetter)), len(w.answered(ackPost)), cycles, w.other)
			if bad := w.other[500] + w.other[0]; bad > 0 {
				t.Errorf("%d answers were 500 or none", bad)
			}
			p.stop()
		})
	}
}

// suffer is one cycle: sound, broken, sound again.
func (w *witness) suffer(t *testing.T, n int, fault diskfault, picture []byte) {
	t.Helper()
	for range 3 {
		if got := w.letter(); got != http.StatusAccepted {
			t.Fatalf("cycle %d: a letter on a sound disk: %d\n%s", n, got, w.log)
		}
	}
	if got := w.publish(); got != http.StatusSeeOther {
		t.Fatalf("cycle %d: a post on a sound disk: %d\n%s", n, got, w.log)
	}
	fault.breaks(w)
	w.until("letters are answered with 503", func() bool { return w.letter() == http.StatusServiceUnavailable })
	w.until("the console answers 503", func() bool { return w.publish() == http.StatusServiceUnavailable })
	if got := w.upload(picture); got != http.StatusServiceUnavailable {
		t.Errorf("cycle %d: a picture: %d, want 503", n, got)
	}
	for _, path := range []string{"/", "/posts", "/ap/coop", "/console", "/console/posts", "/livez"} {
		if got := w.get(path); got != http.StatusOK {
			t.Errorf("cycle %d: GET %s: %d; reads go on", n, path, got)
		}
	}
	res, body := w.ask(w.base + "/readyz")
	if res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Retry-After") == "" || !strings.Contains(string(body), "cannot be written") {
		t.Errorf("cycle %d: /readyz is %s, Retry-After %q: %s", n, res.Status, res.Header.Get("Retry-After"), body)
	}
	if fault.backupToo {
		w.backupFails(t)
	}
	fault.mend(w)
	began := time.Now()
	w.until("letters and posts are taken again, and it is ready", func() bool {
		time.Sleep(100 * time.Millisecond)
		return w.get("/readyz") == http.StatusOK && w.letter() == http.StatusAccepted && w.publish() == http.StatusSeeOther
	})
	if took := time.Since(began); took > 30*time.Second {
		t.Errorf("cycle %d: recovered after %v, want at most 30 s", n, took)
	}
}

// backupFails checks that a backup which has no room says so, and leaves nothing behind.
func (w *witness) backupFails(t *testing.T) {
	t.Helper()
	path := filepath.Join(w.dir, "full.backup")
	out, err := w.run("backup", path).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "full") {
		t.Errorf("a backup without room: %v\n%s", err, out)
	}
	if left, _ := filepath.Glob(path + "*"); len(left) > 0 {
		t.Errorf("it leaves %v", left)
	}
}

// A disk that is mounted for reading only: serve and commands end with a sentence that says so, and touch nothing (DB-6).
func TestReadOnlyDisk(t *testing.T) {
	t.Parallel()
	dir := smallDisk(t, 16)
	p := newProgramIn(t, "coopnode", dir, "The mill")
	remount := func(flags uintptr) {
		t.Helper()
		if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT|flags, "size=16m"); err != nil {
			t.Fatal(err)
		}
	}
	remount(syscall.MS_RDONLY)
	for _, command := range []string{"serve", "status"} {
		out, err := p.run(command).CombinedOutput()
		if err == nil || !strings.Contains(string(out), "mounted for reading alone") {
			t.Errorf("%s: %v\n%s", command, err, out)
		}
	}
	remount(0)
	p.start()
	p.stop()
}
