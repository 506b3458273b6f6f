package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/coopnode/coopnode/node"
)

// paint writes a picture: paint png|gif FILE.
func paint(ts *testscript.TestScript, _ bool, args []string) {
	var b bytes.Buffer
	m := image.NewPaletted(image.Rect(0, 0, 60, 40), color.Palette{color.White, color.Black})
	write := func() error { return png.Encode(&b, m) }
	if args[0] == "gif" {
		write = func() error { return gif.Encode(&b, m, nil) }
	}
	ts.Check(write())
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), b.Bytes(), 0o600))
}

// MED-1: the process that draws gives back what ui.Redraw drew, and its refusals.
func TestRedrawApart(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, image.NewGray(image.Rect(0, 0, 900, 300)), nil); err != nil {
		t.Fatal(err)
	}
	d, err := redrawApart(t.Context(), b.Bytes(), node.Shape{Side: 400, Square: true, PNG: true})
	if err != nil {
		t.Fatal(err)
	}
	if c, err := png.DecodeConfig(bytes.NewReader(d.Bytes)); err != nil || d.Type != "image/png" || c.Width != 300 || d.Width != 300 || d.Height != 300 {
		t.Errorf("drew %s of %d by %d: %+v, %v", d.Type, d.Width, d.Height, c, err)
	}
	for _, bad := range [][]byte{nil, []byte("<svg/>"), b.Bytes()[:500]} {
		if _, err := redrawApart(t.Context(), bad, node.Shape{Side: 400}); node.KindOf(err) != node.Invalid || node.TextOf(err) == "" || node.SaidBy(err).Name == "" {
			t.Errorf("%.10q: %v", bad, err)
		}
	}
	stopped, stop := context.WithCancel(t.Context())
	stop()
	if _, err := redrawApart(stopped, b.Bytes(), node.Shape{Side: 400}); !errors.Is(err, context.Canceled) {
		t.Errorf("told to stop: %v", err)
	}
}

// slowPicture is a JPEG of 8 MiB that takes hours to decode: a progressive one of 40 million pixels with a scan after the other, each
// of a few bytes and over all of it.
func slowPicture() []byte {
	segment := func(kind byte, body ...byte) []byte {
		return append(binary.BigEndian.AppendUint16([]byte{0xff, kind}, uint16(len(body)+2)), body...)
	}
	b := []byte{0xff, 0xd8}
	b = append(b, segment(0xdb, append([]byte{0}, bytes.Repeat([]byte{1}, 64)...)...)...)
	b = append(b, segment(0xc2, 8, 0x18, 0x9c, 0x18, 0x9c, 3, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0)...) // 6300 by 6300
	for _, class := range []byte{0x00, 0x10} {                                                        // a table each with the one code 0: nothing follows in the block
		counts := make([]byte, 16)
		counts[0] = 1
		table := append(append([]byte{class}, counts...), map[byte]byte{0x00: 0x00, 0x10: 0xe0}[class])
		b = append(b, segment(0xc4, table...)...)
	}
	// A scan of coefficient 1 in which runs of 16,384 blocks are empty.
	for colour := 0; len(b) < node.MaxPictureFetch-200; colour++ {
		b = append(append(b, segment(0xda, 1, byte(colour%3+1), 0x00, 1, 1, 0x00)...), make([]byte, 80)...)
	}
	return append(b, 0xff, 0xd9)
}

// What a decoder takes it takes from a process of its own, which is ended in time: the picture is lost, and nothing else.
func TestRedrawEnds(t *testing.T) {
	t.Parallel()
	_, err := redrawWithin(t.Context(), 1, slowPicture(), node.Shape{Side: 1600})
	if node.KindOf(err) != node.Invalid || node.TextOf(err) == "" || node.SaidBy(err).Name == "" {
		t.Errorf("got %v, want it Invalid", err)
	}
}

// The worst pictures known, for the peak of memory that ui.Redraw tells of, and under the limits that a node has.
func TestTorturePictures(t *testing.T) {
	side, files := 1000, map[string][]byte{}
	if os.Getenv("COOPNODE_TORTURE") != "" {
		side, files["an endless JPEG"] = 6300, slowPicture()
	} else {
		t.Log("a picture of one million pixels; 40 million, and ten seconds of decoding, with COOPNODE_TORTURE=1 (make torture)")
	}
	var deep bytes.Buffer
	if err := png.Encode(&deep, image.NewNRGBA64(image.Rect(0, 0, side, side))); err != nil { // 8 bytes for each pixel
		t.Fatal(err)
	}
	files["a deep PNG"] = deep.Bytes()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for name, file := range files {
		cmd := exec.Command(program, "redraw", "--side", "1600")
		cmd.Args[0], cmd.Env, cmd.Stdin = "coopnode", drawEnv, bytes.NewReader(file)
		start := time.Now()
		err := cmd.Run()
		peak := cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss << 10
		cpu := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
		t.Logf("%s of %d bytes: peak %d MB, %v of processor time, %v in all, %v", name, len(file), peak/1e6, cpu, time.Since(start), err)
		if peak > 800e6 || cpu > (drawSeconds+2)*time.Second || (err == nil) != (name == "a deep PNG") {
			t.Errorf("%s is not held in bounds", name)
		}
	}
}
