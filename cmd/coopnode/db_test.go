package main

import (
	"strings"
	"testing"
)

// DB-5: what an update would do is said before it is done, and then it is; what is up to date stays as it is.
func TestDatabaseCommands(t *testing.T) {
	t.Parallel()
	p := oldNode(t)
	says := func(want string, args ...string) {
		t.Helper()
		if out := p.command(args...); !strings.Contains(out, want) {
			t.Errorf("coopnode %s says %q, want %q", strings.Join(args, " "), out, want)
		}
	}
	says("has schema 1; this program wants", "db", "migrate", "--dry-run")
	says("has schema 1; this program wants", "db", "migrate", "--dry-run")
	says("was brought from schema 1", "db", "migrate")
	says("is up to date", "db", "migrate")
	says(`"sound": true`, "db", "check", "--json")
	says("The database had", "db", "compact")
	says(`"sound": true`, "db", "check", "--json")
	says("A baker for the oven", "opening", "list")
}
