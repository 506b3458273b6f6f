package main

import (
	"context"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coopnode/coopnode/activitypub/aptest"
	"github.com/coopnode/coopnode/node"
)

// A drill is a node that is lost while it works, with a reader who is to notice nothing when it comes back.
type drill struct {
	*program
	links   node.Links
	reader  *aptest.Microblog
	key     string // of the actor, as others saw it
	before  string // an opening that the reader got
	quit    chan struct{}
	stopped chan struct{}
	taken   atomic.Int64 // letters that came in
}

// newDrill starts a node with so many openings and so many pictures of 256 kB, and one reader; letters come in and openings go out
// until lose.
func newDrill(t *testing.T, openings, pictures int) *drill {
	t.Helper()
	d := &drill{program: newProgram(t, "coopnode", "The mill"), reader: aptest.NewMicroblog(t), quit: make(chan struct{}), stopped: make(chan struct{})}
	d.links = node.Links{Base: d.base}
	d.addOpenings(openings)
	db := d.open()
	random := rand.NewChaCha8([32]byte{})
	noise := make([]byte, 256<<10)
	for i := range pictures {
		random.Read(noise)
		if err := db.WritePicture(strings.Repeat("a", 23)+string([]byte{'a' + byte(i/676), 'a' + byte(i/26%26), 'a' + byte(i%26)}), noise); err != nil {
			t.Fatal(err)
		}
	}
	db.Close()
	d.start()
	d.reader.Follow(d.links.Actor(), d.links.Inbox())
	d.key = d.shownDocumentKey()
	d.before = d.publish("Known before")
	go func() {
		defer close(d.stopped)
		ana := aptest.NewStranger(t, "away").Person("ana")
		for tick := time.NewTicker(time.Second / 20); ; d.taken.Add(1) {
			note := ana.Note("<p>This.</p>", aptest.M{"inReplyTo": d.before})
			ana.Want(http.StatusAccepted, d.links.Inbox(), ana.Create(note))
			select {
			case <-d.quit:
				return
			case <-tick.C:
			}
		}
	}()
	d.until("answers have come", func() bool { return strings.Contains(d.command("inbox", "list"), "This.") })
	return d
}

// publish publishes an opening and waits until the reader has it, whose server has checked the signature.
func (d *drill) publish(title string) (iri string) {
	d.Helper()
	iri = d.links.Object(node.TypeOpening, d.command("opening", "new", "-q", "--title", title, "--amount", "8 hour", "--closes", "2035-01-15"))
	d.until("the reader has "+title, func() bool { _, ok := d.reader.Post(iri); return ok })
	return iri
}

// lose ends all that goes on, and the node with SIGKILL.
func (d *drill) lose() {
	close(d.quit)
	<-d.stopped
	d.kill()
}

// comeBack starts the node that was restored into another folder, and looks at it as its reader and its steward do (BAK-4).
func (d *drill) comeBack(dir string, openings int) {
	d.Helper()
	d.dir = dir
	heard := len(d.reader.Stranger.Requests())
	d.start()
	if got := d.shownDocumentKey(); got != d.key {
		d.Errorf("it shows another key:\n%s\nwant\n%s", got, d.key)
	}
	h := d.house()
	n, err := h.Count(context.Background(), node.ObjectQuery{Type: node.TypeOpening, Local: true})
	if err != nil || n != openings {
		d.Errorf("%d openings are there (%v), want %d", n, err, openings)
	}
	remarks, err := h.CountRemarks(context.Background(), node.RemarkQuery{})
	h.db.Close()
	if err != nil || remarks == 0 {
		d.Errorf("%d answers are there (%v), want some of the %d that came", remarks, err, d.taken.Load())
	}
	waits := d.links.Object(node.TypeOpening, d.command("opening", "new", "-q", "--title", "Said while paused", "--amount", "8 hour", "--closes", "2035-01-15"))
	d.until("the letter waits", func() bool { return !strings.Contains(d.command("delivery", "list", "--json"), "[]") })
	for _, r := range d.reader.Stranger.Requests()[heard:] {
		if r.Method == http.MethodPost {
			d.Errorf("a letter went out before anybody said so: %s", r.Body)
		}
	}
	d.command("delivery", "resume")
	d.until("the reader has what waited", func() bool { _, ok := d.reader.Post(waits); return ok })
	d.publish("Said afterwards")
	if bad := d.reader.Refused(); len(bad) > 0 {
		d.Errorf("the reader did not believe: %q", bad)
	}
	if told := d.reader.Told(d.before); len(told) > 1 {
		d.Errorf("of what it knew the reader was told again: %q", told)
	}
	if out, err := d.run("doctor", "--only", "store,clock,queue", "--no-ask").CombinedOutput(); err != nil {
		d.Errorf("doctor: %v\n%s", err, out)
	}
	d.stop()
}

// copyPlainly copies a folder file by file, safe on disk, and returns how many bytes that were.
func copyPlainly(t *testing.T, from, to string) (bytes int64) {
	t.Helper()
	err := filepath.WalkDir(from, func(path string, e os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil || e.IsDir() {
			return os.MkdirAll(filepath.Join(to, rel), 0o700)
		}
		in, err := os.Open(path)
		if err != nil {
			return err
		}
		defer in.Close()
		out, err := os.OpenFile(filepath.Join(to, rel), os.O_WRONLY|os.O_CREATE, 0o600)
		if err != nil {
			return err
		}
		defer out.Close()
		n, err := io.Copy(out, in)
		bytes += n
		if err == nil {
			err = out.Sync()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return bytes
}

// drillSize is the size of a drill: that of the issue with COOPNODE_TORTURE=1 (make torture).
func drillSize() (openings, pictures int) {
	if os.Getenv("COOPNODE_TORTURE") != "" {
		return 10_000, 800
	}
	return 200, 8
}

// BAK-1 to BAK-4: a node is backed up while it serves, lost, and restored elsewhere; its readers notice nothing.
func TestTortureRestoreDrill(t *testing.T) {
	openings, pictures := drillSize()
	d := newDrill(t, openings, pictures)
	path, key, back := filepath.Join(t.TempDir(), "coop.tar.gz"), filepath.Join(t.TempDir(), "kept.key"), filepath.Join(t.TempDir(), "back")
	began := time.Now()
	d.command("backup", path)
	backup := time.Since(began)
	began = time.Now()
	bytes := copyPlainly(t, d.dir, filepath.Join(t.TempDir(), "plain"))
	plain := time.Since(began)
	secret, err := os.ReadFile(filepath.Join(d.dir, "master.key"))
	if err == nil {
		err = os.WriteFile(key, secret, 0o600) // kept apart (BAK-3)
	}
	if err != nil {
		t.Fatal(err)
	}
	d.lose()
	began = time.Now()
	d.command("verify", path)
	verify := time.Since(began)
	from := d.dir
	d.dir = back
	began = time.Now()
	d.command("restore", path, "--key", key, "--erased", "")
	restore := time.Since(began)
	d.dir = from
	d.comeBack(back, openings+1)
	mb := float64(bytes) / 1e6
	for _, x := range []struct {
		what string
		took time.Duration
	}{{"plain copy", plain}, {"backup", backup}, {"verify", verify}, {"restore", restore}} {
		t.Logf("%-10s of %.0f MB, %d openings: %6.2f s, %5.0f MB/s, %.1f times a plain copy", x.what, mb, openings, x.took.Seconds(), mb/x.took.Seconds(), x.took.Seconds()/plain.Seconds())
	}
	t.Logf("%d letters came in meanwhile", d.taken.Load())
}

// BAK-4: the same with Litestream, which copies the database while the node serves; both are killed.
func TestTortureLitestream(t *testing.T) {
	if os.Getenv("COOPNODE_TORTURE") == "" {
		aptest.Without(t, "Litestream, which make torture builds and runs")
		return
	}
	tools := t.TempDir()
	install := exec.Command("go", "install", "github.com/benbjohnson/litestream/cmd/litestream@v0.3.13")
	install.Env = append(os.Environ(), "GOBIN="+tools, "GOFLAGS=", "CGO_ENABLED=1")
	if out, err := install.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	litestream := filepath.Join(tools, "litestream")
	openings, pictures := drillSize()
	d := newDrill(t, openings, pictures)
	replica := filepath.Join(t.TempDir(), "replica")
	// The file that is shipped, with the folders of this test in it.
	shipped, err := os.ReadFile("../../deploy/litestream.yml")
	if err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(tools, "litestream.yml")
	text := strings.NewReplacer("/var/lib/coopnode/coopnode.db", filepath.Join(d.dir, "coopnode.db"), "/mnt/backup/litestream", replica).Replace(string(shipped))
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	log := &quietBuffer{}
	replicate := exec.Command(litestream, "replicate", "-config", config)
	replicate.Stdout, replicate.Stderr = log, log
	if err := replicate.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { replicate.Process.Kill() })
	d.until("a snapshot is there", func() bool {
		found, err := filepath.Glob(filepath.Join(replica, "generations", "*", "snapshots", "*"))
		return err == nil && len(found) > 0
	})
	d.publish("Said under Litestream")
	time.Sleep(3 * time.Second) // Litestream looks once a second: what is younger may be lost
	back := filepath.Join(t.TempDir(), "back")
	d.lose()
	replicate.Process.Kill()
	replicate.Wait()
	began := time.Now()
	copied := filepath.Join(t.TempDir(), "coopnode.db")
	if out, err := exec.Command(litestream, "restore", "-config", config, "-o", copied, filepath.Join(d.dir, "coopnode.db")).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s\n%s", err, out, log)
	}
	from := d.dir
	d.dir = back
	d.command("restore", copied, "--key", filepath.Join(from, "master.key"))
	if err := os.RemoveAll(filepath.Join(back, "pictures")); err != nil {
		t.Fatal(err)
	}
	copyPlainly(t, filepath.Join(from, "pictures"), filepath.Join(back, "pictures"))
	took := time.Since(began)
	info, err := os.Stat(copied)
	if err != nil {
		t.Fatal(err)
	}
	d.dir = from
	d.comeBack(back, openings+2)
	t.Logf("restored by Litestream and started from %.0f MB of database in %.2f s; %d letters came in meanwhile", float64(info.Size())/1e6, took.Seconds(), d.taken.Load())
}
