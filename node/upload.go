package node

import (
	"context"
	"errors"
	"strings"
	"time"
	"unicode/utf8"
)

// maxPictures is how many pictures something of ours carries: older Mastodons show no more.
const maxPictures = 4

// ownShape is how a picture of ours is drawn. Other servers show the icon larger than we show theirs, and take it as PNG
// everywhere; the banner is as wide as they show it.
func ownShape(use PictureUse) Shape {
	switch use {
	case AsIcon:
		return Shape{Side: 400, Square: true, PNG: true}
	case AsBanner:
		return Shape{Side: 1500}
	}
	return shapeOf(use)
}

// AddPicture keeps a picture that our people want to show with something that they write. It is drawn anew, and goes
// after a week if nothing shows it by then. description says in words what it shows. Errors: Invalid for what is no PNG,
// JPEG, WebP or GIF, is too large, or has no description (MED-1).
func (n *Node) AddPicture(ctx context.Context, file []byte, description string) (*Picture, error) {
	p, f, err := n.takePicture(ctx, AsShown, file, description)
	if err != nil {
		return nil, err
	}
	err = n.store.Tx(ctx, func(tx Tx) error { return tx.SavePicture(ctx, f) })
	if err != nil {
		return nil, errors.Join(err, n.store.RemovePicture(f.Name))
	}
	return p, nil
}

// SetPicture makes file the coop's picture (AsIcon) in place of its drawn emblem, or the one above its page (AsBanner),
// and tells followers (Update). by names who did it. Errors as those of AddPicture.
func (n *Node) SetPicture(ctx context.Context, by string, use PictureUse, file []byte, description string) (*Actor, error) {
	p, f, err := n.takePicture(ctx, use, file, description)
	if err != nil {
		return nil, err
	}
	return n.changePicture(ctx, by, use, *p, f)
}

// RemovePicture goes back to what is drawn from the coop's address and tells followers. by names who did it. NotFound if
// there is no picture.
func (n *Node) RemovePicture(ctx context.Context, by string, use PictureUse) (*Actor, error) {
	us, err := n.Profile(ctx)
	if err != nil {
		return nil, err
	}
	if us.picture(use).Address == "" {
		return nil, &Error{Op: "remove picture", Kind: NotFound, Text: "There is no picture. The coop goes by the emblem drawn from its address."}
	}
	return n.changePicture(ctx, by, use, Picture{}, nil)
}

// DescribePicture says in other words what the coop's picture shows, and tells followers. by names who did it. Errors:
// Invalid, NotFound if there is no picture.
func (n *Node) DescribePicture(ctx context.Context, by string, use PictureUse, description string) (*Actor, error) {
	const op = "describe picture"
	description, err := readDescription(op, description)
	if err != nil {
		return nil, err
	}
	return n.SaveProfile(ctx, by, func(a *Actor) error {
		p := a.picture(use)
		if p.Address == "" {
			return &Error{Op: op, Kind: NotFound, Text: "There is no picture to describe."}
		}
		p.Description = description
		return nil
	})
}

// picture is where the actor's picture for this use stands.
func (a *Actor) picture(use PictureUse) *Picture {
	if use == AsBanner {
		return &a.Image
	}
	return &a.Icon
}

// takePicture draws a file anew and writes what was drawn; nothing speaks of it yet.
func (n *Node) takePicture(ctx context.Context, use PictureUse, file []byte, description string) (*Picture, *PictureFile, error) {
	const op = "take picture"
	description, err := readDescription(op, description)
	if err != nil {
		return nil, nil, err
	}
	if len(file) > MaxPictureUpload {
		return nil, nil, wrong(op, "picture.large", "The picture has more than 10 MiB. Make it smaller; 1,600 pixels on the longer side are enough.")
	}
	d, err := n.draw(ctx, file, ownShape(use))
	if err != nil {
		return nil, nil, err
	}
	f := drawn(d, newPictureName(), n.Now())
	f.Address, f.Use, f.Local = n.Links.Picture(f.Name), use, true
	if err := n.store.WritePicture(f.Name, d.Bytes); err != nil {
		return nil, nil, err
	}
	return &Picture{Address: f.Address, Description: description, Type: f.Type, Width: f.Width, Height: f.Height}, f, nil
}

// readDescription is a description in one line.
func readDescription(op, s string) (string, error) {
	s = strings.Join(strings.Fields(s), " ")
	switch {
	case s == "":
		return "", wrong(op, "picture.undescribed", "Say in words what the picture shows. Who cannot see it hears that instead.")
	case utf8.RuneCountInString(s) > maxDescription:
		return "", wrong(op, "picture.words", "The description has more than 1,500 characters. Say what the picture shows in a sentence or two.")
	}
	return s, nil
}

// changePicture keeps the coop's picture p and its file f, and lets the one before go.
func (n *Node) changePicture(ctx context.Context, by string, use PictureUse, p Picture, f *PictureFile) (*Actor, error) {
	now := n.Now()
	a, err := n.saveProfile(ctx, by, func(a *Actor) error { *a.picture(use) = p; return nil }, func(tx Tx) error {
		var wanted []string
		if f != nil {
			wanted = []string{f.Address}
			if err := tx.SavePicture(ctx, f); err != nil {
				return err
			}
		}
		return tx.WantPictures(ctx, n.Links.Actor(), use, wanted, now)
	})
	if err != nil && f != nil {
		return nil, errors.Join(err, n.store.RemovePicture(f.Name))
	} else if err != nil {
		return nil, err
	}
	n.TidyPictures(ctx)
	return a, nil
}

// showPictures notes which pictures something of ours shows, so that they stay as long as it does. It fills in what
// other servers are told of each. Errors: Invalid for one that is none of ours, is gone, or has no description.
func (n *Node) showPictures(ctx context.Context, tx Tx, b *Base, now time.Time) error {
	const op = "show pictures"
	if len(b.Pictures) > maxPictures {
		return wrong(op, "picture.many", "It has %d pictures; at most %d are shown everywhere. Take some away.", len(b.Pictures), maxPictures)
	}
	var shown []string
	for i := range b.Pictures {
		p := &b.Pictures[i]
		f, err := tx.Picture(ctx, p.Address, AsShown)
		if IsNotFound(err) || err == nil && (!f.Local || f.State != PictureKept) {
			return wrong(op, "picture.gone", "One of the pictures is not here any more. Upload it again.")
		} else if err != nil {
			return err
		}
		if p.Description, err = readDescription(op, p.Description); err != nil {
			return err
		}
		p.Type, p.Width, p.Height = f.Type, f.Width, f.Height
		shown = append(shown, p.Address)
	}
	return tx.WantPictures(ctx, b.IRI, AsShown, shown, now)
}

// UploadedPicture gives a picture of ours by its address as something that is being written can show it. NotFound.
func (n *Node) UploadedPicture(ctx context.Context, address string) (*Picture, error) {
	f, err := n.store.Picture(ctx, address, AsShown)
	if err == nil && (!f.Local || f.State != PictureKept) {
		err = &Error{Op: "read picture", Kind: NotFound, Subject: address}
	}
	if err != nil {
		return nil, err
	}
	return &Picture{Address: f.Address, Type: f.Type, Width: f.Width, Height: f.Height}, nil
}
