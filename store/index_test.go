package store

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coopnode/coopnode/node"
)

// indexDir makes a process of the test binary change and index things in that folder until it is killed.
const indexDir = "COOPNODE_TEST_INDEX"

var indexNow = noon.Add(1000 * time.Hour)

var indexWords = strings.Fields("mill bakery audit web maps care garden harbour tools rosario")

// changeSomething does one thing of those that change what is found.
func changeSomething(ctx context.Context, db *DB, random *rand.Rand, step int) error {
	pick := func() string { return indexWords[random.IntN(len(indexWords))] }
	coop := random.IntN(6)
	iri := fmt.Sprintf("https://coop%d.example/ap/coop", coop)
	at := noon.Add(time.Duration(step) * time.Minute)
	return db.Tx(ctx, func(tx node.Tx) error {
		switch random.IntN(12) {
		case 0, 1:
			return tx.SaveActor(ctx, &node.Actor{IRI: iri, Handle: "coop", Host: fmt.Sprintf("coop%d.example", coop), Name: pick(), Updated: at, Indexable: random.IntN(2) == 0,
				Summary: []node.Text{{HTML: pick()}}, Coop: &node.Coop{Place: node.Place{Country: []string{"ES", "PT"}[random.IntN(2)]}, Skills: []node.Skill{{Key: pick()}}}})
		case 2:
			return tx.JudgeActor(ctx, iri, []node.Severity{"", "", node.SeverityLimit, node.SeverityReject}[random.IntN(4)])
		case 3:
			if random.IntN(4) > 0 {
				return nil
			}
			return tx.ForgetActor(ctx, iri, at)
		case 4, 5:
			_, err := tx.IndexNoted(ctx, indexNow.Add(-time.Duration(random.IntN(800))*time.Hour), 1+random.IntN(20)) // later than all that is said
			return err
		case 6:
			word := node.Word{Since: noon}
			if random.IntN(2) == 0 {
				word.Until = at
			}
			return tx.SaveMembership(ctx, &node.Membership{Federation: "https://trama.example/ap/coop", Coop: iri, CoopSays: word, FederationSays: node.Word{Since: noon}})
		}
		number := random.IntN(40)
		b := node.Base{ID: fmt.Sprint("object", number), IRI: fmt.Sprint("https://a.example/", number), Actor: iri, Published: at, Updated: at, Received: at,
			Audience: []node.Audience{node.Public, node.Public, node.Unlisted, node.Followers}[random.IntN(4)], Texts: []node.Text{{Lang: "en", Title: pick() + " " + pick(), HTML: pick()}}}
		if random.IntN(8) == 0 {
			b.Deleted = at
		}
		if number%3 == 0 {
			b.Type = node.TypePost
			return tx.SaveObject(ctx, &node.Post{Base: b})
		}
		b.Type = node.TypeOpening
		return tx.SaveObject(ctx, &node.Opening{Base: b, Kind: node.Job, Status: []node.Status{node.Open, node.Filled}[random.IntN(2)],
			Closes: noon.Add(time.Duration(random.IntN(2000)) * time.Hour)})
	})
}

// changeUntilKilled is the child process of TestIndexAfterKill.
func changeUntilKilled(dir string) {
	ctx := context.Background()
	db, err := Open(ctx, Options{Dir: dir, Serve: true})
	random := rand.New(rand.NewPCG(rand.Uint64(), 7))
	for step := 0; err == nil; step++ {
		if err = changeSomething(ctx, db, random, step%10_000); step == 60 {
			fmt.Println("working")
		}
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// The index does not know the way it came to be: after any changes it is what one is that is made anew.
func TestIndexIsAsMadeAnew(t *testing.T) {
	t.Parallel()
	db := open(t, Options{})
	for seed := range uint64(4) {
		random := rand.New(rand.NewPCG(seed, 8))
		for step := range 300 {
			if err := changeSomething(t.Context(), db, random, step); err != nil {
				t.Fatal(err)
			}
		}
		asMadeAnew(t, db)
	}
}

// A process is killed in the midst of changes and of indexing. When it has caught up, the index is right.
func TestIndexAfterKill(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	open(t, Options{Dir: dir, Create: true}).Close()
	for range 4 {
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), indexDir+"="+dir)
		child.Stderr = os.Stderr
		out, err := child.StdoutPipe()
		if err == nil {
			err = child.Start()
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, err := fmt.Fscanln(out, new(string)); err != nil {
			t.Errorf("the child did nothing: %v", err)
		}
		time.Sleep(time.Duration(rand.IntN(100)) * time.Millisecond) // anywhere in its work
		child.Process.Kill()
		child.Wait()
		db := open(t, Options{Dir: dir, Serve: true}) // checks the database
		asMadeAnew(t, db)
		db.Close()
	}
}

// What was deleted is not found at once, and when the index was tidied nothing of it is in the file (GDPR-2).
func TestTidyIndexLeavesNoWords(t *testing.T) {
	t.Parallel()
	db := open(t, Options{})
	save := func(id, word string, deleted time.Time) {
		b := node.Base{ID: id, IRI: "https://a.example/" + id, Type: node.TypeOpening, Audience: node.Public, Published: noon, Updated: noon, Deleted: deleted}
		if deleted.IsZero() {
			b.Texts = []node.Text{{HTML: word}}
		}
		if err := db.Tx(t.Context(), func(tx node.Tx) error { return tx.SaveObject(t.Context(), &node.Opening{Base: b, Status: node.Open}) }); err != nil {
			t.Fatal(err)
		}
		indexEverything(t, db)
	}
	inFile := func(word string) bool {
		return len(names(t, db, `select hex(block) from search_text_data where instr(hex(block), '`+fmt.Sprintf("%X", word)+`') > 0`)) > 0
	}
	for i := range 30 {
		save(fmt.Sprint("kept", i), fmt.Sprint("kept", i), time.Time{})
	}
	save("gone", "zaragata", time.Time{})
	save("gone", "", noon)
	if !inFile("zaragata") {
		t.Error("the words are out of the file before the index was tidied: this test looks in the wrong place")
	}
	for first, more := true, true; more; first = false {
		err := db.Tx(t.Context(), func(tx node.Tx) (err error) {
			more, err = tx.TidyIndex(t.Context(), first)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if inFile("zaragata") || !inFile("kept") {
		t.Errorf("after tidying, what is gone is in the file: %v, what is kept: %v", inFile("zaragata"), inFile("kept"))
	}
	list, _, err := db.Search(t.Context(), node.SearchQuery{Text: "kept*", At: noon, Limit: 200})
	if err != nil || len(list) != 30 {
		t.Errorf("%d are found, want 30, %v", len(list), err)
	}
}

// asMadeAnew indexes all that waits, makes the index anew, and compares.
func asMadeAnew(t *testing.T, db *DB) {
	t.Helper()
	indexEverything(t, db)
	was := dumpIndex(t, db)
	err := db.writer.do(t.Context(), func(c *conn) error {
		var errs []error
		for _, s := range []string{
			`delete from search_text`, `delete from search_doc`, `delete from search_author`, `delete from search_facet`,
			`insert into search_note (ref, actor) select iri, true from actor`, `insert into search_note (ref, actor) select iri, false from object`,
		} {
			_, err := c.exec(s)
			errs = append(errs, err)
		}
		return errors.Join(errs...)
	})
	if err != nil {
		t.Fatal(err)
	}
	indexEverything(t, db)
	is := dumpIndex(t, db)
	if len(was) < 10 {
		t.Errorf("the index holds only %q", was)
	}
	for _, line := range was {
		if !slices.Contains(is, line) {
			t.Errorf("stood in the index, though it should not: %s", line)
		}
	}
	for _, line := range is {
		if !slices.Contains(was, line) {
			t.Errorf("did not stand in the index: %s", line)
		}
	}
}

func indexEverything(t *testing.T, db *DB) {
	t.Helper()
	for more := true; more; {
		err := db.Tx(t.Context(), func(tx node.Tx) (err error) {
			more, err = tx.IndexNoted(t.Context(), indexNow, 7)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// dumpIndex says what is found by every word and facet, when it changed, and how many coops have what.
func dumpIndex(t *testing.T, db *DB) []string {
	t.Helper()
	var lines []string
	collect := func(query string, args ...any) {
		err := db.writer.peek(t.Context(), func(c *conn) error {
			return c.each(func(r rowScanner) error {
				var line string
				err := r.Scan(&line)
				lines = append(lines, line)
				return err
			}, query, args...)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	collect(fmt.Sprintf(`select ref || ' ' || (doc >> %d) || ' ' || facets || ' ' || sum || ' ' || closes_ms from search_doc`, docBits))
	collect(`select 'lent ' || actor || ' ' || facets from search_author`)
	collect(`select 'facet ' || sort || ' ' || value || ' ' || coops from search_facet`)
	facets := facets{}
	facets.add(byKind, "coop", "opening", "post", "job")
	facets.add(byState, stateLive, stateOpen, stateOver)
	facets.add(byCountry, "es", "pt")
	words := append(strings.Fields(facets.words()), indexWords...)
	for _, w := range words {
		collect(`select $1 || ' in ' || d.ref from search_text join search_doc d on d.doc = search_text.rowid where search_text match '"' || $1 || '"'`, w)
	}
	collect(`select 'text without doc ' || rowid from search_text where search_text match '_tlive or _tover' and rowid not in (select doc from search_doc)`)
	slices.Sort(lines)
	return lines
}
