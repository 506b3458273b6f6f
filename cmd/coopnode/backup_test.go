package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coopnode/coopnode/activitypub/aptest"
	"github.com/coopnode/coopnode/node"
	"github.com/coopnode/coopnode/store"
)

// BAK-1, DB-2: backups that are made while 50 letters a second come in hold every letter that was taken before they
// began, or its effect.
func TestBackupWhileLettersComeIn(t *testing.T) {
	t.Parallel()
	p := newProgram(t, "coopnode", "The mill")
	post := p.command("post", "new", "-q", "--text", "What do you say?")
	links := node.Links{Base: p.base}
	p.start()
	ana := aptest.NewStranger(t, "away").Person("ana")
	taken := make(chan string, 1000)
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		tick := time.NewTicker(time.Second / 50)
		defer tick.Stop()
		for range 500 { // a server may send 600 a minute
			note := ana.Note("<p>This.</p>", aptest.M{"inReplyTo": links.Object(node.TypePost, post)})
			ana.Want(http.StatusAccepted, links.Inbox(), ana.Create(note))
			taken <- note["id"].(string)
			select {
			case <-stop:
				return
			case <-tick.C:
			}
		}
	}()
	var before []string
	for n := range 3 {
		for more := true; more || len(before) < 20*(n+1); {
			select {
			case id := <-taken:
				before = append(before, id)
			default:
				more = false
				time.Sleep(time.Millisecond)
			}
		}
		path := filepath.Join(t.TempDir(), fmt.Sprint(n, ".tar.gz"))
		p.command("backup", path)
		p.command("verify", path)
		back := t.TempDir()
		if _, err := store.Restore(t.Context(), path, store.RestoreOptions{Dir: back, KeyFile: filepath.Join(p.dir, "master.key")}); err != nil {
			t.Fatal(err)
		}
		db, err := store.Open(t.Context(), store.Options{Dir: back})
		if err != nil {
			t.Fatal(err)
		}
		waiting := map[string]bool{}
		letters, err := db.Letters(t.Context(), time.Now().Add(time.Hour), 0, nil, 1000)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range letters {
			waiting[l.Object] = true
		}
		for _, id := range before {
			if _, err := db.Object(t.Context(), id); err != nil && !waiting[id] {
				t.Errorf("backup %d: %s was taken before and is neither waiting nor there: %v", n+1, id, err)
			}
		}
		t.Logf("backup %d: %d letters taken before it began, %d of them waiting in it", n+1, len(before), len(letters))
		db.Close()
	}
	close(stop)
	<-stopped
	p.stop()
}

// BAK-2, BAK-4: a node that comes back from a backup serves as before, sends nothing of what waited until it is told to, then
// all of it; and it makes no id again.
func TestRestoredNodeWaits(t *testing.T) {
	t.Parallel()
	p := newProgram(t, "coopnode", "The mill")
	sink := &arrivals{}
	sink.begin(0)
	var inboxes []string
	for i := range 5 { // nobody is there yet
		l, err := net.Listen("tcp", fmt.Sprintf("127.62.%d.%d:0", rand.IntN(250)+1, i+1))
		if err != nil {
			t.Fatal(err)
		}
		inboxes = append(inboxes, "http://"+l.Addr().String()+"/inbox")
		l.Close()
	}
	db := p.open()
	p.addFollowers(db, inboxes)
	db.Close()
	p.start()
	p.command("post", "new", "-q", "--text", "Who hears this?")
	path := filepath.Join(t.TempDir(), "coop.tar.gz")
	p.command("backup", path, "--with-key")
	lost := p.command("post", "new", "-q", "--text", "Said after the backup.")
	p.stop()

	p.dir = filepath.Join(t.TempDir(), "back")
	p.command("restore", path)
	server := &http.Server{Handler: sink}
	defer server.Close()
	for _, inbox := range inboxes {
		l, err := net.Listen("tcp", node.HostOf(inbox))
		if err != nil {
			t.Fatal(err)
		}
		go server.Serve(l)
	}
	p.command("delivery", "retry") // all of them would go now
	p.start()
	if !strings.Contains(p.log.String(), "Deliveries are paused since the restore") || !strings.Contains(p.log.String(), "5 letters wait") {
		t.Errorf("serve says nothing of the pause:\n%s", p.log)
	}
	res, err := client.Get(p.base + "/")
	if err != nil {
		t.Fatal(err)
	}
	page, _ := io.ReadAll(res.Body)
	res.Body.Close()
	if !strings.Contains(string(page), "Who hears this?") && !strings.Contains(string(page), "The mill") {
		t.Errorf("the page of the restored node:\n%s", page)
	}
	// A stranger's follow is taken and answered, and the answer waits too.
	ana := aptest.NewStranger(t, "away").Person("ana")
	links := node.Links{Base: p.base}
	ana.Want(http.StatusAccepted, links.Inbox(), ana.Do("Follow", links.Actor()))
	p.until("the answer to the follow waits", func() bool {
		return strings.Contains(p.command("status"), "6 letters wait")
	})
	if fresh := p.command("post", "new", "-q", "--text", "Said again."); fresh == lost {
		t.Errorf("the id %s was made again", fresh)
	}
	if total, _, _ := sink.count(); total != 0 {
		t.Errorf("%d letters went out while deliveries are paused", total)
	}
	p.command("delivery", "resume")
	p.until("all have arrived", func() bool { _, different, _ := sink.count(); return different == 10 })
	p.until("nothing waits", func() bool { return strings.Contains(p.command("status"), "everything has arrived") })
	p.stop()
}

// BAK-1: a backup that is killed leaves no half file under its name, and does not stand in the way of the next.
func TestKilledBackup(t *testing.T) {
	t.Parallel()
	p := newProgram(t, "coopnode", "The mill")
	db := p.open()
	if err := db.Tx(context.Background(), func(tx node.Tx) error {
		for i := range 40 {
			noise := make([]byte, 1<<18)
			for j := range noise {
				noise[j] = byte('a' + rand.IntN(26))
			}
			if err := tx.SetSetting(context.Background(), fmt.Sprint("noise", i), string(noise)); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "coop.tar.gz")
	killed := 0
	for range 8 {
		os.Remove(path)
		cmd := p.run("backup", path)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		p.until("it has begun to write", func() bool { list, err := os.ReadDir(dir); return err == nil && len(list) > 0 })
		time.Sleep(rand.N(150 * time.Millisecond))
		cmd.Process.Kill()
		if cmd.Wait() != nil {
			killed++
		}
		if _, err := os.Stat(path); err == nil {
			p.command("verify", path)
		}
	}
	os.Remove(path)
	p.command("backup", path)
	p.command("verify", path)
	t.Logf("%d of 8 were killed while they worked", killed)
}
