package ui

import (
	"bytes"
	"encoding/binary"
)

// webpChunk is the first chunk of that name in a WebP file (RFC 9649 2.3).
func webpChunk(file []byte, name string) []byte {
	for id, body := range webpChunks(file[min(12, len(file)):]) {
		if id == name {
			return body
		}
	}
	return nil
}

// webpChunks gives the name and the content of each chunk, until the first that is not whole.
func webpChunks(b []byte) func(yield func(string, []byte) bool) {
	return func(yield func(string, []byte) bool) {
		for len(b) >= 8 {
			size := uint64(binary.LittleEndian.Uint32(b[4:]))
			if 8+size > uint64(len(b)) || !yield(string(b[:4]), b[8:8+size]) {
				return
			}
			b = b[min(8+size+size%2, uint64(len(b))):]
		}
	}
}

// firstFrame makes a still of an animated WebP, which the decoder cannot read; every other file stays as it is. What the
// first frame leaves free of the whole is left out.
func firstFrame(file []byte) []byte {
	const animated = 0x02
	head := webpChunk(file, "VP8X")
	if !bytes.HasPrefix(file, []byte("RIFF")) || len(head) < 10 || head[0]&animated == 0 {
		return file
	}
	frame := webpChunk(file, "ANMF")
	if len(frame) < 16 {
		return file
	}
	var flags byte
	var chunks bytes.Buffer
	for id, body := range webpChunks(frame[16:]) {
		if id == "ALPH" {
			flags |= 0x10
		}
		if id == "ALPH" || id == "VP8 " || id == "VP8L" {
			writeChunk(&chunks, id, body)
		}
	}
	var still bytes.Buffer
	still.WriteString("WEBP")
	if flags != 0 { // a file with an alpha channel of its own says so, and the size: that of the frame
		writeChunk(&still, "VP8X", append([]byte{flags, 0, 0, 0}, frame[6:12]...))
	}
	still.Write(chunks.Bytes())
	var out bytes.Buffer
	writeChunk(&out, "RIFF", still.Bytes())
	return out.Bytes()
}

func writeChunk(b *bytes.Buffer, id string, body []byte) {
	b.WriteString(id)
	b.Write(binary.LittleEndian.AppendUint32(nil, uint32(len(body))))
	b.Write(body)
	if len(body)%2 == 1 {
		b.WriteByte(0)
	}
}
