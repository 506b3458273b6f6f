//go:build faultinject

package store

import (
	"os"
	"sync"
	"unsafe"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

// A program built with the tag faultinject, which is never released (T-2), has a disk under its database that fails while
// the file exists that COOPNODE_FAULT_WHILE names. What that file says is how:
//
//	sync   what is written is not made safe
//	write  half of what shall be written is written
//	full   nothing is written, for the disk is full
//
// The folder of the database is the real one, and its locks and shared memory are those of the engine.
var faultWhile = os.Getenv("COOPNODE_FAULT_WHILE")

// fault is how the disk fails now, "" for not at all.
func fault() string {
	if faultWhile == "" {
		return ""
	}
	how, _ := os.ReadFile(faultWhile)
	return string(how)
}

// What the engine calls. To it a Go function is one word, as the C functions are that were translated into Go.
type (
	opens     = func(tls *libc.TLS, vfs, name, file uintptr, flags int32, flagsOut uintptr) int32
	writes    = func(tls *libc.TLS, file, from uintptr, bytes int32, at int64) int32
	syncs     = func(tls *libc.TLS, file uintptr, flags int32) int32
	truncates = func(tls *libc.TLS, file uintptr, size int64) int32
)

// A faultyFile is what can be done with a file, of which some may fail; sound is the same of the engine.
type faultyFile struct {
	sqlite3.Tsqlite3_io_methods
	sound *sqlite3.Tsqlite3_io_methods
}

// The engine keeps their addresses without a word to Go, so they must never go.
var (
	faultyDisk  sqlite3.Tsqlite3_vfs
	faultyName  = [...]byte{'f', 'a', 'u', 'l', 't', 'y', 0}
	soundDisk   *sqlite3.Tsqlite3_vfs
	faultyFiles sync.Map // *faultyFile by the address of the engine's own
)

func init() {
	tls := libc.NewTLS()
	defer tls.Close()
	soundDisk = at[sqlite3.Tsqlite3_vfs](sqlite3.Xsqlite3_vfs_find(tls, 0))
	faultyDisk = *soundDisk
	faultyDisk.FzName = uintptr(unsafe.Pointer(&faultyName))
	*(*opens)(unsafe.Pointer(&faultyDisk.FxOpen)) = openFaulty
	if code := sqlite3.Xsqlite3_vfs_register(tls, uintptr(unsafe.Pointer(&faultyDisk)), 1); code != sqlite3.SQLITE_OK {
		panic("the disk that fails was not taken")
	}
}

// at is what stands at an address of the engine's.
func at[T any](address uintptr) *T { return *(**T)(unsafe.Pointer(&address)) }

func openFaulty(tls *libc.TLS, vfs, name, file uintptr, flags int32, flagsOut uintptr) int32 {
	code := (*(*opens)(unsafe.Pointer(&soundDisk.FxOpen)))(tls, vfs, name, file, flags, flagsOut)
	f := at[sqlite3.Tsqlite3_file](file)
	if code != sqlite3.SQLITE_OK || f.FpMethods == 0 {
		return code
	}
	known, ok := faultyFiles.Load(f.FpMethods)
	if !ok {
		sound := at[sqlite3.Tsqlite3_io_methods](f.FpMethods)
		m := &faultyFile{*sound, sound}
		*(*writes)(unsafe.Pointer(&m.FxWrite)) = writeFaulty
		*(*syncs)(unsafe.Pointer(&m.FxSync)) = syncFaulty
		*(*truncates)(unsafe.Pointer(&m.FxTruncate)) = truncateFaulty
		known, _ = faultyFiles.LoadOrStore(f.FpMethods, m)
	}
	f.FpMethods = uintptr(unsafe.Pointer(known.(*faultyFile)))
	return code
}

// ofEngine is what the engine would do with a file.
func ofEngine(file uintptr) *sqlite3.Tsqlite3_io_methods {
	return at[faultyFile](at[sqlite3.Tsqlite3_file](file).FpMethods).sound
}

func writeFaulty(tls *libc.TLS, file, from uintptr, bytes int32, offset int64) int32 {
	write := *(*writes)(unsafe.Pointer(&ofEngine(file).FxWrite))
	switch fault() {
	case "write":
		write(tls, file, from, bytes/2, offset)
		return sqlite3.SQLITE_IOERR_WRITE
	case "full":
		return sqlite3.SQLITE_FULL
	}
	return write(tls, file, from, bytes, offset)
}

func syncFaulty(tls *libc.TLS, file uintptr, flags int32) int32 {
	if fault() == "sync" {
		return sqlite3.SQLITE_IOERR_FSYNC
	}
	return (*(*syncs)(unsafe.Pointer(&ofEngine(file).FxSync)))(tls, file, flags)
}

func truncateFaulty(tls *libc.TLS, file uintptr, size int64) int32 {
	if fault() != "" {
		return sqlite3.SQLITE_IOERR_TRUNCATE
	}
	return (*(*truncates)(unsafe.Pointer(&ofEngine(file).FxTruncate)))(tls, file, size)
}
