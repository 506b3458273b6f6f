package node

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode"
)

// Erasure (GDPR-2, GDPR-3) has two halves. What is erased goes in the transaction of the change that erases it; others are told
// there too. What the queue and the audit log repeat of it, and its bytes, which a database keeps until their place is needed,
// leave the files soon after, by work that can be broken off anywhere and done again.

const (
	settingErasing = "erasing" // since when something is erased that may still be in the files, "" for nothing
	eraseWait      = time.Minute
	maxPieces      = 200
)

// leaveNothing notes that the files have to be cleaned of what the transaction erases.
func (n *Node) leaveNothing(ctx context.Context, tx Tx, now time.Time) error {
	return tx.SetSetting(ctx, settingErasing, now.Format(time.RFC3339Nano))
}

// FinishErasures takes the bytes of what was erased out of the files of this node: index, pictures, database, log. Where nothing
// was erased it does nothing. Busy where somebody reads the database for so long that its log cannot be cut; it is tried
// again by the server.
func (n *Node) FinishErasures(ctx context.Context) error {
	since, err := n.erasingSince(ctx)
	if err != nil || since == "" {
		return err
	}
	for more := true; more; {
		if err := n.store.Tx(ctx, func(tx Tx) (err error) {
			more, err = tx.ScrubErased(ctx)
			return err
		}); err != nil {
			return err
		}
	}
	if err := n.CatchUp(ctx); err != nil {
		return err
	}
	if err := n.tidyWholeIndex(ctx, n.Now()); err != nil {
		return err
	}
	if err := n.removeWasted(ctx); err != nil {
		return err
	}
	if err := n.store.Cleanse(ctx); err != nil {
		return err
	}
	return n.store.Tx(ctx, func(tx Tx) error {
		if now, err := tx.Setting(ctx, settingErasing); err != nil || now != since {
			return err // more was erased meanwhile
		}
		return tx.SetSetting(ctx, settingErasing, "")
	})
}

func (n *Node) erasingSince(ctx context.Context) (string, error) {
	since, err := n.store.Setting(ctx, settingErasing)
	if IsNotFound(err) {
		return "", nil
	}
	return since, err
}

// finishDue finishes erasures once nothing was erased for a minute, so that many are finished together.
func (n *Node) finishDue(ctx context.Context) error {
	since, err := n.erasingSince(ctx)
	if err != nil || since == "" {
		return err
	}
	if at, err := time.Parse(time.RFC3339Nano, since); err == nil && n.Now().Before(at.Add(eraseWait)) {
		return nil
	}
	return n.FinishErasures(ctx)
}

// Erasing says since when something is erased that may still be in the files; the zero time for nothing.
func (n *Node) Erasing(ctx context.Context) (time.Time, error) {
	since, err := n.erasingSince(ctx)
	if err != nil || since == "" {
		return time.Time{}, err
	}
	return time.Parse(time.RFC3339Nano, since)
}

// ErasePerson forgets a person who works here, and its name in the audit log too: what it did stays, by nobody's name.
// Errors: NotFound, Forbidden for the last steward.
func (n *Node) ErasePerson(ctx context.Context, by, id string) error {
	now := n.Now()
	return n.store.Tx(ctx, func(tx Tx) error {
		p, err := tx.Person(ctx, id)
		if err != nil {
			return err
		}
		if err := notLast(ctx, tx, p); err != nil {
			return err
		}
		if err := tx.RemovePerson(ctx, id); err != nil {
			return err
		}
		if err := tx.ScrubPerson(ctx, p); err != nil {
			return err
		}
		if err := tx.NoteErased(ctx, byPerson+id); err != nil {
			return err
		}
		if err := n.leaveNothing(ctx, tx, now); err != nil {
			return err
		}
		return n.note(ctx, tx, by, "person.erase", id, "", now)
	})
}

// EraseActor deletes all that is kept of somebody elsewhere: who it is, what it published, said, liked and passed on, complaints, that it
// follows us or we follow it. What it says from now on is taken in as from anybody; a rule keeps it out. It returns how many objects went.
// Errors: NotFound, Forbidden for ourselves.
func (n *Node) EraseActor(ctx context.Context, by, iri string) (objects int, err error) {
	const op = "erase"
	if n.Links.Ours(iri) {
		return 0, &Error{Op: op, Kind: Forbidden, Subject: iri, Text: "That is this coop itself."}
	}
	if _, err := n.store.Actor(ctx, iri); err != nil {
		return 0, err
	}
	if err := n.Unfollow(ctx, by, iri); err != nil && !IsNotFound(err) {
		return 0, err
	}
	now := n.Now()
	err = n.store.Tx(ctx, func(tx Tx) error {
		var err error
		if objects, err = tx.PurgeActor(ctx, iri); err != nil {
			return err
		}
		if err := tx.ScrubActor(ctx, iri); err != nil {
			return err
		}
		if err := tx.NoteErased(ctx, iri); err != nil {
			return err
		}
		if err := n.leaveNothing(ctx, tx, now); err != nil {
			return err
		}
		return n.note(ctx, tx, by, "actor.erase", HostOf(iri), "", now)
	})
	n.changed(err)
	return objects, err
}

// EraseAgain erases what stands in a list of erasures, where it is here all the same (BAK-5), and says whether it was.
func (n *Node) EraseAgain(ctx context.Context, by, listed string) (bool, error) {
	var err error
	if id, ok := strings.CutPrefix(listed, byPerson); ok {
		err = n.ErasePerson(ctx, by, id)
	} else if !n.Links.Ours(listed) {
		_, err = n.EraseActor(ctx, by, listed)
	} else {
		var o Object
		if o, err = n.Object(ctx, listed); err == nil && (!o.Common().Local || !o.Common().Deleted.IsZero()) {
			return false, nil
		}
		if err == nil {
			err = n.Delete(ctx, by, listed)
		}
	}
	if IsNotFound(err) { // it came after the backup, or was erased before
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("erase again %s: %w", listed, err)
	}
	return true, nil
}

// PiecesOf are pieces of texts by which one can see whether they are in a file: a few words each, without anything that a
// file may write in another way. At most 200.
func PiecesOf(texts ...string) (pieces []string) {
	for _, text := range texts {
		for _, run := range strings.FieldsFunc(text, func(r rune) bool {
			return r != ' ' && r != '.' && r != '-' && r != '@' && (r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r))
		}) {
			for _, piece := range portions(strings.TrimSpace(run)) {
				if len(pieces) == maxPieces {
					return pieces
				}
				pieces = append(pieces, piece)
			}
		}
	}
	return pieces
}

// portions cuts a run of words into parts of about 40 bytes; what has fewer than 8 says too little.
func portions(run string) (parts []string) {
	const least, usual = 8, 40
	part := ""
	for _, word := range strings.Fields(run) {
		if part != "" {
			part += " "
		}
		if part += word; len(part) >= usual {
			parts, part = append(parts, part), ""
		}
	}
	if len(part) >= least {
		parts = append(parts, part)
	}
	return parts
}

// ObjectPieces are pieces of what an object says.
func ObjectPieces(o Object) []string {
	var texts []string
	for _, t := range o.Common().Texts {
		texts = append(texts, t.Title, t.Source, t.HTML)
	}
	return PiecesOf(texts...)
}

// ActorPieces are pieces of what is kept of an actor: its name, what it says of itself, and what it published.
func (n *Node) ActorPieces(ctx context.Context, a *Actor) ([]string, error) {
	texts := []string{a.Name}
	for _, t := range a.Summary {
		texts = append(texts, t.Source, t.HTML)
	}
	pieces := PiecesOf(texts...)
	err := export{Node: n}.each(ctx, ObjectQuery{Actor: a.IRI, Refused: true}, func(o Object) error {
		if len(pieces) < maxPieces {
			pieces = append(pieces, ObjectPieces(o)...)
		}
		return nil
	})
	return pieces[:min(len(pieces), maxPieces)], err
}
