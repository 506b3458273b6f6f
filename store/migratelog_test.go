package store

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

// LOG-2: each step of the schema is in the log.
func TestMigrationsAreLogged(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	db, err := Open(t.Context(), Options{Dir: t.TempDir(), Create: true, Log: slog.New(slog.NewTextHandler(&out, nil))})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	steps, err := ownSchema()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), `msg="schema updated" version=`+fmt.Sprint(steps.newest)) {
		t.Errorf("the log does not name step %d:\n%s", steps.newest, &out)
	}
}
