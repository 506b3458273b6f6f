package ui

import (
	"bytes"
	"encoding/binary"
	"image"
	"strings"
)

// Cameras save what their sensor saw and write beside it how to hold it: the orientation of EXIF, 1 to 8. Since we
// write nothing beside a picture, it is turned instead.

// orientationOf finds how a file is to be held; 1, as it is, where it does not say.
func orientationOf(file []byte) int {
	switch {
	case bytes.HasPrefix(file, []byte("\xff\xd8")):
		return tiffOrientation(jpegEXIF(file[2:]))
	case bytes.HasPrefix(file, []byte("\x89PNG")):
		return tiffOrientation(pngChunk(file, "eXIf"))
	case bytes.HasPrefix(file, []byte("RIFF")):
		return tiffOrientation(bytes.TrimPrefix(webpChunk(file, "EXIF"), []byte("Exif\x00\x00")))
	}
	return 1
}

// jpegEXIF is the EXIF block among the segments before the picture itself.
func jpegEXIF(b []byte) []byte {
	for len(b) >= 4 && b[0] == 0xff {
		kind, size := b[1], int(binary.BigEndian.Uint16(b[2:]))
		if kind == 0xff { // filling
			b = b[1:]
			continue
		}
		if kind == 0xda || size < 2 || 2+size > len(b) { // the picture begins
			return nil
		}
		body := b[4 : 2+size]
		if kind == 0xe1 {
			if exif, ok := bytes.CutPrefix(body, []byte("Exif\x00\x00")); ok {
				return exif
			}
		}
		b = b[2+size:]
	}
	return nil
}

// pngChunk is the first chunk of that name.
func pngChunk(b []byte, name string) []byte {
	for b = b[min(8, len(b)):]; len(b) >= 12; {
		size := binary.BigEndian.Uint32(b)
		if uint64(size)+12 > uint64(len(b)) {
			return nil
		}
		if string(b[4:8]) == name {
			return b[8 : 8+size]
		}
		b = b[12+size:]
	}
	return nil
}

// tiffOrientation reads tag 0x0112 of the first directory (TIFF 6.0 section 2).
func tiffOrientation(b []byte) int {
	if len(b) < 8 {
		return 1
	}
	var order binary.ByteOrder = binary.LittleEndian
	if strings.HasPrefix(string(b[:4]), "MM") {
		order = binary.BigEndian
	}
	at := order.Uint32(b[4:])
	if uint64(at)+2 > uint64(len(b)) {
		return 1
	}
	entries := b[at+2:]
	for range order.Uint16(b[at:]) {
		if len(entries) < 12 {
			break
		}
		if order.Uint16(entries) == 0x0112 {
			if o := int(order.Uint16(entries[8:])); o >= 1 && o <= 8 {
				return o
			}
			break
		}
		entries = entries[12:]
	}
	return 1
}

// turn holds a picture upright.
func turn(src *image.RGBA, orientation int) *image.RGBA {
	if orientation == 1 {
		return src
	}
	w, h := src.Rect.Dx(), src.Rect.Dy()
	from := map[int]func(x, y int) (int, int){ // where the pixel at x, y of the result comes from
		2: func(x, y int) (int, int) { return w - 1 - x, y },
		3: func(x, y int) (int, int) { return w - 1 - x, h - 1 - y },
		4: func(x, y int) (int, int) { return x, h - 1 - y },
		5: func(x, y int) (int, int) { return y, x },
		6: func(x, y int) (int, int) { return y, h - 1 - x },
		7: func(x, y int) (int, int) { return w - 1 - y, h - 1 - x },
		8: func(x, y int) (int, int) { return w - 1 - y, x },
	}[orientation]
	dst := image.NewRGBA(image.Rect(0, 0, w, h))
	if orientation >= 5 {
		dst = image.NewRGBA(image.Rect(0, 0, h, w))
	}
	for y := range dst.Rect.Dy() {
		for x := range dst.Rect.Dx() {
			dst.SetRGBA(x, y, src.RGBAAt(from(x, y)))
		}
	}
	return dst
}
