package node

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"strings"
	"sync"
	"time"
)

// A Picture is an image that came with an object or stands for an actor, as its owner names it.
type Picture struct {
	Address     string `json:"address"`               // where its owner keeps it
	Description string `json:"description,omitempty"` // in words, for who cannot see it
	Hidden      bool   `json:"hidden,omitempty"`      // its owner asks to hide it until it is wanted

	// Of ours, where they are no drawn emblem.
	Type   string `json:"type,omitempty"` // image/png or image/jpeg
	Width  int    `json:"width,omitempty"`
	Height int    `json:"height,omitempty"`
}

// An Enclosure is something else that came with an object: sound, film, a document, a link. It is
// linked and never fetched.
type Enclosure struct {
	Address string `json:"address"`
	Name    string `json:"name,omitempty"`
}

// PictureUse is what a picture is for. It decides how large our copy is.
type PictureUse string

// The uses of a picture.
const (
	AsIcon   PictureUse = "icon"   // beside a name
	AsShown  PictureUse = "shown"  // below a text
	AsBanner PictureUse = "banner" // above our own page
)

// A PictureFile is our copy of a picture: wanted, kept or given up.
type PictureFile struct {
	Address string
	Use     PictureUse
	State   PictureState
	Local   bool // our own: it is neither fetched nor swept

	Name          string // of the file and in its address; random (MED-3)
	Type          string // image/png or image/jpeg, decided when it was stored (MED-2)
	Width, Height int
	Bytes         int64

	Due      time.Time // when it is to be fetched
	Attempts int
	Reason   string    // why the last attempt failed
	Used     time.Time // when somebody last looked at it, within a day
}

// PictureState is how far a copy has come.
type PictureState string

// A picture is fetched once; one that cannot be had is asked for again when its owner speaks of it later.
const (
	PictureWanted PictureState = "wanted"
	PictureKept   PictureState = "kept"
	PictureFailed PictureState = "failed"
)

// Bounds of pictures (security.md 4, LIM; DB-7).
const (
	MaxPictureFetch  = 8 << 20    // bytes of one from elsewhere
	MaxPictureUpload = 10 << 20   // bytes of one of ours
	MaxPixels        = 40_000_000 // of either, told by its header before it is decoded
	maxPictureStore  = 2 << 30    // bytes of all copies of others' pictures
	maxDescription   = 1500       // characters; what Mastodon takes

	pictureGivenUp = 8              // attempts, over about half a day
	pictureAgain   = 24 * time.Hour // after which one that was given up may be asked for anew
	pictureFresh   = time.Hour      // a file younger than this may be waiting for its row
)

// A Shape is how a picture is drawn anew.
type Shape struct {
	Side   int  // longest side in pixels; smaller ones keep their size
	Square bool // the middle alone
	PNG    bool // in that format whatever it shows; else JPEG where that is smaller and nothing shows through
}

// A Drawing is a picture drawn anew, without anything that its file said besides (MED-1).
type Drawing struct {
	Bytes         []byte
	Type          string // image/png or image/jpeg
	Width, Height int
}

// shapeOf is the size that pages show: beside a name up to 44 pixels on screens of twice the
// density, below a text the width of a column.
func shapeOf(use PictureUse) Shape {
	if use == AsIcon {
		return Shape{Side: 88, Square: true}
	}
	return Shape{Side: 1600}
}

const pictureLetters = "abcdefghijklmnopqrstuvwxyz234567"

// newPictureName draws the name of a file: 26 characters, 130 random bits, so that nobody finds a picture who was not
// given its address.
func newPictureName() string { return strings.ToLower(rand.Text()) }

// IsPictureName says whether s could be the name of a picture here. Such a name is one step of a path and no more.
func IsPictureName(s string) bool {
	return len(s) == 26 && strings.Trim(s, pictureLetters) == ""
}

// pictures is what a node knows of its pictures besides what it stores.
type pictures struct {
	drawing chan struct{} // one place: a decoder may take much memory
	mu      sync.Mutex
	used    map[string]bool // names looked at since the last note
}

// maxNoted bounds the names that wait to be noted; what is more is noted another day.
const maxNoted = 10_000

// draw draws a picture anew, one at a time. A panic of a decoder loses that picture alone.
func (n *Node) draw(ctx context.Context, file []byte, s Shape) (d *Drawing, err error) {
	if n.opt.Redraw == nil {
		return nil, invalid("draw picture", "This program cannot read pictures.")
	}
	select {
	case n.pictures.drawing <- struct{}{}:
		defer func() { <-n.pictures.drawing }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() {
		if r := recover(); r != nil {
			n.opt.Log.ErrorContext(ctx, "panic in a decoder", "panic", fmt.Sprint(r), "stack", string(debug.Stack()))
			d, err = nil, invalid("draw picture", "It cannot be read as a picture.")
		}
	}()
	return n.opt.Redraw(ctx, file, s)
}

func drawn(d *Drawing, name string, now time.Time) *PictureFile {
	return &PictureFile{State: PictureKept, Name: name, Type: d.Type, Width: d.Width, Height: d.Height, Bytes: int64(len(d.Bytes)), Used: now}
}

// wantPictures asks for what pages show of an object of somebody else: the pictures of a post that everybody may see, and
// the icon of its author. Openings and projects of others are shown on their own pages, at their homes.
func (n *Node) wantPictures(ctx context.Context, tx Tx, o Object, now time.Time) error {
	b := o.Common()
	var wanted []string
	if _, post := o.(*Post); post && b.Audience.Listed() && b.Deleted.IsZero() {
		for _, p := range b.Pictures {
			ok, err := n.mayFetch(ctx, tx, b.Actor, p.Address)
			if err != nil {
				return err
			}
			if ok {
				wanted = append(wanted, p.Address)
			}
		}
	}
	if err := tx.WantPictures(ctx, b.IRI, AsShown, wanted, now); err != nil || !b.Deleted.IsZero() {
		return err
	}
	return n.wantIcon(ctx, tx, b.Actor, now)
}

// wantIcon asks for the icon of an actor, if pages show that actor.
func (n *Node) wantIcon(ctx context.Context, tx Tx, iri string, now time.Time) error {
	a, err := tx.Actor(ctx, iri)
	if IsNotFound(err) || err == nil && a.Local {
		return nil
	} else if err != nil {
		return err
	}
	shown, err := tx.IsShown(ctx, iri)
	if err != nil {
		return err
	}
	ok, err := n.mayFetch(ctx, tx, iri, a.Icon.Address)
	if err != nil {
		return err
	}
	var wanted []string
	if ok && shown && a.Gone.IsZero() {
		wanted = []string{a.Icon.Address}
	}
	return tx.WantPictures(ctx, iri, AsIcon, wanted, now)
}

// mayFetch says whether a picture of owner may be fetched from an address: the rules have a word on both (MOD-3).
func (n *Node) mayFetch(ctx context.Context, tx Tx, owner, address string) (bool, error) {
	if n.opt.Redraw == nil || HostOf(address) == "" || n.Links.Ours(address) {
		return false, nil
	}
	for _, iri := range []string{owner, address} {
		rules, err := tx.RulesFor(ctx, RuleTargets(iri))
		if err != nil || Judge(rules).NoMedia {
			return false, err
		}
	}
	return true, nil
}

// DuePictures lists copies to be fetched now, at most one of each host.
func (n *Node) DuePictures(ctx context.Context, limit int) ([]*PictureFile, error) {
	return n.store.DuePictures(ctx, n.Now(), limit)
}

// KeepPicture draws a fetched picture anew and keeps it for pages to show. Invalid if it is none that
// can be shown. If nobody shows it any more nothing is kept.
func (n *Node) KeepPicture(ctx context.Context, wanted *PictureFile, file []byte) error {
	if len(file) > MaxPictureFetch {
		return invalid("keep picture", "It has more than 8 MiB.")
	}
	d, err := n.draw(ctx, file, shapeOf(wanted.Use))
	if err != nil {
		return err
	}
	f := drawn(d, newPictureName(), n.Now())
	f.Address, f.Use = wanted.Address, wanted.Use
	// The file comes first, or a row could speak of one that a crash has taken away.
	if err := n.store.WritePicture(f.Name, d.Bytes); err != nil {
		return err
	}
	err = n.store.Tx(ctx, func(tx Tx) error {
		now, err := tx.Picture(ctx, f.Address, f.Use)
		if err != nil {
			return err
		}
		if now.State == PictureKept {
			return &Error{Op: "keep picture", Kind: Exists, Subject: f.Address}
		}
		if err := tx.SavePicture(ctx, f); err != nil {
			return err
		}
		return tx.ShrinkPictures(ctx, n.opt.PictureStore)
	})
	if err != nil {
		err2 := n.store.RemovePicture(f.Name)
		if k := KindOf(err); k == NotFound || k == Exists {
			return err2
		}
		return errors.Join(err, err2)
	}
	n.changed(nil)
	return nil
}

// PictureFails notes that a copy could not be had. It is tried again later if again says so, and given
// up after some attempts.
func (n *Node) PictureFails(ctx context.Context, wanted *PictureFile, why string, again bool) error {
	now := n.Now()
	return n.store.Tx(ctx, func(tx Tx) error {
		f, err := tx.Picture(ctx, wanted.Address, wanted.Use)
		if IsNotFound(err) || err == nil && f.State != PictureWanted {
			return nil
		} else if err != nil {
			return err
		}
		f.Attempts++
		f.Reason, f.Due = why, NextTry(now, f.Attempts+2)
		if !again || f.Attempts >= pictureGivenUp {
			f.State, f.Due = PictureFailed, now.Add(pictureAgain)
		}
		return tx.SavePicture(ctx, f)
	})
}

// PictureFor gives our copy of a picture of owner, for a page to show; nil where there is none (yet), and where a rule refuses
// pictures of owner or from there.
func (n *Node) PictureFor(ctx context.Context, owner, address string, use PictureUse) (*PictureFile, error) {
	if address == "" {
		return nil, nil
	}
	rules, err := n.Policy(ctx)
	if err != nil || rules.RefusesMedia(owner) || rules.RefusesMedia(address) {
		return nil, err
	}
	f, err := n.store.Picture(ctx, address, use)
	if IsNotFound(err) || err == nil && f.State != PictureKept {
		return nil, nil
	}
	return f, err
}

// OpenPicture opens a kept picture by its name and notes that it is in use. The caller closes it. NotFound.
func (n *Node) OpenPicture(ctx context.Context, name string) (*PictureFile, io.ReadSeekCloser, error) {
	if !IsPictureName(name) {
		return nil, nil, &Error{Op: "open picture", Kind: NotFound}
	}
	f, err := n.store.PictureNamed(ctx, name)
	if err != nil {
		return nil, nil, err
	}
	if rules, err := n.Policy(ctx); err != nil {
		return nil, nil, err
	} else if rules.RefusesMedia(f.Address) {
		return nil, nil, &Error{Op: "open picture", Kind: NotFound, Subject: name}
	}
	file, err := n.store.OpenPicture(name)
	if err != nil {
		return nil, nil, err
	}
	if n.Now().Sub(f.Used) > 24*time.Hour {
		n.pictures.mu.Lock()
		if n.pictures.used == nil {
			n.pictures.used = map[string]bool{}
		}
		if len(n.pictures.used) < maxNoted {
			n.pictures.used[name] = true
		}
		n.pictures.mu.Unlock()
	}
	return f, file, nil
}

// TidyPictures takes away the files that nobody shows any more, and notes which pictures were looked at. What it cannot
// do now it does the next time.
func (n *Node) TidyPictures(ctx context.Context) error {
	now := n.Now()
	n.pictures.mu.Lock()
	var used []string
	for name := range n.pictures.used {
		used = append(used, name)
	}
	n.pictures.used = nil
	n.pictures.mu.Unlock()
	if len(used) > 0 {
		if err := n.store.Tx(ctx, func(tx Tx) error { return tx.UsePictures(ctx, used, now) }); err != nil {
			return err
		}
	}
	return n.removeWasted(ctx)
}

// removeWasted removes the files of pictures that nobody shows any more.
func (n *Node) removeWasted(ctx context.Context) error {
	for {
		names, err := n.store.WastedPictures(ctx, 100)
		if err != nil || len(names) == 0 {
			return err
		}
		// The file goes before the note of it, so that a crash between the two forgets no file.
		for _, name := range names {
			if err := n.store.RemovePicture(name); err != nil {
				return err
			}
		}
		if err := n.store.Tx(ctx, func(tx Tx) error { return tx.ForgetWasted(ctx, names) }); err != nil {
			return err
		}
	}
}

// MendPictures brings files and rows together after a crash or a copy of the data folder: a file of which nobody knows
// goes, a picture without its file is fetched anew.
func (n *Node) MendPictures(ctx context.Context) error {
	now := n.Now()
	rows, err := n.store.KeptPictures(ctx) // before the files: one that is kept meanwhile has its file among them
	if err != nil {
		return err
	}
	files, err := n.store.PictureFiles()
	if err != nil {
		return err
	}
	there := map[string]bool{}
	for _, f := range files {
		there[f.Name] = true
		_, err := n.store.PictureNamed(ctx, f.Name)
		if IsNotFound(err) && now.Sub(f.Changed) > pictureFresh {
			err = n.store.RemovePicture(f.Name)
		}
		if err != nil && !IsNotFound(err) {
			return err
		}
	}
	for _, f := range rows {
		if there[f.Name] {
			continue
		}
		if f.Local {
			n.opt.Log.WarnContext(ctx, "the coop's picture has no file; set it again with: coopnode profile picture FILE", "file", f.Name)
			continue
		}
		err := n.store.Tx(ctx, func(tx Tx) error {
			again, err := tx.Picture(ctx, f.Address, f.Use)
			if IsNotFound(err) || err == nil && again.Name != f.Name {
				return nil
			} else if err != nil {
				return err
			}
			return tx.SavePicture(ctx, &PictureFile{Address: f.Address, Use: f.Use, State: PictureWanted, Due: now, Used: now})
		})
		if err != nil {
			return err
		}
	}
	return nil
}
