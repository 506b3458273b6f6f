package activitypub_test

import (
	"testing"
	"time"

	"github.com/coopnode/coopnode/activitypub/aptest"
	"github.com/coopnode/coopnode/node"
)

// A coop that is listed may not have had its answer when it is asked what it says itself: it is asked again soon, not after
// seven days.
func TestListedBeforeItSaysSo(t *testing.T) {
	u := newLeague(t, "trama", node.Admission{Rule: node.BySteward})
	mill, reader := coop(t, "mill"), aptest.NewNode(t, "reader")
	reader.Follow(u.Links.Host())
	u.applies(mill)
	u.comes(node.StepApplied, mill, u.Node)
	mill.Delivered()
	mill.Rest() // what comes now lies at its door
	u.must(u.Admit(t.Context(), "test", mill.Links.Actor(), nil))
	u.stands(node.ListedOnly, mill, reader)
	aptest.Until(t, "it is asked", func() bool {
		m, err := reader.Membership(t.Context(), u.iri(), mill.Links.Actor())
		return err == nil && !m.CoopSays.Checked.IsZero()
	})
	mill.Restart()
	u.stands(node.Confirmed, mill, u.Node, mill)
	reader.Later(2 * time.Minute)
	u.stands(node.Confirmed, mill, reader)
}

// Who follows one federation of a coop and hears of another one asks that too, also where it has asked it before about
// somebody else: nobody is shown as claiming what was not looked up.
func TestOtherFederationsOfMembers(t *testing.T) {
	trama, ponte := newLeague(t, "trama", node.Admission{Rule: node.BySteward}), newLeague(t, "ponte", node.Admission{Rule: node.BySteward})
	mill, bakery, reader := coop(t, "mill"), coop(t, "bakery"), aptest.NewNode(t, "reader")
	reader.Follow(trama.Links.Host())
	for _, c := range []*aptest.Node{mill, bakery} {
		ponte.takes(c)
		trama.takes(c)
		reader.Later(2 * time.Minute)
		trama.stands(node.Confirmed, c, reader)
		ponte.stands(node.Confirmed, c, reader)
	}
}
