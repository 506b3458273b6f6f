package main

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coopnode/coopnode/activitypub"
	"github.com/coopnode/coopnode/node"
	"github.com/coopnode/coopnode/store"
	"github.com/coopnode/coopnode/ui"
)

// damageTime is the clock of the nodes here, so that the same is served each time.
var damageTime = time.Date(2027, 3, 1, 12, 0, 0, 0, time.UTC)

// A leftNode is the data folder of a node as it was left, and what that node serves.
type leftNode struct {
	dir   string
	paths []string
	right map[string]string // answers by path
}

// serves opens a data folder as serve does and asks for every path. A panic is a 500. refused is why it does not open.
func serves(t *testing.T, dir string, paths []string) (answers map[string]string, refused error) {
	t.Helper()
	db, err := store.Open(t.Context(), store.Options{Dir: dir, Serve: true})
	if err != nil {
		return nil, err
	}
	defer db.Close()
	n, err := node.New(t.Context(), db, activitypub.NewEncoder, node.Options{Now: func() time.Time { return damageTime }, Markdown: ui.Markdown, Clean: ui.Clean})
	if err != nil {
		return nil, err
	}
	h := &house{Node: n, cfg: &Config{Listen: []string{"127.0.0.1:0"}}, db: db}
	log := slog.New(slog.DiscardHandler)
	wire, err := h.wire(t.Context(), log)
	if err != nil {
		return nil, err
	}
	defer wire.Close()
	e := mountAll(h, wire, nil, newCounters(), log)
	answers = map[string]string{}
	for i, path := range paths {
		r := httptest.NewRequest(http.MethodGet, "https://mill.example"+path, nil)
		r.RemoteAddr = fmt.Sprintf("10.9.%d.1:5000", i)
		r.Header.Set("Accept", "text/html")
		if strings.HasPrefix(path, "/ap/") {
			r.Header.Set("Accept", acceptDocument)
		}
		rec := httptest.NewRecorder()
		e.ServeHTTP(rec, r)
		answers[path] = fmt.Sprint(rec.Code, " ", rec.Body.String())
		if rec.Code == http.StatusServiceUnavailable || rec.Code == http.StatusInternalServerError {
			answers[path] = fmt.Sprint(rec.Code)
		}
	}
	return answers, nil
}

// newImages makes a node with something of each kind, and leaves it twice: in the middle of its work, as a kill does, and stopped.
func newImages(t *testing.T) (killed, stopped *leftNode) {
	t.Helper()
	ctx, dir := t.Context(), t.TempDir()
	db, err := store.Open(ctx, store.Options{Dir: dir, Create: true, Serve: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	err = node.SetUp(ctx, db, activitypub.NewEncoder, node.Setup{Base: "https://mill.example", Handle: "mill", Name: "Mill"}, damageTime)
	if err != nil {
		t.Fatal(err)
	}
	n, err := node.New(ctx, db, activitypub.NewEncoder, node.Options{Now: func() time.Time { return damageTime }, Markdown: ui.Markdown, Clean: ui.Clean})
	if err != nil {
		t.Fatal(err)
	}
	paths := []string{"/", "/openings", "/posts", "/search?q=rye", "/numbers", "/nodeinfo/2.1", "/ap/coop", "/ap/coop/outbox", "/ap/coop/outbox?page=true", "/ap/coop/followers",
		"/openings.atom", "/.well-known/webfinger?resource=acct%3Amill%40mill.example"}
	for i := range 12 {
		texts := []node.Text{{Lang: "en", Title: fmt.Sprint("Miller wanted, number ", i), Source: strings.Repeat(fmt.Sprintf("We grind *rye* in batch %d. ", i), 20)}}
		var o node.Object = &node.Opening{Base: node.Base{Type: node.TypeOpening, Texts: texts}, Kind: node.Job, Closes: damageTime.AddDate(0, 2, i)}
		if i%2 == 0 {
			texts[0].Title = ""
			o = &node.Post{Base: node.Base{Type: node.TypePost, Texts: texts}}
		}
		if err := n.Publish(ctx, "command:test", o); err != nil {
			t.Fatal(err)
		}
		b := o.Common()
		paths = append(paths, strings.TrimPrefix(b.IRI, "https://mill.example"), strings.TrimPrefix(b.URL, "https://mill.example"))
	}
	killed, stopped = &leftNode{dir: t.TempDir(), paths: paths}, &leftNode{dir: dir, paths: paths}
	copyFolder(t, dir, killed.dir)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	for _, im := range []*leftNode{killed, stopped} {
		var before map[string]string
		for range 2 {
			scratch := t.TempDir()
			copyFolder(t, im.dir, scratch)
			if im.right, err = serves(t, scratch, paths); err != nil {
				t.Fatal(err)
			}
			for _, path := range paths {
				if before != nil && before[path] != im.right[path] {
					t.Fatalf("%s is not the same each time: nothing can be compared", path)
				}
				if !strings.HasPrefix(im.right[path], "200 ") && !strings.HasPrefix(im.right[path], "30") {
					t.Fatalf("undamaged, %s answers %.200s", path, im.right[path])
				}
			}
			before = im.right
		}
	}
	return killed, stopped
}

// copyFolder copies files with their times, for the sum of the database counts only with the time at which it was noted.
func copyFolder(t *testing.T, from, to string) {
	t.Helper()
	entries, err := os.ReadDir(from)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.IsDir() || e.Name() == "serve.lock" || strings.HasSuffix(e.Name(), "-shm") {
			continue
		}
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(filepath.Join(from, e.Name()))
		if err == nil {
			err = rewrite(filepath.Join(to, e.Name()), b, info.ModTime())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func rewrite(path string, b []byte, changed time.Time) error {
	if err := os.WriteFile(path, b, 0o600); err != nil {
		return err
	}
	return os.Chtimes(path, changed, changed)
}

const pageBytes = 4096

// damages are what disks do to a file. Whoever damages does not say so by the time of the file.
var damages = []struct {
	name string
	do   func(r *rand.Rand, b []byte) []byte
}{
	{"one bit", func(r *rand.Rand, b []byte) []byte { b[r.IntN(len(b))] ^= 1 << r.IntN(8); return b }},
	{"bits", func(r *rand.Rand, b []byte) []byte {
		for range 2 + r.IntN(50) {
			b[r.IntN(len(b))] ^= 1 << r.IntN(8)
		}
		return b
	}},
	{"cut", func(r *rand.Rand, b []byte) []byte { return b[:r.IntN(len(b))] }},
	{"page of zeros", func(r *rand.Rand, b []byte) []byte {
		at := r.IntN(len(b)/pageBytes) * pageBytes
		clear(b[at : at+pageBytes])
		return b
	}},
	{"two pages changed places", func(r *rand.Rand, b []byte) []byte {
		one, other := r.IntN(len(b)/pageBytes)*pageBytes, r.IntN(len(b)/pageBytes)*pageBytes
		page := slices.Clone(b[one : one+pageBytes])
		copy(b[one:], b[other:other+pageBytes])
		copy(b[other:], page)
		return b
	}},
}

// DB-3: a damaged database is refused, or what is asked of it is right or not answered: never something wrong, and no panic.
// Of a log only what stands before the last change is damaged: the end of that looks like a power failure.
func TestTortureDamagedDatabases(t *testing.T) {
	each := 8
	if os.Getenv("COOPNODE_TORTURE") != "" {
		each = 200
	} else {
		t.Parallel()
		t.Logf("%d databases; 1,000 with COOPNODE_TORTURE=1 (make torture)", each*len(damages))
	}
	killed, stopped := newImages(t)
	const log = "coopnode.db-wal"
	left := map[string]*leftNode{"coopnode.db": stopped, log: killed}
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 0))
	t.Logf("seed %d", seed)
	t.Logf("%-26s %-16s %7s %10s %8s %6s", "damage", "file", "refused", "unanswered", "harmless", "wrong")
	for _, damage := range damages {
		for file, im := range left {
			refused, unanswered, harmless, wrong := 0, 0, 0, 0
			n := each * 3 / 4
			switch {
			case damage.name == "cut" && file == log:
				continue // as after a power failure, for all that anybody can tell
			case damage.name == "cut":
				n = each
			case file == log:
				n = each - n
			}
			for range n {
				dir := t.TempDir()
				copyFolder(t, im.dir, dir)
				path := filepath.Join(dir, file)
				b, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				info, err := os.Stat(path)
				if err != nil {
					t.Fatal(err)
				}
				end := len(b)
				if file == log {
					end = len(b) - lastChange(b)
				}
				b = append(damage.do(r, slices.Clone(b[:end])), b[end:]...)
				if err := rewrite(path, b, info.ModTime()); err != nil {
					t.Fatal(err)
				}
				answers, err := serves(t, dir, im.paths)
				switch {
				case err != nil && node.KindOf(err) == node.Damaged:
					refused++
					continue
				case err != nil:
					t.Errorf("%s of %s is refused with %v, want Damaged", damage.name, file, err)
					continue
				}
				not := 0
				for _, path := range im.paths {
					switch got := answers[path]; got {
					case im.right[path]:
					case "503":
						not++
					default:
						wrong++
						t.Errorf("%s of %s: %s answers %.120s", damage.name, file, path, got)
					}
				}
				if not > 0 {
					unanswered++
				} else {
					harmless++
				}
			}
			t.Logf("%-26s %-16s %7d %10d %8d %6d", damage.name, file, refused, unanswered, harmless, wrong)
		}
	}
}

// lastChange is how many bytes at the end of a log belong to its last two changes.
func lastChange(b []byte) int {
	const frame = 24 + pageBytes
	ends := 0
	for at := len(b) - frame; at > 0; at -= frame {
		if string(b[at+4:at+8]) != "\x00\x00\x00\x00" {
			if ends++; ends == 3 {
				return len(b) - at - frame
			}
		}
	}
	return len(b)
}
