package node

import (
	"context"
	"slices"
	"time"
)

// parentOf gives what an object answers, nil if it answers nothing or nothing that is known. By the
// address of its page only something of ours is found: others could claim any page.
func (n *Node) parentOf(ctx context.Context, tx Tx, b *Base) (*Base, error) {
	if b.InReplyTo == "" {
		return nil, nil
	}
	o, err := tx.Object(ctx, b.InReplyTo)
	if IsNotFound(err) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	parent := o.Common()
	if parent.IRI != b.InReplyTo && !parent.Local {
		return nil, nil
	}
	return parent, nil
}

// wanted says whether there is a reason to keep what an act carries, which answers parent.
func (n *Node) wanted(ctx context.Context, tx Tx, a *Act, parent *Base) (bool, error) {
	if ok, err := n.follows(ctx, tx, a.Actor); ok || err != nil {
		return ok, err
	}
	// A stranger may write to us; what stands on our board and in our projects is not for strangers to say.
	if _, post := a.Object.(*Post); !post {
		return false, nil
	}
	us := n.Links.Actor()
	if slices.Contains(a.Object.Common().To, us) || contains(a.To, a.Cc, us) {
		return true, nil
	}
	return parent != nil && (parent.Local || n.Links.Ours(parent.Thread)) && parent.Deleted.IsZero() && !parent.Draft, nil
}

func (n *Node) follows(ctx context.Context, tx Tx, actor string) (bool, error) {
	f, err := tx.Followed(ctx, actor)
	if IsNotFound(err) {
		return false, nil
	}
	return err == nil && f.State == Accepted, err
}

// keepForeign stores an object of another node once, and says who brought it.
func (n *Node) keepForeign(ctx context.Context, tx Tx, a *Act, now time.Time) error {
	b := a.Object.Common()
	if n.Links.Ours(b.IRI) {
		return nil // looked up here, never taken from others (security.md 3)
	}
	if refused, err := n.refuses(ctx, tx, b.Actor); err != nil || refused { // also where somebody else brings it (MOD-3)
		return err
	}
	if _, deleted, err := tx.Seen(ctx, deletion(b.Actor, b.IRI)); err != nil || deleted {
		return err
	}
	if err := settleAudience(ctx, tx, b); err != nil {
		return err
	}
	if err := n.settleProject(ctx, tx, b); err != nil {
		return err
	}
	old, err := tx.LockObject(ctx, b.IRI)
	switch {
	case IsNotFound(err):
		parent, err := n.placeInThread(ctx, tx, b)
		if err != nil {
			return err
		}
		b.ID, b.Received = RemoteID(b.IRI), now
		if err := tx.SaveObject(ctx, a.Object); err != nil {
			return err
		}
		if err := n.notice(ctx, tx, a, parent, now); err != nil {
			return err
		}
		if err := n.joinEarly(ctx, tx, b, now); err != nil {
			return err
		}
		if err := n.wantPictures(ctx, tx, a.Object, now); err != nil {
			return err
		}
	case err != nil:
		return err
	case !old.Common().Deleted.IsZero() || old.Common().Actor != b.Actor || old.Common().Type != b.Type:
		return nil
	case b.Updated.After(old.Common().Updated): // the shared copy is newer than ours
		if err := n.renewForeign(ctx, tx, a.Object, old.Common(), now); err != nil {
			return err
		}
	}
	if ok, err := n.hears(ctx, tx, a.Actor); err != nil {
		return err
	} else if ok && b.Audience != Direct {
		e := &TimelineEntry{ObjectIRI: b.IRI, Actor: a.Actor, Verb: a.Verb, IRI: a.IRI, At: arrival(a.Published, now)}
		if err := tx.Bring(ctx, e); err != nil {
			return err
		}
		if a.Verb == Announce {
			if err := n.notePassed(ctx, tx, a.Actor, b.IRI, e.At); err != nil {
				return err
			}
		}
	}
	return n.passOnAnew(ctx, tx, a, now)
}

// renewForeign puts a newer version of an object in the place of old. Where it stands does not
// change: its id, its time and its conversation, and whether our people have hidden it.
func (n *Node) renewForeign(ctx context.Context, tx Tx, fresh Object, old *Base, now time.Time) error {
	b := fresh.Common()
	if err := settleAudience(ctx, tx, b); err != nil {
		return err
	}
	if err := n.settleProject(ctx, tx, b); err != nil {
		return err
	}
	if !b.Audience.Listed() { // its author has narrowed it
		if err := n.unshare(ctx, tx, "answer", old, now); err != nil {
			return err
		}
	}
	b.ID, b.Published, b.Received, b.InReplyTo, b.Thread = old.ID, old.Published, old.Received, old.InReplyTo, old.Thread
	b.Hidden, b.HiddenBy = old.Hidden, old.HiddenBy
	if err := tx.SaveObject(ctx, fresh); err != nil {
		return err
	}
	return n.wantPictures(ctx, tx, fresh, now)
}

// settleAudience decides whether something that is not for everybody is for its author's followers: the author
// says which collection holds them, and where that is not known the look of an address has to do.
func settleAudience(ctx context.Context, tx Tx, b *Base) error {
	author, err := tx.Actor(ctx, b.Actor)
	if IsNotFound(err) || err == nil && author.Followers == "" {
		return nil
	} else if err != nil {
		return err
	}
	is := func(iri string) bool { return iri == author.Followers }
	if slices.ContainsFunc(b.To, is) { // asked again, the answer is the same: a transaction may run twice
		b.To, b.Lists = slices.DeleteFunc(slices.Clone(b.To), is), append(b.Lists, author.Followers)
	}
	followers := slices.ContainsFunc(b.Lists, is)
	switch {
	case b.Audience.Listed():
	case followers:
		b.Audience = Followers
	default:
		b.Audience = Direct
	}
	return nil
}

// settleProject leaves to those whom we follow what is part of a project of ours: its page and feed show it.
func (n *Node) settleProject(ctx context.Context, tx Tx, b *Base) error {
	if !n.Links.Ours(b.Project) {
		return nil
	}
	ok, err := n.follows(ctx, tx, b.Actor)
	if !ok {
		b.Project = ""
	}
	return err
}

// placeInThread finds the conversation to which a reply belongs, and what it answers, nil if that is
// not known.
func (n *Node) placeInThread(ctx context.Context, tx Tx, b *Base) (*Base, error) {
	parent, err := n.parentOf(ctx, tx, b)
	switch {
	case err != nil:
		return nil, err
	case parent != nil:
		b.InReplyTo, b.Thread = parent.IRI, threadOf(parent)
	default:
		b.Thread = b.InReplyTo
	}
	return parent, nil
}

// joinEarly brings answers that came before what they answer, b, into its conversation. Where that is
// ours they concern us from now on.
func (n *Node) joinEarly(ctx context.Context, tx Tx, b *Base, now time.Time) error {
	if b.Thread == "" || b.Thread == b.IRI {
		return nil // it is the root, where they stand already
	}
	if n.Links.Ours(b.Thread) {
		early, _, err := tx.Objects(ctx, ObjectQuery{Type: TypePost, Thread: b.IRI, Limit: 200})
		if err != nil {
			return err
		}
		for _, o := range early {
			o.Common().Thread = b.Thread
			if err := n.notice(ctx, tx, &Act{Object: o}, nil, now); err != nil {
				return err
			}
		}
	}
	return tx.JoinThread(ctx, b.IRI, b.Thread)
}

// arrival is the time by which something is ordered: when it was said, if that can be (JSON-5).
func arrival(said, now time.Time) time.Time {
	if said.Year() < 1970 || said.After(now) {
		return now
	}
	return said
}

// tame makes what an act carries from elsewhere fit to be kept: its markup harmless (HTML-1: when
// stored; pages do it again), its times such as can be (JSON-5).
func (n *Node) tame(a *Act, now time.Time) {
	if a.Subject != nil {
		n.cleanActor(a.Subject)
	}
	if a.Object == nil {
		return
	}
	b := a.Object.Common()
	b.Published = arrival(b.Published, now)
	if b.Updated.After(now.Add(24 * time.Hour)) {
		b.Updated = now // or no later edit would count
	}
	n.clean(b.Texts)
	if p, ok := a.Object.(*Project); ok {
		n.clean(p.Description)
		n.clean(p.Lessons)
	}
}

// clean makes the texts of others harmless.
func (n *Node) clean(texts []Text) {
	for i := range texts {
		texts[i].Source = ""
		if n.opt.Clean == nil {
			texts[i].HTML = ""
		} else {
			texts[i].HTML = n.opt.Clean(texts[i].HTML)
		}
	}
}

func (n *Node) cleanActor(a *Actor) {
	n.clean(a.Summary)
	if a.Coop != nil && a.Coop.Admission != nil {
		n.clean(a.Coop.Admission.Criteria)
	}
}

// KeepActor stores an actor as it was read from its home, key included. Our own stays as it is; samples of its host
// give way.
func (n *Node) KeepActor(ctx context.Context, a *Actor) error {
	if n.Links.Ours(a.IRI) {
		return nil
	}
	n.cleanActor(a)
	rules, err := n.Policy(ctx)
	if err != nil {
		return err
	}
	now := n.Now()
	keep := func(tx Tx) error {
		if err := tx.SaveActor(ctx, a); err != nil {
			return err
		}
		return n.wantIcon(ctx, tx, a.IRI, now)
	}
	if rules.Sample(a.IRI) {
		return n.changingHosts(ctx, func(tx Tx) error {
			if err := giveWay(ctx, tx, a.IRI); err != nil {
				return err
			}
			return keep(tx)
		})
	}
	err = n.store.Tx(ctx, keep)
	n.changed(err)
	return err
}

// KeepFound stores an object that was read from the outbox of an actor whom we follow, or from a list to which we are
// subscribed. It counts as brought by the actor of the act.
func (n *Node) KeepFound(ctx context.Context, a *Act) error {
	now := n.Now()
	n.tame(a, now)
	err := n.store.Tx(ctx, func(tx Tx) error {
		if ok, err := n.hears(ctx, tx, a.Actor); !ok || err != nil {
			return err
		}
		return n.keepForeign(ctx, tx, a, now)
	})
	n.changed(err)
	return err
}

// ActorGone forgets an actor whose home says that it is gone (decisions 29).
func (n *Node) ActorGone(ctx context.Context, iri string) error {
	now := n.Now()
	err := n.store.Tx(ctx, func(tx Tx) error { return n.forget(ctx, tx, iri, now) })
	n.changed(err)
	return err
}

// ObjectGone hides an object whose home says that it is gone, as a Delete of its owner would have.
func (n *Node) ObjectGone(ctx context.Context, iri string) error {
	now := n.Now()
	err := n.store.Tx(ctx, func(tx Tx) error {
		o, err := tx.LockObject(ctx, iri)
		if err != nil {
			return err
		}
		return n.bury(ctx, tx, o.Common(), now)
	})
	n.changed(err)
	return err
}

// Unshared takes a share out of the timeline that its actor has taken back without our hearing of it.
func (n *Node) Unshared(ctx context.Context, e *TimelineEntry) error {
	err := n.store.Tx(ctx, func(tx Tx) error { return tx.Unbring(ctx, e) })
	n.changed(err)
	return err
}
