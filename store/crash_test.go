package store

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/coopnode/coopnode/node"
)

const crashDir = "COOPNODE_TEST_CRASH"

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashDir); dir != "" {
		writeUntilKilled(dir)
	}
	if dir := os.Getenv(indexDir); dir != "" {
		changeUntilKilled(dir)
	}
	if dir := os.Getenv(migrateDir); dir != "" {
		migrateAndEnd(dir)
		return
	}
	os.Exit(m.Run())
}

// writeUntilKilled is the child process of TestKill: many writers, each of which says what was
// acknowledged. A transaction writes two things that belong together; every fifth is taken back.
func writeUntilKilled(dir string) {
	ctx := context.Background()
	db, err := Open(ctx, Options{Dir: dir, Serve: true})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	start := rand.Int64()>>1 + 1
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for i := start + int64(w); ; i += 8 {
				id := strconv.FormatInt(i, 36)
				err := db.Tx(ctx, func(tx node.Tx) error {
					if err := tx.SetSetting(ctx, id, "1"); err != nil {
						return err
					}
					if i%5 == 0 {
						return errors.New("taken back")
					}
					_, err := tx.KeepLetter(ctx, &node.Letter{IRI: id, Received: time.Now()})
					return err
				})
				if err == nil {
					os.Stdout.WriteString(id + "\n")
				} else if i%5 != 0 {
					fmt.Fprintln(os.Stderr, err)
					os.Exit(1)
				}
			}
		})
	}
	wg.Wait()
}

// A process is killed while it writes, again and again in the same folder. Everything that it
// acknowledged is there, nothing is half there, and the database is sound (DB-1, DB-2).
func TestKill(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	open(t, Options{Dir: dir, Create: true}).Close()
	total := 0
	for round := range 6 {
		acknowledged := runAndKill(t, dir, time.Duration(50+rand.IntN(200))*time.Millisecond)
		total += len(acknowledged)
		db := open(t, Options{Dir: dir, Serve: true}) // checks the database
		settings, letters := names(t, db, `select key from setting`), names(t, db, `select iri from letter`)
		for _, id := range acknowledged {
			if !settings[id] || !letters[id] {
				t.Errorf("round %d: %s was acknowledged and is lost", round, id)
			}
		}
		for id := range settings {
			if !letters[id] {
				t.Errorf("round %d: half of %s is there", round, id)
			}
		}
		if len(settings) != len(letters) {
			t.Errorf("round %d: %d and %d halves", round, len(settings), len(letters))
		}
		db.Close()
	}
	if total == 0 {
		t.Error("nothing was acknowledged, so nothing was shown")
	}
	t.Logf("%d transactions acknowledged in 6 lives", total)
}

// runAndKill lets the child write for so long after its first acknowledgement and kills it.
func runAndKill(t *testing.T, dir string, after time.Duration) (acknowledged []string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), crashDir+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadString('\n')
		if err == io.EOF {
			break // a line without its end was never fully said
		} else if err != nil {
			t.Fatal(err)
		}
		if len(acknowledged) == 0 {
			time.AfterFunc(after, func() { cmd.Process.Kill() })
		}
		acknowledged = append(acknowledged, line[:len(line)-1])
	}
	cmd.Wait()
	return acknowledged
}

func names(t *testing.T, db *DB, query string) map[string]bool {
	t.Helper()
	all := map[string]bool{}
	err := db.on(t.Context(), func(c *conn) error {
		return c.each(func(r rowScanner) error {
			var name string
			err := r.Scan(&name)
			all[name] = true
			return err
		}, query)
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
