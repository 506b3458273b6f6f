package store

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/coopnode/coopnode/node"
)

// A Manifest says what is in a backup. It is the last file of the archive.
type Manifest struct {
	Format  int            `json:"format"` // 1
	Made    time.Time      `json:"made"`
	Program string         `json:"program"` // version
	Schema  int64          `json:"schema"`
	Address string         `json:"address"` // of the node
	WithKey bool           `json:"withKey"` // the master key is in it
	Rows    map[string]int `json:"rows"`    // how many rows some tables have
	Files   []ManifestFile `json:"files"`
}

// A ManifestFile is one file of a backup.
type ManifestFile struct {
	Name   string `json:"name"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"` // hexadecimal
}

const (
	manifestName  = "manifest.json"
	archiveFormat = 1
)

// archiveWriter writes a backup: a tar of files, compressed, the manifest last.
type archiveWriter struct {
	manifest Manifest
	zip      *gzip.Writer
	tar      *tar.Writer
	moved    func(n int) // called with the bytes that were written
}

func newArchiveWriter(w io.Writer, m Manifest, moved func(int)) *archiveWriter {
	zip, _ := gzip.NewWriterLevel(w, gzip.BestSpeed) // an error is of the level alone
	return &archiveWriter{manifest: m, zip: zip, tar: tar.NewWriter(zip), moved: moved}
}

func (a *archiveWriter) add(name string, size int64, r io.Reader) error {
	sum := sha256.New()
	err := a.tar.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o600, Size: size, ModTime: a.manifest.Made})
	if err == nil {
		_, err = io.Copy(io.MultiWriter(a.tar, sum, counting(a.moved)), r)
	}
	a.manifest.Files = append(a.manifest.Files, ManifestFile{Name: name, Bytes: size, SHA256: hex.EncodeToString(sum.Sum(nil))})
	return err
}

// finish writes the manifest and the ends.
func (a *archiveWriter) finish() error {
	b, err := json.MarshalIndent(a.manifest, "", "  ")
	if err == nil {
		err = a.tar.WriteHeader(&tar.Header{Name: manifestName, Typeflag: tar.TypeReg, Mode: 0o600, Size: int64(len(b)), ModTime: a.manifest.Made})
	}
	if err == nil {
		_, err = a.tar.Write(b)
	}
	return errors.Join(err, a.tar.Close(), a.zip.Close())
}

// counting is a writer that only tells how much it was given.
type counting func(n int)

func (c counting) Write(p []byte) (int, error) {
	if c != nil {
		c(len(p))
	}
	return len(p), nil
}

// archiveLimits bound what is read of an archive (MED-4). What they bound is far above what a node has.
type archiveLimits struct {
	files    int
	database int64 // bytes
	other    int64 // bytes of any other file
	total    int64 // bytes
	ratio    int64 // bytes for each byte of the archive, after the first
	free     int64 // bytes
}

var usualLimits = archiveLimits{files: 1 << 20, database: 256 << 30, other: 256 << 20, total: 512 << 30, ratio: 100, free: 64 << 20}

// readArchive reads an archive from its beginning to its end and gives each file to put, except the manifest, which it
// returns when everything agrees with it. Damaged for an archive that is not whole, Invalid for one that no backup made.
func readArchive(ctx context.Context, f *os.File, limits archiveLimits, moved func(int), put func(name string, r io.Reader) error) (*Manifest, error) {
	path := f.Name()
	in := &meteredReader{r: stoppedReader{ctx, f}, moved: moved}
	zip, err := gzip.NewReader(in)
	if err != nil {
		return nil, notWhole(path, err)
	}
	out := &meteredReader{r: zip}
	files := tar.NewReader(out)
	seen := map[string]ManifestFile{}
	var manifest []byte
	var total int64
	for {
		h, err := files.Next()
		if errors.Is(err, io.EOF) {
			break
		} else if ctx.Err() != nil {
			return nil, ctx.Err()
		} else if err != nil {
			return nil, notWhole(path, err)
		}
		total += h.Size
		if why := limits.refuse(h, len(seen), total); why != "" {
			return nil, notOurs(path, h.Name, why)
		}
		if _, twice := seen[h.Name]; twice || manifest != nil {
			return nil, notOurs(path, h.Name, "it stands there twice, or behind the end")
		}
		sum := sha256.New()
		r := io.TeeReader(io.LimitReader(&boundedReader{files, in, out, limits}, h.Size), sum)
		if h.Name == manifestName {
			if manifest, err = io.ReadAll(r); err == nil {
				continue
			}
		} else if err = put(h.Name, r); err == nil {
			_, err = io.Copy(io.Discard, r)
		}
		var ours *node.Error
		if errors.Is(err, errRatio) {
			return nil, notOurs(path, h.Name, errRatio.Error())
		} else if ctx.Err() != nil {
			return nil, ctx.Err()
		} else if errors.As(err, &ours) {
			return nil, err
		} else if err != nil {
			return nil, notWhole(path, err)
		}
		seen[h.Name] = ManifestFile{Name: h.Name, Bytes: h.Size, SHA256: hex.EncodeToString(sum.Sum(nil))}
	}
	// What follows the last file belongs to the check of the compression, and nothing else does.
	if n, err := io.Copy(io.Discard, io.LimitReader(zip, 1<<20)); ctx.Err() != nil {
		return nil, ctx.Err()
	} else if err != nil || n == 1<<20 {
		return nil, notWhole(path, errors.Join(err, errors.New("there is something behind its end")))
	}
	return agree(path, manifest, seen)
}

// refuse says why an entry has no place in a backup, "" if it has.
func (l archiveLimits) refuse(h *tar.Header, before int, total int64) string {
	name, picture := strings.CutPrefix(h.Name, shelfName+"/")
	most := l.other
	if h.Name == fileName {
		most = l.database
	}
	switch {
	case h.Typeflag != tar.TypeReg:
		return "it is no ordinary file but a folder, a link or a device"
	case picture && !node.IsPictureName(name), !picture && h.Name != fileName && h.Name != keyName && h.Name != manifestName:
		return "no file of a node is called so"
	case before >= l.files:
		return fmt.Sprintf("there are more than %d files", l.files)
	case h.Size > most, total > l.total:
		return "it is too large"
	}
	return ""
}

// agree compares what was read with what the manifest says.
func agree(path string, manifest []byte, seen map[string]ManifestFile) (*Manifest, error) {
	d := json.NewDecoder(bytes.NewReader(manifest))
	var m Manifest
	if err := d.Decode(&m); err != nil {
		return nil, notWhole(path, fmt.Errorf("read manifest: %w", err))
	}
	if m.Format != archiveFormat {
		return nil, notOurs(path, manifestName, fmt.Sprintf("its format is %d, this program knows %d", m.Format, archiveFormat))
	}
	for _, f := range m.Files {
		if seen[f.Name] != f {
			return nil, notWhole(path, fmt.Errorf("%s is not what the manifest says", f.Name))
		}
	}
	if len(seen) != len(m.Files) || seen[fileName].Name == "" {
		return nil, notWhole(path, errors.New("the manifest names other files"))
	}
	return &m, nil
}

func notWhole(path string, err error) error {
	return &node.Error{Op: "read backup", Kind: node.Damaged, Subject: path, Err: err,
		Text: "The backup " + path + " is damaged or no backup of coopnode. Take another one; look at the disk before you trust it again."}
}

func notOurs(path, name, why string) error {
	return &node.Error{Op: "read backup", Kind: node.Invalid, Subject: path,
		Text: fmt.Sprintf("%s is no backup that coopnode made: %q in it is refused, for %s. Nothing was written.", path, name, why)}
}

var errRatio = errors.New("it grows to more than a hundred times its size")

// boundedReader ends when more comes out of an archive than its bytes can honestly hold.
type boundedReader struct {
	r       io.Reader
	in, out *meteredReader
	limits  archiveLimits
}

func (b *boundedReader) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if b.out.n > b.limits.free+b.in.n*b.limits.ratio {
		return 0, errRatio
	}
	return n, err
}

// stoppedReader ends with its context: a node that is told to stop does not wait until a large file was read.
type stoppedReader struct {
	ctx context.Context
	r   io.Reader
}

func (s stoppedReader) Read(p []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	return s.r.Read(p)
}

// meteredReader counts what was read.
type meteredReader struct {
	r     io.Reader
	n     int64
	moved func(int)
}

func (m *meteredReader) Read(p []byte) (int, error) {
	n, err := m.r.Read(p)
	m.n += int64(n)
	if m.moved != nil {
		m.moved(n)
	}
	return n, err
}
