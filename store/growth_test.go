package store

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/coopnode/coopnode/node"
)

// How a table is kept from growing without end (DB-7).
const (
	swept  = "rows go by age, in Sweep"
	ends   = "a row goes when what it is for has ended: a letter when it is handled or after 12 tries, a delivery after 7 days at most"
	ours   = "what people here made; it grows with their work"
	number = "so many at most, see help/limits.md"
	along  = "goes with the row that it belongs to"
	others = "one row for each who has to do with what is here, and goes with it"
	once   = "written once, or one row a name"
)

// bounds says of each table what bounds it. A table that is not here fails the test: whoever makes one says what bounds it.
var bounds = map[string]string{
	"setting": once, "own_key": once, "schema_sum": once, "goose_db_version": once, "secret": once,
	"actor": swept, "object": swept, "object_tag": along, "object_skill": along, "reaction": swept, "reader": swept,
	"follower": others, "followed": ours, "timeline": swept, "act": swept, "letter": ends, "seen": swept, "delivery": ends,
	"peer": swept, "task": ends, "rule": ours, "remark": along, "report": swept, "picture": swept, "picture_use": swept,
	"picture_waste": ends, "peer_form": swept, "moved": swept, "quote": swept, "membership": number, "opinion": others,
	"search_doc": along, "search_author": along, "search_facet": along, "search_note": ends,
	"search_text": along, "search_text_config": once, "search_text_data": along, "search_text_docsize": along, "search_text_idx": along,
	"subscription": number, "sighting": number, "look": swept, "reshare": swept, "passed_on": others,
	"person": number, "session": swept, "pass": swept, "audit": swept, "notice_choice": along, "notice": swept, "delivery_hour": swept,
}

// DB-7: every table has a bound, and what is said to be swept is named by a sweep.
func TestEveryTableIsBounded(t *testing.T) {
	t.Parallel()
	db := open(t, Options{})
	tables := names(t, db, `select name from sqlite_master where type = 'table' and name not like 'sqlite_%'`)
	all := slices.Concat(sweeps, endings, []string{dropAudit, strayUses, "delete from picture as p"}) // the last is made by waste
	sweeping := strings.Join(strings.Fields(strings.Join(all, " ")), " ") + " "
	for name := range tables {
		switch bound := bounds[name]; {
		case bound == "":
			t.Errorf("nobody has said what bounds the table %s (DB-7)", name)
		case bound == swept && !strings.Contains(sweeping, "delete from "+name+" "):
			t.Errorf("%s is said to be swept, and no sweep names it", name)
		}
	}
	for name := range bounds {
		if !tables[name] {
			t.Errorf("there is no table %s", name)
		}
	}
}

// DB-7: four hundred days of strangers who publish, write and are answered, with a sweep a day: from the hundredth day on, when the
// first have gone, the file does not grow.
func TestFileStopsGrowing(t *testing.T) {
	t.Parallel()
	db := open(t, Options{})
	ctx := t.Context()
	const ofADay = 8
	text := strings.Repeat("Bread and salt for everybody who comes by. ", 20)
	day := func(d int) {
		now := noon.AddDate(0, 0, d)
		err := db.Tx(ctx, func(tx node.Tx) error {
			for i := range ofADay {
				iri := fmt.Sprintf("https://h%d-%d.example/", d, i)
				a := &node.Actor{IRI: iri + "ap", Type: "Person", Handle: "a", Host: node.HostOf(iri), Name: "Somebody", Inbox: iri + "inbox", Fetched: now, Raw: []byte(text)}
				o := &node.Post{Base: node.Base{ID: node.RemoteID(iri + "1"), IRI: iri + "1", Type: node.TypePost, Actor: a.IRI, Audience: node.Public, Published: now, Updated: now, Received: now,
					Texts: []node.Text{{Lang: "en", HTML: text}}, Raw: []byte(text), Tags: []string{"bread"}}}
				if err := tx.SaveActor(ctx, a); err != nil {
					return err
				}
				if err := tx.SaveObject(ctx, o); err != nil {
					return err
				}
				if err := tx.React(ctx, node.Reaction{IRI: iri + "like", Object: o.IRI, Actor: a.IRI, Verb: node.Like, At: now}); err != nil {
					return err
				}
				for k := range 5 {
					if err := tx.MarkSeen(ctx, fmt.Sprint(iri, "seen/", k), a.IRI, false, now); err != nil {
						return err
					}
				}
				act := &node.ActRecord{IRI: fmt.Sprintf("https://mill.example/ap/activities/%d-%d", d, i), Verb: node.Accept, Object: iri + "follow", Raw: []byte(text), At: now}
				if err := tx.SaveAct(ctx, act); err != nil {
					return err
				}
			}
			return tx.Sweep(ctx, now)
		})
		for more := true; err == nil && more; {
			err = db.Tx(ctx, func(tx node.Tx) (err error) {
				more, err = tx.IndexNoted(ctx, now, 1000)
				return err
			})
		}
		for first, more := true, d%10 == 0; err == nil && more; first = false {
			err = db.Tx(ctx, func(tx node.Tx) (err error) {
				more, err = tx.TidyIndex(ctx, first)
				return err
			})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	size := func() int64 {
		if err := db.Cleanse(ctx); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(db.path)
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	var sizes [5]int64
	for d := range 400 {
		day(d)
		if (d+1)%100 == 0 {
			sizes[(d+1)/100] = size()
		}
	}
	t.Logf("bytes after 100, 200, 300 and 400 days: %v", sizes[1:])
	if most := sizes[1] + sizes[1]/10; sizes[4] > most {
		t.Errorf("after 400 days the file has %d bytes, after 100 it had %d", sizes[4], sizes[1])
	}
	if left := len(names(t, db, `select iri from object`)); left > 92*ofADay {
		t.Errorf("%d posts of strangers are left, want those of 90 days", left)
	}
}
