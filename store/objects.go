package store

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/coopnode/coopnode/node"
)

// Objects lists the objects that match q and the cursor of the next page, "" at the end: newest first by
// the time of publication, a conversation oldest first. Invalid for a cursor that is none.
func (q questions) Objects(ctx context.Context, query node.ObjectQuery) (list []node.Object, next string, err error) {
	const op = "list objects"
	limit := limitOr(query.Limit, 40, 200)
	f := filterOf(query)
	direction, sign := "desc", "<"
	if query.Thread != "" {
		direction, sign = "asc", ">"
	}
	if query.Before != "" {
		at, id, err := readCursor(query.Before)
		if err != nil {
			return nil, "", err
		}
		f.and(fmt.Sprintf("(o.published_ms, o.id) %s (%s, %s)", sign, f.arg(at), f.arg(id)))
	}
	text := "select " + objectColumns + " from object o" + f.where() +
		fmt.Sprintf(" order by o.published_ms %s, o.id %s limit %s", direction, direction, f.arg(limit+1))
	err = q.on(ctx, func(c *conn) error {
		return c.each(func(r rowScanner) error {
			o, err := scanObject(r)
			list = append(list, o)
			return err
		}, text, f.args...)
	})
	if err != nil {
		return nil, "", sqliteError(op, "", err)
	}
	if len(list) > limit {
		list = list[:limit]
		next = cursor(list[limit-1].Common())
	}
	return list, next, nil
}

// CountObjects counts the objects that match q; its cursor and limit do not matter.
func (q questions) CountObjects(ctx context.Context, query node.ObjectQuery) (n int, err error) {
	f := filterOf(query)
	err = q.on(ctx, func(c *conn) error {
		return c.row("select count(*) from object o"+f.where(), f.args...).Scan(&n)
	})
	return n, sqliteError("count objects", "", err)
}

// filter is the where clause of a query that grows with what is asked.
type filter struct {
	parts []string
	args  []any
}

// and adds a condition.
func (f *filter) and(condition string) { f.parts = append(f.parts, condition) }

// arg adds a value and gives its placeholder.
func (f *filter) arg(v any) string {
	f.args = append(f.args, v)
	return "$" + strconv.Itoa(len(f.args))
}

func (f *filter) where() string {
	if len(f.parts) == 0 {
		return ""
	}
	return " where " + strings.Join(f.parts, " and ")
}

// filterOf turns a query into conditions. Those that name a partial index are written out, or the
// index could not be used.
func filterOf(q node.ObjectQuery) *filter {
	f := &filter{}
	switch {
	case !q.OpenAt.IsZero():
		f.and("o.type = 'opening' and o.status = 'open' and o.deleted_ms = 0 and not o.draft")
		at := f.arg(ms(q.OpenAt))
		f.and("(o.closes_ms = 0 or o.closes_ms > " + at + ")")
	case !q.LateAt.IsZero():
		f.and("o.type = 'opening' and o.status = 'open' and o.deleted_ms = 0 and not o.draft")
		f.and("o.closes_ms > 0 and o.closes_ms <= " + f.arg(ms(q.LateAt)))
	case !q.DueFrom.IsZero():
		f.and("o.type = 'opening' and o.closes_ms >= " + f.arg(ms(q.DueFrom)))
	case q.Posts:
		f.and("o.type = 'post' and o.in_reply_to = ''")
	case q.Type != "":
		f.and("o.type = " + f.arg(string(q.Type)))
	}
	if q.Local {
		f.and("o.local")
	}
	if q.Actor != "" {
		f.and("o.actor = " + f.arg(q.Actor))
	}
	if q.Kind != "" {
		f.and("o.kind = " + f.arg(string(q.Kind)))
	}
	if q.Project != "" {
		f.and("o.project = " + f.arg(q.Project) + " and o.project <> ''")
	}
	if q.InReplyTo != "" {
		f.and("o.in_reply_to = " + f.arg(q.InReplyTo) + " and o.in_reply_to <> ''")
	}
	if q.Thread != "" {
		root := f.arg(q.Thread)
		f.and("o.thread = " + root + " and o.thread <> '' and o.iri <> " + root)
	}
	if q.SharedBy != "" {
		f.and("o.iri in (select r.object from reaction r where r.actor = " + f.arg(q.SharedBy) + " and r.verb = 'Announce')")
	}
	if !q.PassedAt.IsZero() {
		f.and("o.iri in (select s.object from reshare s where s.state = 'shared')")
		f.and("(o.closes_ms = 0 or o.closes_ms > " + f.arg(ms(q.PassedAt)) + ")")
	}
	if q.BroughtBy != "" {
		by := f.arg(q.BroughtBy)
		f.and("o.iri in (select t.object from timeline t where t.actor = " + by + " and t.verb = 'Announce' and t.hidden = 0" +
			" union select r.object from reaction r where r.actor = " + by + " and r.verb = 'Announce' and r.hidden = 0)")
	}
	if q.Tag != "" {
		f.and("o.id in (select object from object_tag where tag = " + f.arg(strings.ToLower(q.Tag)) + ")")
	}
	if q.Skill != "" {
		f.and("o.id in (select object from object_skill where skill = " + f.arg(q.Skill) + ")")
	}
	switch {
	case q.Listed:
		f.and("o.listed and o.hidden = 0")
	case !q.Refused:
		f.and("o.hidden < 2")
	}
	if q.Listed || !q.Deleted {
		f.and("o.deleted_ms = 0")
	}
	if q.Listed || !q.Drafts {
		f.and("not o.draft")
	}
	return f
}

// cursor names the place after an object in a list.
func cursor(b *node.Base) string { return strconv.FormatInt(ms(b.Published), 10) + "-" + b.ID }

func readCursor(s string) (at int64, id string, err error) {
	number, id, ok := strings.Cut(s, "-")
	at, err = strconv.ParseInt(number, 10, 64)
	if !ok || err != nil || !node.IsID(id) {
		return 0, "", noSuchPage("list objects")
	}
	return at, id, nil
}

func noSuchPage(op string) error {
	return &node.Error{Op: op, Kind: node.Invalid, Text: "That page does not exist. Start again at the first one."}
}
