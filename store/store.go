package store

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coopnode/coopnode/node"
)

// DB is the memory of one node. It is safe for use by many goroutines.
//
// A method of DB called inside a Tx of the same DB sees the data as it was before that Tx; a Tx
// inside a Tx waits for itself for ever.
type DB struct {
	questions
	path    string
	seal    *sealer
	lock    *os.File // held while serving
	pool    *pool
	writer  *writer
	shelf   shelf // files of pictures
	version int64 // data_version last seen; the writer's own
	changes atomic.Int64
	closing sync.Once
	sound   bool // it was opened whole: what stands in the file is what it shall be

	measure func(Op, time.Duration)

	lastLetter int64 // greatest number given to a letter by this process; the writer's own
}

var _ node.Store = (*DB)(nil)

// Options say where the data is. Dir is needed.
type Options struct {
	// Dir is the data folder: coopnode.db, master.key, serve.lock and the folder pictures are in it.
	Dir string
	// Create makes the folder, an empty database and a master key where there are none. Without it
	// a folder that holds no database is NotFound.
	Create bool
	// MasterKey is 32 bytes that seal the private keys. If nil they are read from MasterKeyFile.
	MasterKey []byte
	// MasterKeyFile is Dir/master.key if empty. It must be readable by its owner alone (KEY-2).
	MasterKeyFile string
	// Serve takes the data folder for one serving process and checks the database for damage. A
	// second one is refused as Busy (DB-4). Ordinary commands leave it false and work beside it.
	Serve bool
	// Begin is called, if Serve, when the data folder is this process's and the database is about to be looked through; an error of it ends
	// Open. setting gives settings of the database as it is, "" for what cannot be read.
	Begin func(setting func(key string) string) error
	// Progress is called when a stage of opening begins; may be nil.
	Progress func(Stage)
	// Log discards if nil.
	Log *slog.Logger
	// Measure is told how long each use of the database took, in many goroutines. It may be nil.
	Measure func(Op, time.Duration)
}

// An Op is a use of the database that is measured.
type Op string

// The uses: questions and transactions with the wait for their turn, and what a group of transactions waits for the disk.
const (
	OpRead   Op = "read"
	OpWrite  Op = "write"
	OpCommit Op = "commit"
)

// Ops are all uses that are measured.
func Ops() []Op { return []Op{OpRead, OpWrite, OpCommit} }

// A Stage is something for which whoever opens a database has to wait.
type Stage struct {
	Doing       string // StageCheck, StageCopy or StageUpdate
	Step, Steps int    // of StageUpdate: the first is 1
}

// The stages, in order.
const (
	StageCheck  = "check"  // the structure of the database is looked through (DB-3)
	StageCopy   = "copy"   // it is copied before it is changed (DB-5)
	StageUpdate = "update" // its schema is brought up to date
)

const (
	fileName = "coopnode.db"
	keyName  = "master.key"
	lockName = "serve.lock"
)

// Open opens the database in a data folder and brings its schema up to date. Kinds of error:
// NotFound (no database there), Busy (another process holds it), Damaged (the check failed; nothing
// is repaired; or the schema was made by other steps), Invalid (a newer schema than this program knows, or a master
// key file that others can read), Unavailable (disk full, no permission).
func Open(ctx context.Context, opt Options) (*DB, error) {
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	if opt.Progress == nil {
		opt.Progress = func(Stage) {}
	}
	if opt.Measure == nil {
		opt.Measure = func(Op, time.Duration) {}
	}
	db := &DB{path: filepath.Join(opt.Dir, fileName), shelf: shelf{dir: opt.Dir}, measure: opt.Measure}
	if err := db.open(ctx, opt); err != nil {
		db.Close()
		return nil, err
	}
	return db, nil
}

func (db *DB) open(ctx context.Context, opt Options) error {
	fresh, err := prepareFile(opt, db.path)
	if err != nil {
		return err
	}
	if opt.Serve {
		if db.lock, err = lockFile(opt.Dir); err != nil {
			return err
		}
	}
	if db.writer, err = openWriter(db.path); err != nil {
		return err
	}
	db.writer.measure = db.measure
	if opt.Serve && !fresh { // before the database is opened, which reads its log
		for _, check := range []func() error{
			func() error { return checkSum(opt.Dir) },
			func() error { return checkLog(db.path + "-wal") },
		} {
			if err := check(); err != nil {
				return err
			}
		}
	}
	if opt.Serve && opt.Begin != nil {
		if err := opt.Begin(func(key string) (value string) {
			db.writer.sql.QueryRowContext(ctx, setting, key).Scan(&value)
			return value
		}); err != nil {
			return err
		}
	}
	if opt.Serve && !fresh {
		opt.Progress(Stage{Doing: StageCheck})
		if err := quickCheck(ctx, db.path); err != nil {
			return err
		}
	}
	steps, err := ownSchema()
	if err != nil {
		return err
	}
	if err := steps.migrate(ctx, db.writer.sql, opt, db.lock != nil); err != nil {
		return err
	}
	if db.pool, err = openPool(ctx, db.path); err != nil {
		return err
	}
	db.questions = questions{on: db.read}
	if err := db.writer.start(ctx); err != nil {
		return sqliteError("open database", db.path, err)
	}
	if db.seal, err = openSealer(ctx, db, opt); err != nil {
		return err
	}
	db.questions.seal = db.seal
	_, err = db.Changed(ctx)
	db.sound = err == nil
	return err
}

// Close waits for the running transaction, closes the database and gives the folder free.
// Nothing may be asked of DB afterwards; closing it again does nothing.
func (db *DB) Close() error {
	var err error
	db.closing.Do(func() { err = db.close() })
	return err
}

func (db *DB) close() error {
	var err error
	if db.pool != nil {
		err = db.pool.close()
	}
	if db.writer != nil {
		if e := db.writer.close(); err == nil {
			err = e
		}
	}
	if e := db.shelf.close(); err == nil {
		err = e
	}
	if db.lock != nil {
		if err == nil && db.sound {
			err = noteSum(db.shelf.dir)
		}
		unlockFile(db.lock)
	}
	return err
}

// read lends a connection that only reads.
func (db *DB) read(ctx context.Context, f func(*conn) error) error {
	began := time.Now()
	defer func() { db.measure(OpRead, time.Since(began)) }()
	return db.pool.use(ctx, f)
}

// Generation changes whenever Changed has found that another process changed the data.
func (db *DB) Generation() int64 { return db.changes.Load() }

// Revision changes whenever a row was changed by this process, or, as Changed has found, by another.
func (db *DB) Revision() int64 { return db.changes.Load() + db.writer.rows.Load() }

// Tx runs f alone against all other writers and returns after its changes are safe on disk
// (synchronous=FULL, DB-1). An error of f takes back what f did and is returned as it is; a panic
// of f does the same and goes on in the caller. f may run more than once. If ctx ends before f has
// begun, f does not run; once it has begun, ctx is no longer looked at.
func (db *DB) Tx(ctx context.Context, f func(node.Tx) error) error {
	began := time.Now()
	defer func() { db.measure(OpWrite, time.Since(began)) }()
	return db.writer.do(ctx, func(c *conn) error {
		var erased []string
		if err := f(tx{questions: questions{on: c.use, seal: db.seal}, c: c, lastLetter: &db.lastLetter, erased: &erased}); err != nil {
			return err
		}
		return db.noteErased(erased)
	})
}

// tx is a transaction: what a Writer does, and questions answered from inside it.
type tx struct {
	questions
	c          *conn
	lastLetter *int64
	erased     *[]string // addresses of what is ours and is erased here
}

var _ node.Tx = tx{}

// questions answers what a Reader is asked, on whichever connection on lends it.
type questions struct {
	on   func(ctx context.Context, f func(*conn) error) error
	seal *sealer
}
