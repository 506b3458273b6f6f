package main

import (
	"archive/zip"
	"bytes"
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coopnode/coopnode/activitypub"
	"github.com/coopnode/coopnode/node"
	"github.com/coopnode/coopnode/store"
	"github.com/coopnode/coopnode/ui"
)

// holding are the files below a folder in which a word stands, in small or capital letters, and how many bytes there are.
func holding(t testing.TB, dir, word string) (files []string, size int) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		size += len(b)
		if bytes.Contains(bytes.ToLower(b), []byte(strings.ToLower(word))) {
			files = append(files, filepath.Base(path))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files, size
}

// GDPR-2, GDPR-3: of something that is erased beside a running server nothing is in any file of the node: not its first wording, not
// its second, not what the index or letters on their way hold, nor the name of a person, nor what somebody elsewhere wrote; a backup made
// afterwards holds nothing of it either. Its address says that it is gone, and who has it is told.
func TestErasedIsInNoFile(t *testing.T) {
	t.Parallel()
	p := newProgram(t, "coopnode", "The mill")
	db := p.open()
	p.addFollowers(db, []string{"http://127.62.0.1:1/u0/inbox"}) // it never answers: letters to it wait
	stranger := "http://127.62.0.9:1/ap/coop"
	err := db.Tx(t.Context(), func(tx node.Tx) error {
		a := &node.Actor{IRI: stranger, Type: "Organization", Handle: "quillon", Host: "127.62.0.9:1", Name: "Quillonbrand Works", Inbox: stranger + "/inbox", Fetched: time.Now()}
		if err := tx.SaveActor(t.Context(), a); err != nil {
			return err
		}
		post := &node.Post{Base: node.Base{ID: node.RemoteID(stranger + "/1"), IRI: stranger + "/1", Type: node.TypePost, Actor: stranger, Audience: node.Public, Published: time.Now(), Received: time.Now(),
			Texts: []node.Text{{Lang: "en", HTML: "<p>Xylophagous wainscot for sale.</p>"}}, Raw: []byte(`{"content":"Xylophagous wainscot for sale."}`)}}
		return tx.SaveObject(t.Context(), post)
	})
	if err != nil {
		t.Fatal(err)
	}
	db.Close()
	p.start()
	p.command("person", "invite", "Zorobabela Quintarsol", "--mail", "zoro@mill.example", "--role", "editor")
	id := p.command("opening", "new", "-q", "--title", "Vexillolatrous bakerwright", "--text", "Somebody who kneads floccinaucinihil dough.", "--kind", "job")
	p.command("opening", "edit", id, "--text", "Somebody who kneads honorificabilit dough.")
	words := []string{"vexillolatrous", "bakerwright", "floccinaucinihil", "honorificabilit", "zorobabela", "quintarsol", "zoro@mill", "quillonbrand", "xylophagous", "wainscot"}
	for _, w := range words {
		if files, _ := holding(t, p.dir, w); len(files) == 0 && w != "floccinaucinihil" {
			t.Fatalf("%s was in no file that was looked at", w)
		}
	}
	for _, tt := range []struct{ kind, what, said string }{
		{"item", id, "letters tell those who hold it"},
		{"person", "Zorobabela Quintarsol", "Not found in "},
		{"actor", stranger, "1 things that it published"},
	} {
		if out := p.command("erase", tt.kind, tt.what, "--dry-run"); !strings.Contains(out, "Would erase") {
			t.Errorf("a dry run of %s says %s", tt.kind, out)
		}
		out := p.command("erase", tt.kind, tt.what, "--yes")
		if !strings.Contains(out, tt.said) || !strings.Contains(out, "Not found in ") {
			t.Errorf("erasing %s says:\n%s", tt.kind, out)
		}
	}
	backup := filepath.Join(t.TempDir(), "coop.tar") // not packed, so that its bytes can be looked through
	p.command("backup", backup)
	for _, w := range words {
		files, size := holding(t, p.dir, w)
		if len(files) > 0 {
			t.Errorf("GDPR-3: %s is still in %v", w, files)
		}
		if files, _ := holding(t, filepath.Dir(backup), w); len(files) > 0 {
			t.Errorf("GDPR-3: %s is in a backup made after the erasure", w)
		}
		if w == words[0] {
			t.Logf("looked through %d bytes for each of %d words", size, len(words))
		}
	}
	if code := p.status(p.base + "/ap/openings/" + strings.TrimSpace(id)); code != 410 {
		t.Errorf("its address answers %d, want 410", code)
	}
	if waits := p.command("delivery", "list"); !strings.Contains(waits, "127.62.0.1") {
		t.Errorf("who has it is not told: %s", waits)
	}
	p.stop()
}

// GDPR-2: an erasure that is broken off after what it erases is gone from the pages is finished by the next start.
func TestErasureOutlivesACrash(t *testing.T) {
	t.Parallel()
	p := newProgram(t, "coopnode", "The mill")
	id := p.command("opening", "new", "-q", "--title", "Vexillolatrous bakerwright", "--kind", "job")
	p.command("opening", "remove", id, "--yes") // ends without cleaning the files
	if files, _ := holding(t, p.dir, "vexillolatrous"); len(files) == 0 {
		t.Fatal("there is nothing left to finish")
	}
	db, err := store.Open(t.Context(), store.Options{Dir: p.dir})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	later := func() time.Time { return time.Now().Add(2 * time.Minute) }
	n, err := node.New(t.Context(), db, activitypub.NewEncoder, node.Options{Now: later, Markdown: ui.Markdown, Clean: ui.Clean})
	if err != nil {
		t.Fatal(err)
	}
	if since, err := n.Erasing(t.Context()); err != nil || since.IsZero() {
		t.Fatalf("nobody remembers that something is to be erased: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- n.KeepIndexed(ctx) }()
	for limit := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		since, err := n.Erasing(t.Context())
		if err != nil || time.Now().After(limit) {
			t.Fatalf("not finished: %v, %v", since, err)
		}
		if since.IsZero() {
			break
		}
	}
	cancel()
	<-ended
	if files, _ := holding(t, p.dir, "vexillolatrous"); len(files) > 0 {
		t.Errorf("it is still in %v", files)
	}
}

// BAK-5: what was erased after a backup is erased again when it is put back: things, people, and strangers.
func TestErasedAgainAfterRestore(t *testing.T) {
	t.Parallel()
	p := newProgram(t, "coopnode", "The mill")
	stranger := "http://127.62.0.9:1/ap/coop"
	db := p.open()
	if err := db.Tx(t.Context(), func(tx node.Tx) error {
		return tx.SaveActor(t.Context(), &node.Actor{IRI: stranger, Type: "Person", Handle: "quillon", Host: "127.62.0.9:1", Name: "Quillonbrand", Inbox: stranger + "/inbox", Fetched: time.Now()})
	}); err != nil {
		t.Fatal(err)
	}
	db.Close()
	p.command("person", "invite", "Zorobabela Quintarsol", "--mail", "zoro@mill.example", "--role", "editor")
	id := p.command("post", "new", "-q", "--text", "Vexillolatrous bakerwright")
	backup := filepath.Join(t.TempDir(), "coop.tar.gz")
	p.command("backup", backup)
	p.command("erase", "item", id, "--yes")
	p.command("erase", "person", "Zorobabela Quintarsol", "--yes")
	p.command("erase", "actor", stranger, "--yes")

	q := &program{TB: t, bin: "coopnode", dir: filepath.Join(t.TempDir(), "data"), base: p.base, log: &quietBuffer{}}
	q.command("restore", backup, "--key", filepath.Join(p.dir, "master.key"), "--erased", filepath.Join(p.dir, "erased.log"))
	for _, list := range [][]string{{"person", "list"}, {"post", "list"}, {"directory"}} {
		if out := q.command(list...); strings.Contains(out, "Zorobabela") || strings.Contains(out, "Vexillolatrous") || strings.Contains(out, "Quillonbrand") {
			t.Errorf("after the restore %v has\n%s", list, out)
		}
	}
	if entries := q.command("audit", "list", "--json"); strings.Contains(entries, "Zorobabela") {
		t.Error("the audit log has the name again")
	}
}

// GDPR-1: the archive by command, for the coop and for one person; it is readable by its owner alone and replaces nothing.
func TestExportByCommand(t *testing.T) {
	t.Parallel()
	p := newProgram(t, "coopnode", "The mill")
	p.command("person", "invite", "Zorobabela Quintarsol", "--mail", "zoro@mill.example", "--role", "editor")
	p.command("post", "new", "-q", "--text", "Bread of the day.")
	dir := t.TempDir()
	has := func(name string, want ...string) {
		t.Helper()
		z, err := zip.OpenReader(name)
		if err != nil {
			t.Fatal(err)
		}
		defer z.Close()
		for _, w := range want {
			if _, err := z.Open(w); err != nil {
				t.Errorf("%s has no %s", filepath.Base(name), w)
			}
		}
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
	coop, person := filepath.Join(dir, "coop.zip"), filepath.Join(dir, "zoro.zip")
	p.command("export", coop)
	has(coop, "profile.json", "outbox.json", "published.csv", "people.csv")
	p.command("export", person, "--person", "zoro@mill.example")
	has(person, "account.json", "sessions.json", "audit.csv")
	if out, err := p.run("export", coop).CombinedOutput(); err == nil {
		t.Errorf("it replaced a file: %s", out)
	}
	if log := p.command("audit", "list"); !strings.Contains(log, "export.coop") || !strings.Contains(log, "export.person") {
		t.Errorf("the audit log does not tell: %s", log)
	}
}
