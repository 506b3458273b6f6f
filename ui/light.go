package ui

import (
	"bytes"
	"io"
	"sync"
	"time"

	"github.com/coopnode/coopnode/node"
)

// Pages show the coop's own picture and banner at these sizes, in bytes that leave room for the rest of a first visit
// (ui.md: 50 KB, all included). Other servers take the whole of them, up to a hundred times as much.
var lightSizes = map[string]lightSize{
	"icon":   {node.AsIcon, 88, 88, 3_000},
	"banner": {node.AsBanner, 1152, 176, 9_000},
	"narrow": {node.AsBanner, 720, 208, 9_000}, // on phones, where it is half as wide and nearly as high
}

type lightSize struct {
	use                  node.PictureUse
	width, height, bytes int
}

// lightPictures are drawn when somebody first asks for them, one at a time. Another picture has another name, so they stay
// what they are.
type lightPictures struct {
	mu    sync.Mutex
	drawn *node.Cache[*node.Drawing]
}

func newLightPictures() *lightPictures {
	return &lightPictures{drawn: node.NewCache[*node.Drawing](16, 1<<20)}
}

func lightPath(f *node.PictureFile, size string) string { return picturePath(f) + "/" + size }

// of gives a picture of ours at a size. NotFound if there is none.
func (l *lightPictures) of(f *node.PictureFile, whole io.Reader, name string, now time.Time) (*node.Drawing, error) {
	size, ok := lightSizes[name]
	if !ok || !f.Local || f.Use != size.use {
		return nil, &node.Error{Op: "lighten picture", Kind: node.NotFound, Subject: f.Name}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	key := name + " " + f.Name
	if d, ok := l.drawn.Get(key, 0, now); ok {
		return d, nil
	}
	b, err := io.ReadAll(whole)
	if err != nil {
		return nil, err
	}
	d, err := lighten(b, size)
	if err == nil {
		l.drawn.Put(key, 0, d, len(d.Bytes), now, time.Time{})
	}
	return d, err
}

// lighten draws a picture of ours, which was drawn anew when it came, as small as pages show it: in the best quality that
// takes no more bytes than it may, and where none does, in fewer pixels.
func lighten(whole []byte, size lightSize) (*node.Drawing, error) {
	read := decoderOf(whole)
	if read == nil {
		return nil, noPicture(nil, "picture.format", "It is no PNG, JPEG, WebP or GIF.")
	}
	src, err := read.decode(bytes.NewReader(whole))
	if err != nil {
		return nil, err
	}
	from := cover(src.Bounds(), size.width, size.height)
	w, h := min(size.width, from.Dx()), min(size.height, from.Dy())
	for {
		img := shrink(src, from, w, h)
		for _, quality := range []int{photoQuality, 70, 55, 40} {
			d, err := write(img, false, read.precise, quality)
			if err != nil || len(d.Bytes) <= size.bytes || w < 16 || h < 16 {
				return d, err
			}
		}
		w, h = w*4/5, h*4/5
	}
}
