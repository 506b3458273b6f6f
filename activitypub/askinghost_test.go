package activitypub_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/coopnode/coopnode/activitypub/aptest"
	"github.com/coopnode/coopnode/node"
)

// An instance actor, which sends no letters, makes its host a reader by a signed GET: its key is fetched after
// the answer (decisions 16). Of one host few are fetched, whatever comes, and nothing is for who signs falsely.
func TestInstanceActorIsAReader(t *testing.T) {
	mill, away := aptest.NewNode(t, "mill"), aptest.NewStranger(t, "away")
	opening := mill.Opening("A printer wanted")
	instance, thief := away.Person("instance"), away.Person("thief")
	thief.Key = aptest.NewKey()
	for _, p := range []*aptest.Person{instance, thief} {
		if a := p.Get(opening.IRI); a.Status != http.StatusOK {
			t.Fatalf("GET: %d", a.Status)
		}
		aptest.Until(t, "the key is fetched", func() bool { return away.Count(http.MethodGet, p.ID[len(away.Base):]) == 1 })
	}
	for turn := 0; len(away.Letters("Update")) == 0; turn++ {
		if turn == 100 {
			t.Fatal("the reader does not hear of changes")
		}
		if _, err := mill.SetOpeningStatus(t.Context(), "test", opening.IRI, [...]node.Status{node.Paused, node.Open}[turn%2]); err != nil {
			t.Fatal(err)
		}
		mill.Delivered()
	}

	away.Forget()
	for i := range 30 {
		away.Person(fmt.Sprint("reader", i)).Get(opening.IRI)
	}
	mill.Wire.Close() // waits for what is being noted
	if n := away.Count(http.MethodGet, "/users/"); n > 3 {
		t.Errorf("30 signed GETs of strangers made this node ask for %d keys of one host, want at most 3", n)
	}
}
