package ui

import (
	"bytes"
	"cmp"
	"context"
	"io"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/coopnode/coopnode/node"
)

// picture handles GET /media/pictures/{name}, our copy of a picture, and {name}/{size}, one of our own as pages show it. The
// type is that of its row, and one of two; an answer that is no picture is plain text, so that whatever Accept says nothing
// here is ever a page or a document (MED-2).
func (u *ui) picture(c echo.Context) error {
	r, h := c.Request(), c.Response().Header()
	fileHeaders(c)
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.Set("Allow", "GET, HEAD")
		return c.String(http.StatusMethodNotAllowed, "Pictures can only be read.\n")
	}
	contentType, tag, file, err := u.openPicture(r.Context(), c.Param("name"), c.Param("size"))
	if node.IsNotFound(err) {
		return c.String(http.StatusNotFound, "There is no such picture here.\n")
	} else if err != nil {
		u.opt.Log.ErrorContext(r.Context(), "picture cannot be read", "path", r.URL.Path, "err", err)
		h.Set("Retry-After", "60")
		return c.String(http.StatusServiceUnavailable, "The picture cannot be read now.\n")
	}
	defer file.Close()
	h.Set("Content-Type", "image/png")
	if contentType == "image/jpeg" {
		h.Set("Content-Type", contentType)
	}
	h.Set("Cache-Control", forEver)
	h.Set("ETag", `"`+tag+`"`)
	http.ServeContent(c.Response(), r, "", time.Time{}, file)
	return nil
}

// openPicture opens a picture, whole where no size is named. tag is another one for all that is something else. The caller
// closes it.
func (u *ui) openPicture(ctx context.Context, name, size string) (contentType, tag string, file io.ReadSeekCloser, err error) {
	f, whole, err := u.node.OpenPicture(ctx, name)
	if err != nil {
		return "", "", nil, err
	}
	if size == "" {
		return f.Type, f.Name, whole, nil
	}
	defer whole.Close()
	d, err := u.light.of(f, whole, size, u.node.Now())
	if err != nil {
		return "", "", nil, err
	}
	return d.Type, f.Name + "-" + size, unclosed{bytes.NewReader(d.Bytes)}, nil
}

// unclosed is bytes that need no closing.
type unclosed struct{ *bytes.Reader }

func (unclosed) Close() error { return nil }

func picturePath(f *node.PictureFile) string { return node.Links{}.Picture(f.Name) }

// An exhibit is one picture as a page shows it.
type exhibit struct {
	Src           string // our copy; "" where there is none
	Narrow        string // the same for phones; "" where Src is for all
	Alt           string
	Width, Height int // on the page
}

// exhibits are the pictures of an object and what else came with it.
type exhibits struct {
	Shown, Folded []exhibit // Folded are opened by who wants to see them
	Linked        []link    // what this node has no copy of
}

// Pictures are no wider than a text and no higher than a screen; several stand two in a row.
const (
	oneWidth, oneHeight   = 736, 544
	someWidth, someHeight = 360, 360
)

// exhibit collects what came with an object. A picture of which we have no copy is named, with a link to its home; of what a
// rule refuses nothing is said (MOD-3).
func (v *visit) exhibit(ctx context.Context, b *node.Base) (x exhibits, err error) {
	rules, err := v.node.Policy(ctx)
	if err != nil || rules.RefusesMedia(b.Actor) {
		return x, err
	}
	for _, p := range b.Pictures {
		if rules.RefusesMedia(p.Address) {
			continue
		}
		alt := cmp.Or(plainName(p.Description), say(ctx, "picture.undescribed"))
		f, err := v.node.PictureFor(ctx, b.Actor, p.Address, node.AsShown)
		switch {
		case err != nil:
			return x, err
		case f == nil:
			if href := webAddress(p.Address); href != "" {
				x.Linked = append(x.Linked, link{say(ctx, "picture.at", alt, webHost(href)), href})
			}
		case p.Hidden:
			x.Folded = append(x.Folded, exhibit{Src: picturePath(f), Alt: alt, Width: f.Width, Height: f.Height})
		default:
			x.Shown = append(x.Shown, exhibit{Src: picturePath(f), Alt: alt, Width: f.Width, Height: f.Height})
		}
	}
	for _, e := range b.Enclosures {
		if href := webAddress(e.Address); href != "" && !rules.RefusesMedia(e.Address) {
			x.Linked = append(x.Linked, link{say(ctx, "enclosure.at", cmp.Or(plainName(e.Name), say(ctx, "enclosure.unnamed")), webHost(href)), href})
		}
	}
	hang(x.Shown)
	hang(x.Folded)
	return x, nil
}

// hang gives pictures their size on the page, so that nothing moves when they come.
func hang(list []exhibit) {
	w, h := oneWidth, oneHeight
	if len(list) > 1 {
		w, h = someWidth, someHeight
	}
	for i := range list {
		x := &list[i]
		if x.Width*h > x.Height*w {
			x.Width, x.Height = min(x.Width, w), max(1, x.Height*min(x.Width, w)/x.Width)
		} else {
			x.Width, x.Height = max(1, x.Width*min(x.Height, h)/x.Height), min(x.Height, h)
		}
	}
}

func webHost(href string) string { return plainName(node.HostOf(href)) }
