package ui

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/coopnode/coopnode/node"
)

// quarters is a picture whose four quarters are red, green, blue and white (from the upper left, row by row), so that it can be
// seen how it is held.
func quarters(w, h int) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			m.SetRGBA(x, y, []color.RGBA{{200, 0, 0, 255}, {0, 200, 0, 255}, {0, 0, 200, 255}, {250, 250, 250, 255}}[2*(2*y/h)+2*x/w])
		}
	}
	return m
}

func asPNG(t testing.TB, m image.Image) []byte {
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func asJPEG(t testing.TB, m image.Image) []byte {
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// asGIF has a frame for each colour.
func asGIF(t testing.TB, w, h int, colours ...color.Color) []byte {
	g := &gif.GIF{}
	for _, c := range colours {
		m := image.NewPaletted(image.Rect(0, 0, w, h), color.Palette{c, color.Black})
		g.Image, g.Delay = append(g.Image, m), append(g.Delay, 10)
	}
	var b bytes.Buffer
	if err := gif.EncodeAll(&b, g); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func unbase64(t testing.TB, s string) []byte {
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// One pixel each, in the lossy and in the lossless kind of WebP.
const (
	lossyWebP    = "UklGRiIAAABXRUJQVlA4IBYAAAAwAQCdASoBAAEADsD+JaQAA3AAAAAA"
	losslessWebP = "UklGRhoAAABXRUJQVlA4TA0AAAAvAAAAEAcQERGIiP4HAA=="
)

// chunk is a chunk of a PNG.
func chunk(name, body string) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(body)))
	b = append(append(b, name...), body...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[4:]))
}

// behindHeader puts chunks behind the first one of a PNG.
func behindHeader(file []byte, chunks ...[]byte) []byte {
	const header = 8 + 25
	return bytes.Join([][]byte{file[:header], bytes.Join(chunks, nil), file[header:]}, nil)
}

// exif is an EXIF block with an orientation, and a place in its GPS text.
func exif(orientation byte) string {
	return "Exif\x00\x00MM\x00\x2a\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00" + string(orientation) + "\x00\x00\x00\x00\x00\x00" + secret
}

const secret = "GPS 43.3623 -8.4115 Xoana's telephone"

// withEXIF puts a segment behind the beginning of a JPEG.
func withEXIF(file []byte, orientation byte) []byte {
	body := exif(orientation)
	segment := append([]byte{0xff, 0xe1}, binary.BigEndian.AppendUint16(nil, uint16(len(body)+2))...)
	return bytes.Join([][]byte{file[:2], segment, []byte(body), file[2:]}, nil)
}

func redraw(t testing.TB, file []byte, s node.Shape) (*node.Drawing, image.Image) {
	t.Helper()
	d, err := Redraw(t.Context(), file, s)
	if err != nil {
		t.Fatal(err)
	}
	m, format, err := image.Decode(bytes.NewReader(d.Bytes))
	if err != nil || "image/"+format != d.Type || m.Bounds().Dx() != d.Width || m.Bounds().Dy() != d.Height {
		t.Fatalf("drew %s of %d by %d: %s, %v", d.Type, d.Width, d.Height, format, err)
	}
	return d, m
}

var wide = node.Shape{Side: 1600}

// MED-1: the four formats are known by what is in them and drawn anew; what is too large becomes smaller, nothing grows.
func TestRedrawKnowsFormats(t *testing.T) {
	t.Parallel()
	through := quarters(80, 40)
	through.SetRGBA(3, 3, color.RGBA{})
	noise := image.NewRGBA(image.Rect(0, 0, 300, 300))
	chance := rand.New(rand.NewPCG(1, 2))
	for i := range noise.Pix {
		noise.Pix[i] = byte(chance.Uint32())
		if i%4 == 3 {
			noise.Pix[i] = 255
		}
	}
	for _, tt := range []struct {
		name     string
		file     []byte
		shape    node.Shape
		want     string
		wide, hi int
	}{
		{"a JPEG stays one", asJPEG(t, quarters(80, 40)), wide, "image/jpeg", 80, 40},
		{"a PNG that shows through stays one", asPNG(t, through), wide, "image/png", 80, 40},
		{"a drawing is smaller as PNG", asPNG(t, quarters(80, 40)), wide, "image/png", 80, 40},
		{"a photograph is smaller as JPEG", asPNG(t, noise), wide, "image/jpeg", 300, 300},
		{"a GIF", asGIF(t, 60, 30, color.White), wide, "image/png", 60, 30},
		{"a lossy WebP", unbase64(t, lossyWebP), wide, "image/jpeg", 1, 1},
		{"a lossless WebP", unbase64(t, losslessWebP), wide, "image/png", 1, 1},
		{"a wide one shrinks", asJPEG(t, quarters(4000, 1000)), wide, "image/jpeg", 1600, 400},
		{"a high one shrinks", asJPEG(t, quarters(30, 3200)), wide, "image/jpeg", 15, 1600},
		{"an icon is a square", asJPEG(t, quarters(900, 600)), node.Shape{Side: 200, Square: true}, "image/jpeg", 200, 200},
		{"ours is PNG", asJPEG(t, quarters(900, 600)), node.Shape{Side: 400, Square: true, PNG: true}, "image/png", 400, 400},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d, _ := redraw(t, tt.file, tt.shape)
			if d.Type != tt.want || d.Width != tt.wide || d.Height != tt.hi {
				t.Errorf("got %s of %d by %d, want %s of %d by %d", d.Type, d.Width, d.Height, tt.want, tt.wide, tt.hi)
			}
		})
	}
}

// MED-1, LIM: what is no picture, is damaged or larger than it may be is refused with a sentence for people.
func TestRedrawRefuses(t *testing.T) {
	t.Parallel()
	small := asPNG(t, quarters(40, 40))
	bomb := bytes.Join([][]byte{small[:8], chunk("IHDR", "\x00\x00\x75\x30\x00\x00\x75\x30\x08\x06\x00\x00\x00"), small[8+25:]}, nil) // 30000 by 30000
	strip := bytes.Join([][]byte{small[:8], chunk("IHDR", "\x00\x01\x86\xa0\x00\x00\x00\x01\x08\x06\x00\x00\x00"), small[8+25:]}, nil)
	for name, file := range map[string][]byte{
		"nothing":              nil,
		"SVG":                  []byte(`<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`),
		"SVG behind XML":       []byte(`<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>`),
		"HTML":                 []byte("<!doctype html><script>alert(1)</script>"),
		"a document":           []byte(`{"@context":"https://www.w3.org/ns/activitystreams","type":"Person"}`),
		"PDF":                  []byte("%PDF-1.7\n"),
		"BMP":                  append([]byte("BM"), make([]byte, 100)...),
		"TIFF":                 []byte("II*\x00\x08\x00\x00\x00"),
		"AVIF":                 []byte("\x00\x00\x00\x20ftypavif\x00\x00\x00\x00"),
		"a bomb":               bomb,
		"a strip of 100,000":   strip,
		"a truncated PNG":      small[:len(small)-30],
		"a truncated JPEG":     asJPEG(t, quarters(400, 400))[:900],
		"a truncated GIF":      asGIF(t, 40, 40, color.White)[:30],
		"a truncated WebP":     unbase64(t, lossyWebP)[:24],
		"the head of a PNG":    small[:8],
		"the head of a JPEG":   {0xff, 0xd8, 0xff},
		"a GIF with a script":  []byte("GIF89a/*<script>alert(1)</script>*/=1;alert(2)"),
		"an animation of none": append(append([]byte("RIFF\x20\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00\x02\x00\x00\x00"), make([]byte, 6)...), "ANMF\x00\x00\x00\x00"...),
	} {
		d, err := Redraw(t.Context(), file, wide)
		if err == nil || node.KindOf(err) != node.Invalid || node.TextOf(err) == "" {
			t.Errorf("%s: got %v, %v; want it Invalid", name, d, err)
		}
		if large := name == "a bomb" || name == "a strip of 100,000"; large && !strings.Contains(node.TextOf(err), "pixels") {
			t.Errorf("%s: %v", name, err) // the size is looked at before anything is decoded
		}
	}
}

// MED-1: nothing of a file travels on but what is to be seen, whatever else hides in it, and it is held upright.
func TestRedrawForgets(t *testing.T) {
	t.Parallel()
	const page = "<html><script>alert('polyglot')</script></html>"
	comment := append([]byte{0xff, 0xfe}, binary.BigEndian.AppendUint16(nil, uint16(len(page)+2))...)
	plain := asJPEG(t, quarters(64, 64))
	for name, file := range map[string][]byte{
		"EXIF of a JPEG":       withEXIF(plain, 1),
		"EXIF of a PNG":        behindHeader(asPNG(t, quarters(64, 64)), chunk("eXIf", strings.TrimPrefix(exif(1), "Exif\x00\x00"))),
		"text of a PNG":        behindHeader(asPNG(t, quarters(64, 64)), chunk("tEXt", "Comment\x00"+secret)),
		"HTML in a JPEG":       bytes.Join([][]byte{plain[:2], comment, []byte(page), plain[2:]}, nil),
		"HTML behind a JPEG":   append(bytes.Clone(plain), page...),
		"HTML behind a GIF":    append(asGIF(t, 8, 8, color.White), page...),
		"a ZIP behind a PNG":   append(asPNG(t, quarters(64, 64)), "PK\x03\x04"+secret...),
		"a script behind WebP": append(unbase64(t, lossyWebP), page...),
	} {
		d, _ := redraw(t, file, wide)
		for _, hidden := range []string{"GPS", "Xoana", "Exif", "eXIf", "tEXt", "script", "html", "PK\x03\x04"} {
			if bytes.Contains(d.Bytes, []byte(hidden)) {
				t.Errorf("%s: %q is still there", name, hidden)
			}
		}
	}
}

// A picture is held as its camera said, in all eight ways, before that is forgotten.
func TestRedrawHoldsUpright(t *testing.T) {
	t.Parallel()
	const red, green, blue, white = 'r', 'g', 'b', 'w'
	want := map[byte]string{ // quarters from the upper left, row by row
		1: "rgbw", 2: "grwb", 3: "wbgr", 4: "bwrg", 5: "rbgw", 6: "brwg", 7: "wgbr", 8: "gwrb",
	}
	for o := byte(1); o <= 8; o++ {
		_, m := redraw(t, withEXIF(asJPEG(t, quarters(80, 40)), o), wide)
		b := m.Bounds()
		if upright := o < 5; upright != (b.Dx() == 80 && b.Dy() == 40) || !upright && (b.Dx() != 40 || b.Dy() != 80) {
			t.Errorf("orientation %d: %d by %d", o, b.Dx(), b.Dy())
		}
		got := ""
		for i := range 4 {
			r, g, bl, _ := m.At(b.Dx()/4+i%2*b.Dx()/2, b.Dy()/4+i/2*b.Dy()/2).RGBA()
			switch r, g, bl := r>>8 > 128, g>>8 > 128, bl>>8 > 128; {
			case r && g && bl:
				got += string(rune(white))
			case r:
				got += string(rune(red))
			case g:
				got += string(rune(green))
			case bl:
				got += string(rune(blue))
			}
		}
		if got != want[o] {
			t.Errorf("orientation %d: got %s, want %s", o, got, want[o])
		}
	}
	for _, bad := range []string{"", "Exif\x00\x00", "Exif\x00\x00MM\x00\x2a\xff\xff\xff\xff", exif(9), exif(0)} {
		if o := tiffOrientation([]byte(strings.TrimPrefix(bad, "Exif\x00\x00"))); o != 1 {
			t.Errorf("%q: orientation %d", bad, o)
		}
	}
}

// LIM: of what moves the first frame is kept.
func TestRedrawKeepsOneFrame(t *testing.T) {
	t.Parallel()
	first := func(m image.Image) color.RGBA { return color.RGBAModel.Convert(m.At(0, 0)).(color.RGBA) }

	red, green := color.RGBA{200, 0, 0, 255}, color.RGBA{0, 200, 0, 255}
	d, m := redraw(t, asGIF(t, 20, 20, red, green), wide)
	if first(m) != red || bytes.Contains(d.Bytes, []byte("NETSCAPE")) {
		t.Errorf("GIF: %v", first(m))
	}
	apng := behindHeader(asPNG(t, quarters(20, 20)), chunk("acTL", "\x00\x00\x00\x02\x00\x00\x00\x00"),
		chunk("fcTL", "\x00\x00\x00\x00\x00\x00\x00\x14\x00\x00\x00\x14\x00\x00\x00\x00\x00\x00\x00\x00\x00\x0a\x00\x64\x00\x00"))
	d, m = redraw(t, apng, wide)
	if first(m) != red || bytes.Contains(d.Bytes, []byte("acTL")) {
		t.Errorf("APNG: %v", first(m))
	}
	for name, still := range map[string]string{"lossy": lossyWebP, "lossless": losslessWebP} {
		inner := unbase64(t, still)[12:]
		frame := append(make([]byte, 16), inner...) // at 0, 0, one by one
		var body, file bytes.Buffer
		body.WriteString("WEBP")
		writeChunk(&body, "VP8X", append([]byte{0x02}, make([]byte, 9)...))
		writeChunk(&body, "ANIM", make([]byte, 6))
		writeChunk(&body, "ANMF", frame)
		writeChunk(&body, "ANMF", frame)
		writeChunk(&file, "RIFF", body.Bytes())
		if d, _ := redraw(t, file.Bytes(), wide); d.Width != 1 {
			t.Errorf("%s WebP that moves: %d wide", name, d.Width)
		}
	}
}

// Each pixel of a smaller picture is the mean of what it covers, also where that is no whole number of pixels.
func TestShrinkTakesTheMean(t *testing.T) {
	t.Parallel()
	src := image.NewRGBA(image.Rect(0, 0, 5, 3))
	for i := range src.Pix {
		src.Pix[i] = 255
	}
	for x := range 5 {
		for y := range 3 {
			src.SetRGBA(x, y, color.RGBA{byte(50 * x), byte(100 * y), 30, 255})
		}
	}
	got := shrink(src, src.Rect, 2, 2)
	// The left half covers pixels 0, 1 and half of 2: (0+50+50)/2.5; the upper half row 0 and half of row 1: 50/1.5.
	for _, tt := range []struct {
		x, y int
		want color.RGBA
	}{{0, 0, color.RGBA{40, 33, 30, 255}}, {1, 0, color.RGBA{160, 33, 30, 255}}, {0, 1, color.RGBA{40, 167, 30, 255}}, {1, 1, color.RGBA{160, 167, 30, 255}}} {
		if c := got.RGBAAt(tt.x, tt.y); c != tt.want {
			t.Errorf("at %d,%d: got %v, want %v", tt.x, tt.y, c, tt.want)
		}
	}
	if same := shrink(src, src.Rect, 5, 3); !bytes.Equal(same.Pix, src.Pix) {
		t.Errorf("of the same size it is another picture")
	}
}

// Whatever comes in, what goes out is a picture within the shape, and drawing it again gives one too.
func FuzzRedraw(f *testing.F) {
	for _, b := range [][]byte{
		asPNG(f, quarters(8, 6)), asJPEG(f, quarters(16, 8)), withEXIF(asJPEG(f, quarters(16, 8)), 6), asGIF(f, 9, 7, color.White, color.Black),
		unbase64(f, lossyWebP), unbase64(f, losslessWebP),
	} {
		f.Add(b)
	}
	s := node.Shape{Side: 12}
	f.Fuzz(func(t *testing.T, file []byte) {
		if d := decoderOf(file); d != nil {
			if c, err := d.config(bytes.NewReader(file)); err == nil && c.Width*c.Height > 1_000_000 {
				return // right, but slow
			}
		}
		d, err := Redraw(t.Context(), file, s)
		if err != nil {
			if node.KindOf(err) != node.Invalid {
				t.Fatal(err)
			}
			return
		}
		if max(d.Width, d.Height) > 12 || d.Type != "image/png" && d.Type != "image/jpeg" {
			t.Fatalf("%s of %d by %d", d.Type, d.Width, d.Height)
		}
		if _, err := Redraw(t.Context(), d.Bytes, s); err != nil {
			t.Fatalf("what was drawn cannot be drawn again: %v", err)
		}
	})
}
