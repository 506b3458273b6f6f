package ui

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"strconv"

	"golang.org/x/image/webp"

	"github.com/coopnode/coopnode/node"
)

const (
	photoQuality = 85     // of JPEG: below it, edges of letters begin to show
	maxSide      = 65_535 // pixels; what JPEG can have
)

// A decoder reads one format, which it knows by how a file begins.
type decoder struct {
	begins  string // "?" stands for any byte
	config  func(io.Reader) (image.Config, error)
	decode  func(io.Reader) (image.Image, error)
	precise bool // it keeps every pixel, so that drawings and letters come in it
}

// decoders are what can be read (MED-1). All else is refused, SVG among it: that is a program.
var decoders = []decoder{
	{"\x89PNG\r\n\x1a\n", png.DecodeConfig, png.Decode, true},
	{"\xff\xd8\xff", jpeg.DecodeConfig, jpeg.Decode, false},
	{"GIF8?a", gif.DecodeConfig, gif.Decode, true}, // the first of its frames
	{"RIFF????WEBP", webp.DecodeConfig, webp.Decode, false},
}

// Redraw reads a picture by what is in it, whatever it is called, and draws it anew in the shape s: upright, and
// without anything that its file said besides what is to be seen (MED-1). It touches nothing but its arguments. A hostile
// file can make it take hours and 550 MB (TestTorturePictures in cmd/coopnode), so that a node lets a process of
// its own do it, with limits. Errors are Invalid and say why.
func Redraw(_ context.Context, file []byte, s node.Shape) (*node.Drawing, error) {
	d := decoderOf(file)
	if d == nil {
		return nil, noPicture(nil, "picture.format", "It is no PNG, JPEG, WebP or GIF.")
	}
	up := orientationOf(file)
	file = firstFrame(file)
	c, err := d.config(bytes.NewReader(file))
	if err != nil {
		return nil, noPicture(err, "picture.damaged", "It is damaged, or of a kind that is not read.")
	}
	if c.Width <= 0 || c.Height <= 0 || max(c.Width, c.Height) > maxSide || int64(c.Width)*int64(c.Height) > node.MaxPixels {
		return nil, noPicture(nil, "picture.pixels", "It has %s × %s pixels; at most 40 million are read. Make it smaller.", strconv.Itoa(c.Width), strconv.Itoa(c.Height))
	}
	src, err := d.decode(bytes.NewReader(file))
	if err != nil {
		return nil, noPicture(err, "picture.damaged", "It is damaged, or of a kind that is not read.")
	}
	from := image.Rect(0, 0, c.Width, c.Height) // a frame of a GIF may cover less
	if s.Square {
		from = cover(from, 1, 1)
	}
	w, h := fit(from.Dx(), from.Dy(), s.Side)
	img := turn(shrink(src, from, w, h), up)
	return write(img, s.PNG, d.precise, photoQuality)
}

func decoderOf(file []byte) *decoder {
next:
	for i := range decoders {
		begins := decoders[i].begins
		if len(file) < len(begins) {
			continue
		}
		for j := range len(begins) {
			if begins[j] != '?' && begins[j] != file[j] {
				continue next
			}
		}
		return &decoders[i]
	}
	return nil
}

// noPicture is the error of a file that is none. Its values are texts, for they may come from another process.
func noPicture(err error, name, format string, values ...any) error {
	return (&node.Error{Op: "draw picture", Kind: node.Invalid, Err: err}).Saying(name, format, values...)
}

// cover is the largest part in the middle of r in the proportions of w by h.
func cover(r image.Rectangle, w, h int) image.Rectangle {
	width, height := r.Dx(), r.Dy()
	if width*h > height*w {
		width = max(1, height*w/h)
	} else {
		height = max(1, width*h/w)
	}
	at := r.Min.Add(image.Pt((r.Dx()-width)/2, (r.Dy()-height)/2))
	return image.Rectangle{at, at.Add(image.Pt(width, height))}
}

// fit gives the size at which the longer side is at most side.
func fit(w, h, side int) (int, int) {
	longer := max(w, h)
	if longer <= side {
		return w, h
	}
	return max(1, w*side/longer), max(1, h*side/longer)
}

// shrink draws the part of src that is in from, w by h pixels small, each the mean of what it covers. It holds one row of the
// source besides; the library's scalers hold 32 bytes for each of w pixels in all rows of it.
func shrink(src image.Image, from image.Rectangle, w, h int) *image.RGBA {
	dst := image.NewRGBA(image.Rect(0, 0, w, h))
	row := image.NewRGBA(image.Rect(0, 0, from.Dx(), 1))
	across, down := shares(from.Dx(), w), shares(from.Dy(), h)
	sums := make([]float32, 4*w)
	at := 0 // row of dst that sums is for
	add := func(weight float32) {
		for x, s := range across {
			for c := range 4 {
				v := weight * float32(row.Pix[4*x+c])
				sums[4*s.at+c] += v * s.here
				if s.next > 0 {
					sums[4*s.at+4+c] += v * s.next
				}
			}
		}
	}
	flush := func() {
		line := dst.Pix[at*dst.Stride : at*dst.Stride+4*w]
		for i, v := range sums {
			line[i] = uint8(min(v+0.5, 255))
			sums[i] = 0
		}
		at++
	}
	for y, s := range down {
		clear(row.Pix)
		draw.Draw(row, row.Rect, src, image.Pt(from.Min.X, from.Min.Y+y), draw.Src)
		if s.at > at {
			flush()
		}
		add(s.here)
		if s.next > 0 {
			flush()
			add(s.next)
		}
	}
	flush()
	return dst
}

// A share is how much of one pixel of the source goes to a pixel of the result, and how much to the next.
type share struct {
	at         int
	here, next float32
}

// shares spreads n pixels over m of them, m <= n.
func shares(n, m int) []share {
	list := make([]share, n)
	for i := range list {
		// In units of 1/n of a pixel of the result, where all is whole: the pixel covers [i*m, i*m+m).
		at := i * m / n
		here := min(m, (at+1)*n-i*m)
		list[i] = share{at, float32(here) / float32(n), float32(m-here) / float32(n)}
	}
	return list
}

// paletted is the same picture with a table of its colours, which takes half the bytes, where they are few enough; else it
// is img itself.
func paletted(img *image.RGBA) image.Image {
	p := image.NewPaletted(img.Rect, nil)
	at := map[color.RGBA]uint8{}
	for y := img.Rect.Min.Y; y < img.Rect.Max.Y; y++ {
		for x := img.Rect.Min.X; x < img.Rect.Max.X; x++ {
			c := img.RGBAAt(x, y)
			i, ok := at[c]
			if !ok {
				if len(at) == 256 {
					return img
				}
				i = uint8(len(at))
				at[c] = i
				p.Palette = append(p.Palette, c)
			}
			p.SetColorIndex(x, y, i)
		}
	}
	return p
}

// write encodes a drawing: PNG where something shows through, or where it is asked for; else JPEG, or PNG if it is no larger
// and the source kept every pixel. quality is that of JPEG.
func write(img *image.RGBA, asPNG, precise bool, quality int) (*node.Drawing, error) {
	d := &node.Drawing{Width: img.Rect.Dx(), Height: img.Rect.Dy()}
	var p, j bytes.Buffer
	through := !img.Opaque()
	if asPNG || through || precise {
		if err := png.Encode(&p, paletted(img)); err != nil {
			return nil, fmt.Errorf("write PNG: %w", err)
		}
	}
	if !asPNG && !through {
		if err := jpeg.Encode(&j, img, &jpeg.Options{Quality: quality}); err != nil {
			return nil, fmt.Errorf("write JPEG: %w", err)
		}
	}
	switch {
	case p.Len() > 0 && (j.Len() == 0 || p.Len() <= j.Len()):
		d.Bytes, d.Type = p.Bytes(), "image/png"
	case j.Len() > 0:
		d.Bytes, d.Type = j.Bytes(), "image/jpeg"
	default:
		return nil, errors.New("write picture: nothing was written")
	}
	return d, nil
}
