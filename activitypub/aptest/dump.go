package aptest

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// aside are tables that change without anybody's word having an effect: what is on its way, how peers do, and what the
// migrations keep for themselves.
var aside = []string{"letter", "delivery", "peer", "goose_db_version", "sqlite_sequence"}

// asideColumns are columns that change whenever a row is looked at or an actor is read again.
var asideColumns = []string{"version", "fetched_ms"}

// fetched is when an actor was read, as it stands in its data.
var fetched = regexp.MustCompile(`,"fetched":"[^"]*"`)

// Dump is all that the node remembers, as one line for each row, sorted: "table|column=value|…". Two dumps that are
// equal mean that nothing of what came between them had an effect.
func (n *Node) Dump() []string {
	n.t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(n.dir, "coopnode.db")+"?mode=ro&_pragma=busy_timeout(10000)")
	n.must(err)
	defer db.Close()
	tx, err := db.BeginTx(n.t.Context(), &sql.TxOptions{ReadOnly: true}) // one moment for all tables
	n.must(err)
	defer tx.Rollback()
	tables, err := tx.Query("select name from sqlite_master where type = 'table'")
	n.must(err)
	var names []string
	for tables.Next() {
		var name string
		n.must(tables.Scan(&name))
		if !slices.Contains(aside, name) {
			names = append(names, name)
		}
	}
	n.must(tables.Err())
	var lines []string
	for _, name := range names {
		lines = append(lines, n.dump(tx, name)...)
	}
	slices.Sort(lines)
	return lines
}

func (n *Node) dump(tx *sql.Tx, table string) []string {
	n.t.Helper()
	rows, err := tx.Query(`select * from "` + table + `"`)
	n.must(err)
	defer rows.Close()
	columns, err := rows.Columns()
	n.must(err)
	var lines []string
	for rows.Next() {
		values := make([]any, len(columns))
		places := make([]any, len(columns))
		for i := range values {
			places[i] = &values[i]
		}
		n.must(rows.Scan(places...))
		line := []string{table}
		for i, c := range columns {
			if b, ok := values[i].([]byte); ok {
				values[i] = string(b)
			}
			if !slices.Contains(asideColumns, c) {
				line = append(line, fetched.ReplaceAllString(fmt.Sprintf("%s=%v", c, values[i]), ""))
			}
		}
		lines = append(lines, strings.Join(line, "|"))
	}
	n.must(rows.Err())
	return lines
}
