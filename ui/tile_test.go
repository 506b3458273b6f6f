package ui

import (
	"bytes"
	"encoding/xml"
	"flag"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite our golden files")

// goldenTiles are the tiles pinned in testdata/tile. If one of them changes, every coop without a picture gets
// a new face, and other programs draw another one than we do.
var goldenTiles = []struct {
	address       string
	width, height int
	round         bool
}{
	{"toxo@toxo.example", 400, 400, false},
	{"hinata@hinata.example", 400, 400, false},
	{"trama@trama.example", 400, 400, true},
	{"lumen@lumen.example", 1500, 500, false},
	{"quebracho@quebracho.example", 1200, 630, false},
}

func TestTileIsPinned(t *testing.T) {
	for _, tt := range goldenTiles {
		t.Run(tt.address, func(t *testing.T) {
			name, _, _ := strings.Cut(tt.address, "@")
			svgFile, pngFile := filepath.Join("testdata", "tile", name+".svg"), filepath.Join("testdata", "tile", name+".png")
			svg, picture := TileSVG(tt.address, tt.round), drawTile(t, tt.address, tt.width, tt.height, tt.round)
			if *update {
				writeGolden(t, svgFile, svg)
				writeGolden(t, pngFile, picture)
			}
			if want := readGolden(t, svgFile); !bytes.Equal(svg, want) {
				t.Errorf("TileSVG:\n got %s\nwant %s", svg, want)
			}
			got, want := decodeTile(t, picture), decodeTile(t, readGolden(t, pngFile))
			if got.Bounds() != want.Bounds() {
				t.Fatalf("TilePNG is %v, want %v", got.Bounds(), want.Bounds())
			}
			// One step of coverage is let through, because floating point may round differently on another processor.
			for i := range got.Pix {
				if d := int(got.Pix[i]) - int(want.Pix[i]); d < -13 || d > 13 {
					t.Fatalf("TilePNG differs from %s at %d, %d", pngFile, i%got.Stride/4, i/got.Stride)
				}
			}
		})
	}
}

func TestTileRecipeExample(t *testing.T) {
	// The example of the comment on emblem, for those who write the recipe down in another language.
	want := emblem{tileColours[9], [4]shape{11, 3, 1, 11}}
	if got := newEmblem("toxo@toxo.example"); got != want {
		t.Errorf("newEmblem = %v, want %v", got, want)
	}
}

func TestTileIsTheSameEveryTime(t *testing.T) {
	for i := range 50 {
		address := fmt.Sprintf("coop%d@coop%d.example", i, i)
		if !bytes.Equal(TileSVG(address, i%2 == 0), TileSVG(address, i%2 == 0)) {
			t.Errorf("TileSVG(%s) differs from itself", address)
		}
		if !bytes.Equal(drawTile(t, address, 64, 64, i%2 == 0), drawTile(t, address, 64, 64, i%2 == 0)) {
			t.Errorf("TilePNG(%s) differs from itself", address)
		}
	}
}

func TestTileOfManyAddresses(t *testing.T) {
	const addresses = 10_000
	different := map[emblem]bool{}
	uses := map[string]int{}
	longest := 0
	for i := range addresses {
		address := fmt.Sprintf("coop%d@host%d.example", i, i/3)
		e := newEmblem(address)
		different[e] = true
		uses[e.ground]++
		for _, s := range e.cells {
			uses[fmt.Sprint("shape ", s)]++
		}
		if e.cells[0] == shapeEmpty && e.cells[3] == shapeEmpty {
			t.Errorf("%s: corner and centre are both empty", address)
		}
		for _, round := range []bool{false, true} {
			svg := TileSVG(address, round)
			if longest = max(longest, len(svg)); len(svg) >= 700 {
				t.Fatalf("%s has %d bytes: %s", address, len(svg), svg)
			}
			for _, colour := range []string{e.ground, e.first, e.second} {
				if !bytes.Contains(svg, []byte(`fill="`+colour+`"`)) {
					t.Errorf("%s shows no %s", address, colour)
				}
			}
			if strings.Contains(string(svg), `d=""`) {
				t.Errorf("%s has an empty path: %s", address, svg)
			}
		}
	}
	// 172,930 tiles are well filled, so chance alone lets about 280 of 10,000 coops look like an earlier one.
	if len(different) < addresses-400 {
		t.Errorf("%d addresses have only %d different tiles", addresses, len(different))
	}
	if len(uses) != len(tileColours)+int(shapeCount) {
		t.Errorf("%d colours and shapes are in use, want all: %v", len(uses), uses)
	}
	for what, n := range uses {
		if strings.HasPrefix(what, "#") && (n < 850 || n > 1150) {
			t.Errorf("%s is the ground of %d tiles, want about 1000", what, n)
		}
	}
	t.Logf("%d different tiles, at most %d bytes", len(different), longest)
}

func TestEveryTileIsShort(t *testing.T) {
	// All tiles there can be, not only those we have met: the longest has four of the longest cells.
	longest := 0
	for cells := range 12 * 12 * 12 * 12 {
		e := emblem{tileColours[0], [4]shape{
			shape(cells % 12), shape(cells / 12 % 12), shape(cells / 144 % 12), shape(cells / 1728)}}
		longest = max(longest, len(e.svg(false))) // a round one is shorter
	}
	if longest >= 700 {
		t.Errorf("the longest tile has %d bytes, want less than 700", longest)
	}
}

func TestTileColours(t *testing.T) {
	hex := regexp.MustCompile(`^#[0-9a-f]{6}$`)
	for i := range 100 {
		address := fmt.Sprintf("coop%d@mill.example", i)
		ground, first, second := TileColours(address)
		for _, c := range []string{ground, first, second} {
			if !hex.MatchString(c) || !bytes.Contains(TileSVG(address, false), []byte(c)) {
				t.Errorf("TileColours(%s) has %q, which its tile has not", address, c)
			}
		}
	}
}

// inkAt says by plain geometry which colour a point of a cell has: 0 ground, 1 first, 2 second. It is written
// apart from the drawing code so that they check each other.
func inkAt(s shape, u, v float64) int {
	within := func(x, y, r float64) bool { return math.Hypot(u-x, v-y) < r }
	ink := func(in bool, n int) int {
		if in {
			return n
		}
		return 0
	}
	switch s {
	case quarterTopLeft:
		return ink(within(0, 0, 1), 1)
	case quarterTopRight:
		return ink(within(1, 0, 1), 1)
	case quarterBottomRight:
		return ink(within(1, 1, 1), 1)
	case quarterBottomLeft:
		return ink(within(0, 1, 1), 1)
	case quarterTopRight2:
		return ink(within(1, 0, 1), 2)
	case quarterBottomLeft2:
		return ink(within(0, 1, 1), 2)
	case leafRising:
		return ink(within(0, 0, 1) && within(1, 1, 1), 1)
	case leafFalling:
		return ink(within(1, 0, 1) && within(0, 1, 1), 1)
	case leafFalling2:
		return ink(within(1, 0, 1) && within(0, 1, 1), 2)
	case shapeEye:
		return max(ink(within(1, 1, 1), 1), ink(within(1, 1, .5), 2))
	case shapeDisc:
		return ink(within(.5, .5, .32), 2)
	}
	return 0
}

// inkOfEmblem says the same of a point of the emblem, whose cells are counted from its centre.
func inkOfEmblem(e emblem, x, y float64) int {
	x, y = -math.Abs(x), -math.Abs(y)
	if x <= -2 || y <= -2 {
		return 0
	}
	column, row := math.Floor(x)+2, math.Floor(y)+2
	return inkAt(e.cells[int(row)*2+int(column)], x+2-column, y+2-row)
}

// TestTileDrawsEachShape compares both drawings with the geometry, at points not closer to an edge than a 20th of a
// cell, in pictures of every shape in every place.
func TestTileDrawsEachShape(t *testing.T) {
	for s := range shapeCount {
		e := emblem{tileColours[s%10], [4]shape{s, (s + 3) % 12, (s + 5) % 12, (s + 7) % 12}}
		inks := []string{e.ground, e.first, e.second}
		pixels := e.raster(400, 400, 80, false)
		svg := readSVG(t, e.svg(false))
		compared := 0
		for y := -2.475; y < 2.5; y += .05 {
			for x := -2.475; x < 2.5; x += .05 {
				want := inkOfEmblem(e, x, y)
				if nearEdge(e, x, y) {
					continue
				}
				compared++
				if got := hexOf(pixels.NRGBAAt(int((x+2.5)*80), int((y+2.5)*80))); got != inks[want] {
					t.Fatalf("PNG of %v has %s at %.2f, %.2f, want %s", e.cells, got, x, y, inks[want])
				}
				if got := svg.at(x, y); got != inks[want] && !(want == 0 && got == "") {
					t.Fatalf("SVG of %v has %q at %.2f, %.2f, want %s", e.cells, got, x, y, inks[want])
				}
			}
		}
		if compared < 5000 {
			t.Errorf("only %d of 10,000 points of %v could be compared", compared, e.cells)
		}
	}
}

func nearEdge(e emblem, x, y float64) bool {
	for _, d := range [][2]float64{{.05, 0}, {-.05, 0}, {0, .05}, {0, -.05}} {
		if inkOfEmblem(e, x+d[0], y+d[1]) != inkOfEmblem(e, x, y) {
			return true
		}
	}
	return false
}

// A quarter whose straight edge is on a mirror line goes on beyond it. Else viewers that blend each reflection by itself
// show a light line through the middle at odd sizes.
func TestTileHasNoHairLines(t *testing.T) {
	e := emblem{tileColours[0], [4]shape{shapeDisc, quarterTopRight, quarterBottomLeft2, shapeEye}}
	svg := readSVG(t, e.svg(false))
	first, second := svg[0], svg[1]
	for _, tt := range []struct {
		name string
		path svgPath
		x, y float64
	}{
		{"top, to the right", first, .08, -1.5},
		{"side, downwards", second, -1.5, .08},
		{"centre, to the right", first, .08, -.7},
		{"centre, downwards", first, -.7, .08},
		{"pupil of the eye, to the right", second, .08, -.3},
		{"pupil of the eye, downwards", second, -.3, .08},
	} {
		if !tt.path.covers(tt.x, tt.y) {
			t.Errorf("%s: no overlap at %v, %v", tt.name, tt.x, tt.y)
		}
	}
}

func TestTileIsSymmetrical(t *testing.T) {
	for _, size := range []image.Point{{400, 400}, {64, 64}, {750, 250}, {600, 316}} {
		for _, round := range []bool{false, true} {
			img := decodeTile(t, drawTile(t, "norrsken@norrsken.example", size.X, size.Y, round))
			for y := range size.Y / 2 {
				for x := range size.X / 2 {
					c := img.NRGBAAt(x, y)
					if c != img.NRGBAAt(size.X-1-x, y) || c != img.NRGBAAt(x, size.Y-1-y) || c != img.NRGBAAt(size.X-1-x, size.Y-1-y) {
						t.Fatalf("%v, round %v: %d, %d differs from its reflection", size, round, x, y)
					}
				}
			}
		}
	}
}

func TestTileFrame(t *testing.T) {
	for _, tt := range []struct {
		name                 string
		width, height        int
		round                bool
		corner, side, inside uint8 // opacity at the very corner, at the middle of the left side, a tenth into the corner
	}{
		{"coop", 400, 400, false, 0, 255, 255},
		{"federation", 400, 400, true, 0, 255, 0},
		{"header", 1500, 500, true, 255, 255, 255},
		{"preview", 1200, 630, true, 255, 255, 255},
	} {
		t.Run(tt.name, func(t *testing.T) {
			img := decodeTile(t, drawTile(t, "caravela@caravela.example", tt.width, tt.height, tt.round))
			for what, c := range map[string][2]uint8{
				"corner": {img.NRGBAAt(0, 0).A, tt.corner},
				"side":   {img.NRGBAAt(1, tt.height/2).A, tt.side},
				"inside": {img.NRGBAAt(tt.height/10, tt.height/10).A, tt.inside},
			} {
				if c[0] != c[1] {
					t.Errorf("opacity of the %s is %d, want %d", what, c[0], c[1])
				}
			}
		})
	}
}

func TestTileHeaderRepeats(t *testing.T) {
	img := decodeTile(t, drawTile(t, "telar@telar.example", 1500, 500, false))
	for y := range 300 {
		for x := range 1300 {
			if c := img.NRGBAAt(x, y); c != img.NRGBAAt(x+200, y) || c != img.NRGBAAt(x, y+200) {
				t.Fatalf("%d, %d is not repeated after 200 pixels", x, y)
			}
		}
	}
}

func TestTilePNGSizes(t *testing.T) {
	for _, size := range []image.Point{{0, 0}, {15, 400}, {400, 15}, {-1, 400}, {2049, 400}, {400, 2049}} {
		if _, err := TilePNG("toxo@toxo.example", size.X, size.Y, false); err == nil || !strings.Contains(err.Error(), "16 to 2048") {
			t.Errorf("TilePNG of %v: error %v, want the sizes allowed", size, err)
		}
	}
	// Small pictures have edges everywhere; their colours must still fit the palette.
	for i := range 60 {
		for _, round := range []bool{false, true} {
			b := drawTile(t, fmt.Sprintf("coop%d@mill.example", i), 16+i, 16+i, round)
			if got := decodeTile(t, b).Bounds().Max; got != image.Pt(16+i, 16+i) {
				t.Errorf("picture is %v, want %d × %d", got, 16+i, 16+i)
			}
		}
	}
	for _, size := range []image.Point{{400, 400}, {1500, 500}, {1200, 630}} {
		if b := drawTile(t, "toxo@toxo.example", size.X, size.Y, false); len(b) > 20_000 {
			t.Errorf("%v takes %d bytes, want at most 20,000", size, len(b))
		}
	}
}

func BenchmarkTile(b *testing.B) {
	b.Run("svg", func(b *testing.B) {
		for b.Loop() {
			TileSVG("toxo@toxo.example", false)
		}
	})
	for _, size := range []image.Point{{400, 400}, {1500, 500}, {1200, 630}} {
		b.Run(fmt.Sprintf("png%dx%d", size.X, size.Y), func(b *testing.B) {
			for b.Loop() {
				if _, err := TilePNG("toxo@toxo.example", size.X, size.Y, false); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func drawTile(t *testing.T, address string, width, height int, round bool) []byte {
	t.Helper()
	b, err := TilePNG(address, width, height, round)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func decodeTile(t *testing.T, b []byte) *image.NRGBA {
	t.Helper()
	m, err := png.Decode(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	img := image.NewNRGBA(m.Bounds())
	draw.Draw(img, img.Bounds(), m, image.Point{}, draw.Src)
	return img
}

func hexOf(c color.NRGBA) string { return fmt.Sprintf("#%02x%02x%02x", c.R, c.G, c.B) }

func readGolden(t *testing.T, file string) []byte {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v: run go test ./ui -update to write it", err)
	}
	return b
}

func writeGolden(t *testing.T, file string, b []byte) {
	t.Helper()
	if err := os.WriteFile(file, b, 0o644); err != nil {
		t.Fatal(err)
	}
}

// svgTile is a tile as read back from SVG: filled outlines of the quarter, in its own coordinates.
type svgTile []svgPath

type svgPath struct {
	fill     string
	outlines [][][2]float64
}

// readSVG reads the SVG a tile is made of: straight and circular path commands, and one matrix.
func readSVG(t *testing.T, b []byte) svgTile {
	t.Helper()
	var doc struct {
		Group struct {
			Quarter struct {
				Transform string `xml:"transform,attr"`
				Paths     []struct {
					Fill string `xml:"fill,attr"`
					D    string `xml:"d,attr"`
				} `xml:"path"`
			} `xml:"g"`
		} `xml:"g"`
	}
	if err := xml.Unmarshal(b, &doc); err != nil {
		t.Fatalf("%v in %s", err, b)
	}
	var scale, shift float64
	if _, err := fmt.Sscanf(doc.Group.Quarter.Transform, "matrix(%g 0 0 %g %g %g)", &scale, &scale, &shift, &shift); err != nil {
		t.Fatalf("transform %q: %v", doc.Group.Quarter.Transform, err)
	}
	var tile svgTile
	for _, p := range doc.Group.Quarter.Paths {
		path := svgPath{fill: p.Fill}
		var x, y float64
		for _, command := range regexp.MustCompile(`[Mhvaz][^Mhvaz]*`).FindAllString(p.D, -1) {
			var n []float64
			for _, s := range regexp.MustCompile(`-?\d*\.?\d+`).FindAllString(command[1:], -1) {
				f, err := strconv.ParseFloat(s, 64)
				if err != nil {
					t.Fatal(err)
				}
				n = append(n, f)
			}
			last := len(path.outlines) - 1
			add := func(x, y float64) {
				path.outlines[last] = append(path.outlines[last], [2]float64{scale*x + shift, scale*y + shift})
			}
			switch command[0] {
			case 'M':
				path.outlines, last = append(path.outlines, nil), last+1
				x, y = n[0], n[1]
			case 'h':
				x += n[0]
			case 'v':
				y += n[0]
			case 'a':
				// From the middle of the chord, the centre of a clockwise arc lies to the right.
				r, dx, dy := n[0], n[5], n[6]
				chord := math.Hypot(dx, dy)
				far := math.Sqrt(max(0, r*r-chord*chord/4)) / chord
				cx, cy := x+dx/2-dy*far, y+dy/2+dx*far
				from, turn := math.Atan2(y-cy, x-cx), 2*math.Asin(min(1, chord/2/r))
				for i := range 40 {
					angle := from + turn*float64(i)/40
					add(cx+r*math.Cos(angle), cy+r*math.Sin(angle))
				}
				x, y = x+dx, y+dy
			case 'z':
				continue
			}
			add(x, y)
		}
		tile = append(tile, path)
	}
	return tile
}

// at returns the fill at a point, which the later path and the later reflection decide; "" where there is none.
func (s svgTile) at(x, y float64) string {
	fill := ""
	for _, mirror := range [][2]float64{{1, 1}, {-1, 1}, {1, -1}, {-1, -1}} {
		for _, path := range s {
			if path.covers(x*mirror[0], y*mirror[1]) {
				fill = path.fill
			}
		}
	}
	return fill
}

// covers counts how often the outlines wind around the point (fill-rule nonzero).
func (p svgPath) covers(x, y float64) bool {
	winding := 0
	for _, o := range p.outlines {
		for i, a := range o {
			b := o[(i+1)%len(o)]
			if (a[1] <= y) == (b[1] <= y) {
				continue
			}
			if a[0]+(y-a[1])/(b[1]-a[1])*(b[0]-a[0]) > x {
				if b[1] > a[1] {
					winding++
				} else {
					winding--
				}
			}
		}
	}
	return winding != 0
}
