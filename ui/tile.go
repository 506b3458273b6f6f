package ui

import (
	"bytes"
	"fmt"
	"hash/fnv"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"strconv"
	"strings"

	"golang.org/x/image/vector"
)

// An emblem is what stands on a tile, the face a coop or federation has before it uploads one: four by four
// cells, drawn from nothing but its address. Every node draws the same one, and so can any
// other program; this is the whole recipe.
//
// The dice. Hash the bytes of the address with FNV-1a, 32 bits; that is the state. To draw a number below
// n, all in unsigned 32-bit arithmetic:
//
//	state += 0x9e3779b9
//	z = state
//	z = (z ^ z>>16) * 0x21f0aaad
//	z = (z ^ z>>15) * 0x735a2d97
//	z = z ^ z>>15
//	the number is z mod n
//
// The draws, in this order:
//
//	colours  10   the row of tileColours
//	corner   12   the shape of the cell at the outer corner
//	top      12   the shape of the cell to the right of it
//	side     12   the shape of the cell below it
//	centre   12   the shape of the cell that touches the centre of the emblem
//
// If more than one of the four is empty, or they do not show both colours, all four are drawn again, and so on
// until they are well; so corner and centre are never both empty. Five in six are well at once.
// An example: toxo@toxo.example has colours 9, then corner 11, top 3, side 1, centre 11.
//
// The drawing. The four cells are the upper left quarter. Mirror it to the right, then both downwards:
//
//	corner top    | top    corner
//	side   centre | centre side
//	--------------+--------------
//	side   centre | centre side
//	corner top    | top    corner
//
// A cell has the side 1 and the emblem the side 4. A coop's ground is a square of side 5 around it, its corners
// rounded with radius 1.2; a federation's is a disc of radius 3, which holds the whole emblem.
type emblem struct {
	tileColour
	cells [4]shape // corner, top, side, centre
}

// tileColour is one row of colours, as #rrggbb.
type tileColour struct{ ground, first, second string }

// tileColours is part of the recipe: never reorder. The second column is also --c0 to --c9 of the stylesheet.
var tileColours = [10]tileColour{
	{"#dcebe3", "#1f7a60", "#dd9a4c"},
	{"#f6e3d3", "#b4582a", "#2f7478"},
	{"#e4e4f6", "#4f4fa6", "#dc9a48"},
	{"#dceaf4", "#2a6f9e", "#e0835f"},
	{"#f6e1e5", "#a83f59", "#4b8291"},
	{"#f4ebcc", "#86660f", "#2e7c68"},
	{"#e8efd6", "#587022", "#c8713c"},
	{"#eee1f3", "#78458f", "#d6a03a"},
	{"#dbeeee", "#1e6f76", "#cb5b70"},
	{"#f0e6dc", "#70503a", "#4f8f7c"},
}

// shape is what stands in one cell, as seen in the upper left quarter. The numbers are part of the recipe.
type shape uint8

const (
	shapeEmpty         shape = iota
	quarterTopLeft           // a quarter disc of radius 1 around that corner of the cell, first colour
	quarterTopRight          //
	quarterBottomRight       //
	quarterBottomLeft        //
	quarterTopRight2         // the same in the second colour
	quarterBottomLeft2       //
	leafRising               // what two quarter discs share, tips at bottom left and top right, first colour
	leafFalling              // tips at top left and bottom right, first colour
	leafFalling2             // the same in the second colour
	shapeEye                 // quarterBottomRight with one of radius 0.5 and the second colour on top
	shapeDisc                // radius 0.32 in the middle of the cell, second colour
	shapeCount               // how many there are
)

func newEmblem(address string) emblem {
	h := fnv.New32a()
	h.Write([]byte(address)) // never fails (hash.Hash)
	state := h.Sum32()
	below := func(n uint32) uint32 {
		state += 0x9e3779b9
		z := state
		z = (z ^ z>>16) * 0x21f0aaad
		z = (z ^ z>>15) * 0x735a2d97
		return (z ^ z>>15) % n
	}
	e := emblem{tileColour: tileColours[below(uint32(len(tileColours)))]}
	for {
		for i := range e.cells {
			e.cells[i] = shape(below(uint32(shapeCount)))
		}
		if e.wellFilled() {
			return e
		}
	}
}

// wellFilled says whether the cells make an emblem worth looking at: at most one empty, and both colours there.
// The dice visit all 2³² states, so some throw always is.
func (e emblem) wellFilled() bool {
	var blank int
	var first, second bool
	for _, s := range e.cells {
		switch s {
		case shapeEmpty:
			blank++
		case shapeEye:
			first, second = true, true
		case quarterTopRight2, quarterBottomLeft2, leafFalling2, shapeDisc:
			second = true
		default:
			first = true
		}
	}
	return blank <= 1 && first && second
}

// TileColours returns the colours of the tile of address as #rrggbb: its ground, and the two of the
// emblem. The first is the coop's colour wherever coops are told apart.
func TileColours(address string) (ground, first, second string) {
	c := newEmblem(address).tileColour
	return c.ground, c.first, c.second
}

// TileSVG returns the tile of address as an SVG document of less than 700 bytes, the same on every node for ever. Round is for
// federations; a coop's is square with soft corners. The address is used byte for byte, so always pass the
// same spelling of the same address. Nothing of it appears in the document.
//
// Show it with <img>; two of them inside one page would share an id.
func TileSVG(address string, round bool) []byte { return newEmblem(address).svg(round) }

func (e emblem) svg(round bool) []byte {
	view, ground := "-2.5 -2.5 5 5", `<rect x="-2.5" y="-2.5" width="5" height="5" rx="1.2"`
	if round {
		view, ground = "-3 -3 6 6", `<circle r="3"`
	}
	var first, second svgPen
	e.draw(&first, &second)
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="%s">%s fill="%s"/>`, view, ground, e.ground)
	// Scaled about its middle, a quarter overlaps its reflections by a hair, so that tips which only touch stay together.
	b.WriteString(`<g id="h"><g id="q" transform="matrix(1.006 0 0 1.006 .006 .006)">`)
	fmt.Fprintf(&b, `<path fill="%s" d="%s"/><path fill="%s" d="%s"/>`, e.first, &first, e.second, &second)
	b.WriteString(`</g><use href="#q" transform="scale(-1 1)"/></g><use href="#h" transform="scale(1 -1)"/></svg>`)
	return b.Bytes()
}

// The sizes ActivityPub and link previews ask for, in pixels, and the limits of TilePNG.
const (
	minTilePixels = 16
	maxTilePixels = 2048
)

// TilePNG returns the tile of address as a PNG of width by height pixels, each from 16 to 2048, for those who take no SVG
// (Mastodon's avatar, header and link preview). What it shows follows from its proportions:
//
//   - a square is the tile as TileSVG draws it, transparent outside its frame: 400 × 400 for icon;
//   - two and a half times as wide as high or more, the emblem repeats over the ground: 1500 × 500 for image;
//   - anything else is the ground with one emblem in the middle: 1200 × 630 for the preview of a link.
//
// The frame, and so round, matters only for the square. Even sizes come out perfectly symmetrical. The same
// arguments give the same pixels. It fails only for sizes out of range.
func TilePNG(address string, width, height int, round bool) ([]byte, error) {
	if min(width, height) < minTilePixels || max(width, height) > maxTilePixels {
		return nil, fmt.Errorf("draw tile of %s: %d × %d pixels is out of range: ask for %d to %d",
			address, width, height, minTilePixels, maxTilePixels)
	}
	e := newEmblem(address)
	short := min(width, height)
	cell, radius, repeat := short/6, 0, false
	switch {
	case width == height && round:
		radius = short / 2
	case width == height:
		cell, radius = short/5, short*6/25 // 1.2 of 5
	case 2*width >= 5*height:
		cell, repeat = short/10, true
	}
	img := e.raster(width, height, cell, repeat)
	if radius > 0 {
		cutCorners(img, radius)
	}
	return encodeTile(img)
}

// A tilePen takes down the outlines of one colour. Points are in hundredths of a cell, from the centre of the
// emblem to the right and down. All outlines run clockwise, so that what touches adds up.
type tilePen interface {
	quarter(centre, from, to image.Point) // of a disc
	leaf(a, b image.Point)                // between its tips
	disc(centre image.Point, r int)
}

// draw gives the upper left quarter to a pen for each colour, the second to be laid over the first.
func (e emblem) draw(first, second tilePen) {
	for i, s := range e.cells {
		cell := image.Rect(0, 0, 100, 100).Add(image.Pt(-200+i%2*100, -200+i/2*100))
		topRight, bottomLeft := image.Pt(cell.Max.X, cell.Min.Y), image.Pt(cell.Min.X, cell.Max.Y)
		quarter := func(p tilePen, corner, r int) { // corners count clockwise from top left
			c := [4]image.Point{cell.Min, topRight, cell.Max, bottomLeft}[corner]
			ray := [5]image.Point{{r, 0}, {0, r}, {-r, 0}, {0, -r}, {r, 0}}
			p.quarter(c, c.Add(ray[corner]), c.Add(ray[corner+1]))
		}
		switch s {
		case quarterTopLeft, quarterTopRight, quarterBottomRight, quarterBottomLeft:
			quarter(first, int(s-quarterTopLeft), 100)
		case quarterTopRight2:
			quarter(second, 1, 100)
		case quarterBottomLeft2:
			quarter(second, 3, 100)
		case leafRising:
			first.leaf(bottomLeft, topRight)
		case leafFalling:
			first.leaf(cell.Min, cell.Max)
		case leafFalling2:
			second.leaf(cell.Min, cell.Max)
		case shapeEye:
			quarter(first, 2, 100)
			quarter(second, 2, 50)
		case shapeDisc:
			second.disc(cell.Min.Add(image.Pt(50, 50)), 32)
		}
	}
}

// svgPen writes path data.
type svgPen struct{ bytes.Buffer }

func (p *svgPen) quarter(centre, from, to image.Point) {
	p.moveTo(centre)
	r := from.Sub(centre)
	if r.Y == 0 {
		p.add("h", r.X)
	} else {
		p.add("v", r.Y)
	}
	p.arc(max(r.X, -r.X, r.Y, -r.Y), to.Sub(from))
	p.add("z")
	p.overlap(centre, from)
	p.overlap(centre, to)
}

// overlap carries a straight edge that lies on a mirror line on by a tenth, over its own reflection. Without it, a light line
// shows in the middle wherever the centre falls inside a pixel, as it does at odd sizes.
func (p *svgPen) overlap(a, b image.Point) {
	r := image.Rectangle{a, b}.Canon()
	switch {
	case r.Max.X == 0 && r.Dx() == 0:
		p.moveTo(r.Min)
		p.add("h", 10, "v", r.Dy(), "h", -10, "z")
	case r.Max.Y == 0 && r.Dy() == 0:
		p.moveTo(r.Min)
		p.add("h", r.Dx(), "v", 10, "h", -r.Dx(), "z")
	}
}

func (p *svgPen) leaf(a, b image.Point) {
	p.moveTo(a)
	p.arc(100, b.Sub(a))
	p.arc(100, a.Sub(b))
	p.add("z")
}

func (p *svgPen) disc(centre image.Point, r int) {
	p.moveTo(centre.Sub(image.Pt(r, 0)))
	p.arc(r, image.Pt(2*r, 0))
	p.arc(r, image.Pt(-2*r, 0))
	p.add("z")
}

func (p *svgPen) moveTo(to image.Point)    { p.add("M", to.X, " ", to.Y) }
func (p *svgPen) arc(r int, d image.Point) { p.add("a", r, " ", r, " 0 0 1 ", d.X, " ", d.Y) }

// add writes strings as they are and hundredths in units: 1, -.5, .32.
func (p *svgPen) add(parts ...any) {
	for _, part := range parts {
		n, isNumber := part.(int)
		if !isNumber {
			fmt.Fprint(p, part)
			continue
		}
		s := strconv.FormatFloat(float64(n)/100, 'f', -1, 64)
		p.WriteString(strings.Replace(s, "0.", ".", 1)) // no number here reaches 10
	}
}

// rasterPen fills what it is given into a mask of the upper left quarter.
type rasterPen struct {
	*vector.Rasterizer
	cell float32 // in pixels
}

func newRasterPen(cell int) rasterPen {
	return rasterPen{vector.NewRasterizer(2*cell, 2*cell), float32(cell)}
}

func (p rasterPen) at(q image.Point) (x, y float32) {
	return float32(q.X+200) * p.cell / 100, float32(q.Y+200) * p.cell / 100
}

func (p rasterPen) quarter(centre, from, to image.Point) {
	p.MoveTo(p.at(centre))
	p.LineTo(p.at(from))
	p.arc(to)
	p.ClosePath()
}

func (p rasterPen) leaf(a, b image.Point) {
	p.MoveTo(p.at(a))
	p.arc(b)
	p.arc(a)
	p.ClosePath()
}

func (p rasterPen) disc(centre image.Point, r int) {
	p.MoveTo(p.at(centre.Sub(image.Pt(0, r))))
	for _, ray := range []image.Point{{r, 0}, {0, r}, {-r, 0}, {0, -r}} {
		p.arc(centre.Add(ray))
	}
	p.ClosePath()
}

func (p rasterPen) arc(to image.Point) {
	x, y := p.at(to)
	quarterArc(p.Rasterizer, x, y)
}

// quarterArc goes on clockwise to x1, y1 by a quarter of a circle. A cubic curve with these control points is off
// by less than 3 in 10,000 of the radius.
func quarterArc(r *vector.Rasterizer, x1, y1 float32) {
	const k = 0.5522848
	x0, y0 := r.Pen()
	dx, dy := x1-x0, y1-y0
	ux, uy := (dy-dx)/2, -(dx+dy)/2 // from the centre of the circle to x0, y0
	r.CubeTo(x0-k*uy, y0+k*ux, x1+k*ux, y1+k*uy, x1, y1)
}

func (p rasterPen) mask() *image.Alpha {
	m := image.NewAlpha(image.Rectangle{Max: p.Size()})
	p.DrawOp = draw.Src
	p.Draw(m, m.Bounds(), image.Opaque, image.Point{})
	return m
}

// coverageLevels is how many steps an edge has from outside to inside: no eye misses more, and all mixes of three colours fit a palette of 256.
const coverageLevels = 20

func tileCoverage(m *image.Alpha, x, y int) int {
	return (int(m.AlphaAt(x, y).A)*coverageLevels + 127) / 255
}

// raster draws the emblem with cells of whole pixels in the middle of a picture, once or over and over. One
// quarter is computed and the rest copied, so the picture is symmetrical to the last pixel.
func (e emblem) raster(width, height, cell int, repeat bool) *image.NRGBA {
	first, second := newRasterPen(cell), newRasterPen(cell)
	e.draw(first, second)
	under, over := first.mask(), second.mask()

	ground, ink1, ink2 := tileRGB(e.ground), tileRGB(e.first), tileRGB(e.second)
	one := image.NewNRGBA(image.Rect(0, 0, 4*cell, 4*cell))
	for y := range 2 * cell {
		for x := range 2 * cell {
			b := tileCoverage(over, x, y)
			a := min(tileCoverage(under, x, y), coverageLevels-b)
			mix := func(g, c1, c2 uint8) uint8 {
				return uint8((int(g)*(coverageLevels-a-b) + int(c1)*a + int(c2)*b + coverageLevels/2) / coverageLevels)
			}
			setMirrored(one, x, y, color.NRGBA{
				mix(ground.R, ink1.R, ink2.R), mix(ground.G, ink1.G, ink2.G), mix(ground.B, ink1.B, ink2.B), 255})
		}
	}

	img := image.NewNRGBA(image.Rect(0, 0, width, height))
	draw.Draw(img, img.Bounds(), image.NewUniform(ground), image.Point{}, draw.Src)
	middle := image.Rect(0, 0, 4*cell, 4*cell).Add(image.Pt(width/2-2*cell, height/2-2*cell))
	if !repeat {
		draw.Draw(img, middle, one, image.Point{}, draw.Src)
		return img
	}
	for y := middle.Min.Y%(4*cell) - 4*cell; y < height; y += 4 * cell {
		for x := middle.Min.X%(4*cell) - 4*cell; x < width; x += 4 * cell {
			draw.Draw(img, one.Bounds().Add(image.Pt(x, y)), one, image.Point{}, draw.Src)
		}
	}
	return img
}

// cutCorners makes a square picture transparent outside corners of that radius in pixels. No emblem reaches there.
func cutCorners(img *image.NRGBA, radius int) {
	p, r := newRasterPen(radius), float32(radius)
	p.MoveTo(0, r)
	quarterArc(p.Rasterizer, r, 0)
	p.LineTo(r, r)
	p.ClosePath()
	corner := p.mask()
	for y := range radius {
		for x := range radius {
			c := img.NRGBAAt(x, y)
			if c.A = uint8(tileCoverage(corner, x, y) * 255 / coverageLevels); c.A == 0 {
				c = color.NRGBA{}
			}
			setMirrored(img, x, y, c)
		}
	}
}

func setMirrored(img *image.NRGBA, x, y int, c color.NRGBA) {
	right, bottom := img.Rect.Dx()-1-x, img.Rect.Dy()-1-y
	img.SetNRGBA(x, y, c)
	img.SetNRGBA(right, y, c)
	img.SetNRGBA(x, bottom, c)
	img.SetNRGBA(right, bottom, c)
}

// encodeTile writes a PNG with a palette of the colours in use, a third of the size of one without.
func encodeTile(img *image.NRGBA) ([]byte, error) {
	small := image.NewPaletted(img.Bounds(), nil)
	index := map[color.NRGBA]uint8{}
	for i := range small.Pix {
		p := img.Pix[4*i : 4*i+4]
		c := color.NRGBA{p[0], p[1], p[2], p[3]}
		n, known := index[c]
		if !known {
			n = uint8(len(small.Palette))
			index[c] = n
			small.Palette = append(small.Palette, c)
		}
		small.Pix[i] = n
	}
	var b bytes.Buffer
	enc := png.Encoder{CompressionLevel: png.DefaultCompression}
	if err := enc.Encode(&b, small); err != nil {
		return nil, fmt.Errorf("write tile as PNG: %w", err)
	}
	return b.Bytes(), nil
}

// tileRGB reads #rrggbb; only ours come here.
func tileRGB(s string) color.NRGBA {
	n, _ := strconv.ParseUint(s[1:], 16, 32)
	return color.NRGBA{uint8(n >> 16), uint8(n >> 8), uint8(n), 255}
}
