package store

import (
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coopnode/coopnode/node"
)

// kept opens testdata/schema-N.db.gz, which the program of that schema wrote, in a new data folder with its master key. One is
// kept of each schema that people have: of the first, and of that of every release.
func kept(t *testing.T, version string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	copyTo := func(name string, from io.Reader) {
		t.Helper()
		f, err := os.OpenFile(filepath.Join(dir, name), os.O_WRONLY|os.O_CREATE, 0o600)
		if err == nil {
			_, err = io.Copy(f, from)
			f.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, in := range map[string]string{fileName: ".db.gz", keyName: ".key"} {
		f, err := os.Open("testdata/schema-" + version + in)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		var from io.Reader = f
		if strings.HasSuffix(in, ".gz") {
			if from, err = gzip.NewReader(f); err != nil {
				t.Fatal(err)
			}
		}
		copyTo(name, from)
	}
	return dir
}

// DB-5: what programs of before wrote is all there after the update: the key, what was published, what was erased, followers and the
// letters that wait; the database is whole, and a backup of it can be restored.
func TestOldSchemas(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/schema-*.db.gz")
	if err != nil || len(files) < 2 {
		t.Fatalf("%d old databases are kept (%v)", len(files), err)
	}
	for _, file := range files {
		version := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(file), "schema-"), ".db.gz")
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			ctx := t.Context()
			var stages []string
			db := open(t, Options{Dir: kept(t, version), Serve: true, Progress: func(s Stage) {
				if s.Step <= 1 {
					stages = append(stages, s.Doing)
				}
			}})
			t.Logf("stages %v", stages)
			if version == "1" && strings.Join(stages, " ") != "check copy update" {
				t.Errorf("opened in stages %q", stages)
			}
			if base, err := db.Setting(ctx, "base"); err != nil || base != "http://localhost:8080" {
				t.Errorf("the base address is %q (%v)", base, err)
			}
			keys, err := db.OwnKeys(ctx)
			if err != nil || len(keys) != 1 {
				t.Fatalf("keys %v, %v", keys, err)
			}
			if _, err := keys[0].Public(); err != nil {
				t.Errorf("the key cannot be used: %v", err)
			}
			for kind, want := range map[node.ObjectType]int{node.TypeOpening: 1, node.TypePost: 1, node.TypeProject: 1} {
				if n, err := db.CountObjects(ctx, node.ObjectQuery{Type: kind, Local: true}); err != nil || n != want {
					t.Errorf("%d of %s (%v), want %d", n, kind, err, want)
				}
			}
			list, _, err := db.Objects(ctx, node.ObjectQuery{Type: node.TypeOpening, Local: true})
			if err != nil || len(list) != 1 || list[0].Common().Title() != "A baker for the oven" {
				t.Fatalf("openings %v, %v", list, err)
			}
			if n, err := db.CountFollowers(ctx); err != nil || n != 1 {
				t.Errorf("%d followers (%v)", n, err)
			}
			waiting, err := db.DueDeliveries(ctx, "sea.example", time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC), 10)
			if err != nil || len(waiting) != 1 || waiting[0].Object != list[0].Common().IRI {
				t.Errorf("letters that wait: %+v, %v", waiting, err)
			}
			deleted := names(t, db, `select iri from object where local and deleted_ms > 0`)
			if len(deleted) != 1 {
				t.Errorf("%d are erased, want 1", len(deleted))
			}
			if err := db.CheckWhole(ctx); err != nil {
				t.Errorf("the database is not whole: %v", err)
			}
			if err := db.TryRestore(ctx, backup(t, db, false)); err != nil {
				t.Errorf("a backup of it: %v", err)
			}
		})
	}
}
