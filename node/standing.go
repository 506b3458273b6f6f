package node

import (
	"context"
	"time"
)

// standing is where others have been told to find an opening of ours: pinned to the profile, and
// in what its project seeks. It is zero for all that cannot be answered, and for what is not for
// everybody. It goes by the status as it was said: an opening whose deadline passes stays where it
// is until Expire tells that it is over.
type standing struct {
	pinned  bool
	project string
}

func standingOf(o Object) standing {
	opening, ok := o.(*Opening)
	if !ok || opening.Status != Open || opening.Draft || !opening.Audience.Listed() {
		return standing{}
	}
	return standing{pinned: true, project: opening.Project}
}

// move tells followers that an opening is now pinned to the profile, or no longer, and renews the
// projects that seek it or sought it.
func (n *Node) move(ctx context.Context, tx Tx, iri string, t telling, was, is standing) error {
	if is == was {
		return nil
	}
	if is.pinned != was.pinned {
		act := t.feature
		act.Verb = Remove
		if is.pinned {
			act.Verb = Add
		}
		act.ObjectIRI, act.Target = iri, n.Links.Featured()
		act.To, act.Cc = []string{PublicIRI}, []string{n.Links.Followers()}
		if err := n.say(ctx, tx, &act, Recipients{Followers: true}); err != nil {
			return err
		}
	}
	if is.project != was.project {
		if err := n.refreshProject(ctx, tx, was.project, t.now); err != nil {
			return err
		}
	}
	return n.refreshProject(ctx, tx, is.project, t.now)
}

// seeking lists the open openings of a project in it.
func (n *Node) seeking(ctx context.Context, r Reader, p *Project, now time.Time) error {
	open, _, err := r.Objects(ctx, ObjectQuery{Type: TypeOpening, Local: true, Project: p.IRI, OpenAt: now, Listed: true, Limit: 100})
	p.Seeking = nil
	for _, o := range open {
		p.Seeking = append(p.Seeking, o.Common().IRI)
	}
	return err
}

// refreshProject renews the document of a project of ours after one of its openings opened or
// closed. Nobody is told: a count is no edit (decisions 15), and those who hold the openings can count.
func (n *Node) refreshProject(ctx context.Context, tx Tx, iri string, now time.Time) error {
	if !n.Links.Ours(iri) {
		return nil
	}
	o, err := tx.LockObject(ctx, iri)
	if IsNotFound(err) {
		return nil
	} else if err != nil {
		return err
	}
	p, ok := o.(*Project)
	if !ok || !p.Deleted.IsZero() {
		return nil
	}
	if err := n.seeking(ctx, tx, p, now); err != nil {
		return err
	}
	if p.Raw, err = n.enc.EncodeObject(p); err != nil {
		return err
	}
	if err := tx.SaveObject(ctx, p); err != nil || p.Draft {
		return err
	}
	return n.renewCreate(ctx, tx, p)
}
