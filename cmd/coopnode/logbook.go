package main

import (
	"context"
	"log/slog"
	"strings"

	"github.com/coopnode/coopnode/node"
)

// A logbook writes into the log of the server what people and commands did, each thing once and after it was committed: who
// signed in, changes of roles, settings, keys and rules, exports, erasures, backups (LOG-2). It reads the audit log, so that what
// a command did beside the server is there too. Of people it names ids alone; what the node is for stands in
// `coopnode audit list` under the number of the entry.
type logbook struct {
	node *node.Node
	log  *slog.Logger
	last int64 // entry that is written
	seen int64 // revision of the data
}

// entriesAtOnce bounds what one look writes; what is older than those stands in the audit log alone.
const entriesAtOnce = 200

// openLogbook begins after what is there already.
func openLogbook(ctx context.Context, n *node.Node, log *slog.Logger) (*logbook, error) {
	b := &logbook{node: n, log: log}
	newest, err := n.AuditLog(ctx, node.AuditQuery{Limit: 1})
	if len(newest) > 0 {
		b.last = newest[0].Seq
	}
	return b, err
}

// catchUp writes what is new.
func (b *logbook) catchUp(ctx context.Context, revision int64) error {
	if revision == b.seen {
		return nil
	}
	entries, err := b.node.AuditLog(ctx, node.AuditQuery{Limit: entriesAtOnce})
	if err != nil {
		return err
	}
	for i := len(entries) - 1; i >= 0; i-- {
		if e := entries[i]; e.Seq > b.last {
			b.write(ctx, e)
			b.last = e.Seq
		}
	}
	b.seen = revision
	return nil
}

func (b *logbook) write(ctx context.Context, e *node.AuditEntry) {
	by := e.Name
	if e.Person != "" {
		by = "person:" + e.Person
	}
	attrs := []any{"action", e.Action, "by", by, "entry", e.Seq}
	if !aboutPerson(e.Action) && e.Subject != "" {
		attrs = append(attrs, "object", e.Subject)
	}
	b.log.InfoContext(ctx, "done", attrs...)
}

// aboutPerson says whether what an entry is about is the name of somebody who works here.
func aboutPerson(action string) bool {
	return strings.HasPrefix(action, "person.") || strings.HasPrefix(action, "session.") || action == "export.person"
}
