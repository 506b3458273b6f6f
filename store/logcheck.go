package store

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"os"
	"time"
)

// What stands in the write-ahead log (sqlite.org/fileformat2.html 4): a header, then frames of a header and a page.
const (
	logHeader   = 32
	frameHeader = 24
)

// checkLog refuses a write-ahead log that is damaged in the middle (DB-2, DB-3). SQLite takes what stands before the damage and
// leaves the rest out without a word, as it must for the last change before a power failure, of which a part may be missing.
// But where two changes have ended behind the place, the first was safe on disk before the second began.
func checkLog(path string) error {
	for try := 0; ; try++ {
		ended, err := endedBehindDamage(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		} else if err != nil {
			return fileError("check log", path, err)
		}
		if ended < 2 {
			return nil
		}
		if try == 2 { // a command that writes just now would look like damage for a moment
			return damaged("check log", path, errors.New("the write-ahead log is damaged in the middle"))
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// endedBehindDamage counts the changes that ended behind the first frame whose sum is wrong, one after the other: the sum of each
// frame goes on from the one before, also behind damage. What is left of changes that failed, because the disk did, looks
// like damage too. But each of those began at the same place, and so none goes on from another.
func endedBehindDamage(path string) (most int, err error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	r := bufio.NewReaderSize(f, 1<<20)
	var head [logHeader]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, short(err)
	}
	var order binary.ByteOrder = binary.LittleEndian
	magic := binary.BigEndian.Uint32(head[:])
	if magic == 0x377f0683 {
		order = binary.BigEndian
	}
	size := binary.BigEndian.Uint32(head[8:])
	var sum logSum // of what stands there, as long as each frame goes on from the one before
	sum.add(head[:24], order)
	said := sumIn(head[24:]) // by the frame before
	sound := magic&^1 == 0x377f0682 && sum == said && size >= 512 && size <= 65536
	if size < 512 || size > 65536 {
		size = 4096 // the header is damaged; ours have pages of this size
	}
	frame := make([]byte, frameHeader+size)
	salt, ended := string(head[16:24]), map[string]int{} // changes by the salt of their round
	known := sound                                       // else the header does not say which round
	for {
		if _, err := io.ReadFull(r, frame); err != nil {
			return most, short(err)
		}
		for _, s := range []*logSum{&sum, &said} {
			s.add(frame[:8], order)
			s.add(frame[frameHeader:], order)
		}
		own := sumIn(frame[16:24])
		goesOn, of := sum == own || said == own, string(frame[8:16])
		sound = sound && sum == own && of == salt // else of an older round, left over, or damaged
		if goesOn {
			sum = own
		} else {
			clear(ended)
		}
		said = own
		if !sound && (of == salt || !known) && binary.BigEndian.Uint32(frame[4:]) != 0 {
			ended[of]++
			most = max(most, ended[of])
		}
	}
}

// short makes the end of the file no error.
func short(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return err
}

// A logSum is the running sum of a log.
type logSum struct{ a, b uint32 }

func (s *logSum) add(b []byte, order binary.ByteOrder) {
	for ; len(b) >= 8; b = b[8:] {
		s.a += order.Uint32(b) + s.b
		s.b += order.Uint32(b[4:]) + s.a
	}
}

func sumIn(b []byte) logSum {
	return logSum{binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:])}
}
