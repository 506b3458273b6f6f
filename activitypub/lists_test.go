package activitypub_test

import (
	"testing"

	"github.com/coopnode/coopnode/activitypub/aptest"
	"github.com/coopnode/coopnode/node"
)

// ORG-12: who follows whom changes by Follow, Accept, Reject, Undo and Block alone. What others keep in collections of
// theirs, or say of ours, is not taken over.
func TestListsOfOthersAreNotBelieved(t *testing.T) {
	mill, away := aptest.NewNode(t, "mill"), aptest.NewStranger(t, "away")
	ana, ben := away.Person("ana"), away.Person("ben")
	followers, following := mill.Links.Actor()+"/followers", mill.Links.Actor()+"/following"
	ana.Want(202, mill.Links.Inbox(), ana.Do("Follow", mill.Links.Actor()))
	aptest.Until(t, "ana follows", func() bool { return mill.FollowerState(ana.ID) == node.Accepted })

	list := func(id string, members ...any) m {
		return m{"id": id, "type": "OrderedCollection", "totalItems": len(members), "orderedItems": members}
	}
	lying := aptest.With(ana.Document("ana"), m{"followers": list(ana.ID+"/followers", mill.Links.Actor(), ben.ID), "following": list(ana.ID + "/following")})
	away.Serve(ana.ID, lying)
	away.Serve(ana.ID+"/followers", list(ana.ID+"/followers", mill.Links.Actor()))
	away.Serve(ana.ID+"/following", list(ana.ID+"/following"))
	for _, letter := range []m{
		aptest.With(ana.Do("Add", ben.ID), m{"target": followers}),
		aptest.With(ana.Do("Add", ana.ID), m{"target": following}),
		aptest.With(ana.Do("Remove", ana.ID), m{"target": followers}),
		ana.Do("Update", list(followers, ben.ID)),
		ana.Do("Create", list(following, ana.ID)),
		ana.Do("Update", lying),
		ana.Do("Accept", m{"id": mill.Links.Base + "/ap/acts/none", "type": "Follow", "actor": mill.Links.Actor(), "object": ana.ID}),
	} {
		answer := ana.Post(mill.Links.Inbox(), letter, func(l *aptest.Letter) {
			l.Header = map[string]any{"Collection-Synchronization": `collectionId="` + ana.ID + `/followers", url="` + ana.ID + `/followers", digest="00"`}
		})
		if answer.Status >= 500 {
			t.Errorf("%v: status %d", letter, answer.Status)
		}
	}
	mill.Handled()
	if mill.FollowerState(ana.ID) != node.Accepted || mill.FollowerState(ben.ID) != "" || mill.FollowedState(ana.ID) != "" || mill.FollowedState(ben.ID) != "" {
		t.Errorf("ana is %q and followed %q, ben is %q and followed %q", mill.FollowerState(ana.ID), mill.FollowedState(ana.ID), mill.FollowerState(ben.ID), mill.FollowedState(ben.ID))
	}
	if n, err := mill.DB.CountFollowers(t.Context()); err != nil || n != 1 {
		t.Errorf("%d followers, %v", n, err)
	}
}
