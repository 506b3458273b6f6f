package node

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// A Wish is an address that our people gave as one to follow, until its home has said who it is and it is followed. A
// list of hundreds takes minutes, so nobody waits for it.
type Wish struct {
	Address string    `json:"address"` // as it was written, in small letters
	By      string    `json:"by"`
	Trouble string    `json:"trouble,omitempty"` // why it was not found the last time; "" before
	Tries   int       `json:"tries,omitempty"`
	Next    time.Time `json:"next"` // when it is looked for
}

// Bounds of wishes (LIM).
const (
	maxWishes    = 1000
	maxWishBytes = 300 // of an address
)

// wishData is what the task of a wish remembers.
type wishData struct {
	By      string `json:"by"`
	Trouble string `json:"trouble,omitempty"`
}

// FollowLater follows those whom addresses name as soon as they are found, and returns how many were not on the list yet. by
// names who did it. Errors: Invalid for what is too long or too many at once; nothing is kept then.
func (n *Node) FollowLater(ctx context.Context, by string, addresses []string) (count int, err error) {
	const op = "follow later"
	data, err := json.Marshal(wishData{By: by})
	if err != nil {
		return 0, err
	}
	now := n.Now()
	err = n.store.Tx(ctx, func(tx Tx) error {
		count = 0
		known, err := tx.Tasks(ctx, TaskFollow)
		if err != nil {
			return err
		}
		for _, address := range addresses {
			address = strings.ToLower(strings.TrimSpace(address))
			if address == "" || len(address) > maxWishBytes {
				return invalid(op, fmt.Sprintf("An address has 1 to %d bytes.", maxWishBytes))
			}
			if slices.ContainsFunc(known, func(t *Task) bool { return t.Subject == address }) {
				continue
			}
			t := &Task{Kind: TaskFollow, Subject: address, Due: now, Data: string(data)}
			if known = append(known, t); len(known) > maxWishes {
				return invalid(op, fmt.Sprintf("At most %d addresses are looked for at once.", maxWishes))
			}
			if err := tx.SaveTask(ctx, t); err != nil {
				return err
			}
			if err := n.note(ctx, tx, by, "follow.later", address, "", now); err != nil {
				return err
			}
			count++
		}
		return nil
	})
	n.changed(err)
	return count, err
}

// Wishes lists whom our people want to follow and who was not found yet.
func (n *Node) Wishes(ctx context.Context) ([]*Wish, error) {
	tasks, err := n.store.Tasks(ctx, TaskFollow)
	if err != nil {
		return nil, err
	}
	list := make([]*Wish, len(tasks))
	for i, t := range tasks {
		var d wishData
		if err := json.Unmarshal([]byte(t.Data), &d); err != nil {
			return nil, fmt.Errorf("read wish %s: %w", t.Subject, err)
		}
		list[i] = &Wish{Address: t.Subject, By: d.By, Trouble: d.Trouble, Tries: t.Attempts, Next: t.Due}
	}
	return list, nil
}

// DropWish does not look for an address any more; it is no error if nobody did. by names who did it.
func (n *Node) DropWish(ctx context.Context, by, address string) error {
	now := n.Now()
	return n.store.Tx(ctx, func(tx Tx) error {
		if err := n.note(ctx, tx, by, "follow.forget", address, "", now); err != nil {
			return err
		}
		return tx.DropTask(ctx, &Task{Kind: TaskFollow, Subject: address})
	})
}

// FollowWished follows who was found for a wish.
func (n *Node) FollowWished(ctx context.Context, t *Task, found *Actor) error {
	var d wishData
	if err := json.Unmarshal([]byte(t.Data), &d); err != nil {
		return fmt.Errorf("read wish %s: %w", t.Subject, err)
	}
	if f, err := n.store.Followed(ctx, found.IRI); err == nil && f.Live() {
		return nil
	} else if err != nil && !IsNotFound(err) {
		return err
	}
	_, err := n.Follow(ctx, d.By, found)
	return err
}

// NoteWish remembers in the task of a wish why it did not come true.
func (t *Task) NoteWish(why error) error {
	var d wishData
	if err := json.Unmarshal([]byte(t.Data), &d); err != nil {
		return fmt.Errorf("read wish %s: %w", t.Subject, err)
	}
	if d.Trouble = TextOf(why); d.Trouble == "" {
		d.Trouble = "It cannot be found now."
	}
	b, err := json.Marshal(d)
	t.Data = string(b)
	return err
}
