package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/coopnode/coopnode/node"
)

// The columns of an object o, with what others said of it counted.
const objectColumns = `
	       o.id, o.iri, o.type, o.actor, o.local, o.audience, o.draft, o.in_reply_to, o.thread,
	       o.project, o.published_ms, o.updated_ms, o.received_ms, o.deleted_ms, o.hidden_ms, o.hidden_by, o.url, o.data, o.raw, o.hidden,
	       (select count(*) from reaction r where r.object = o.iri and r.verb = 'Like' and r.hidden < 2),
	       (select count(*) from reaction r where r.object = o.iri and r.verb = 'Announce' and r.hidden < 2),
	       (select count(*) from object a
	         where a.in_reply_to = o.iri and a.in_reply_to <> '' and a.listed and a.deleted_ms = 0 and not a.draft
	           and a.hidden = 0)`

const (
	objectByID  = `select ` + objectColumns + ` from object o where o.id = $1`
	objectByIRI = `select ` + objectColumns + ` from object o where o.iri = $1`
	objectByURL = `
		select ` + objectColumns + `
		  from object o
		 where o.url = $1 and o.url <> ''
		 order by o.local desc, o.deleted_ms, o.published_ms, o.id
		 limit 1`
	document   = `select raw, audience, draft, deleted_ms, updated_ms from object where iri = $1 and local`
	lockObject = `update object set version = version + 1 where iri = $1`
	saveObject = `
		insert into object (id, iri, type, actor, local, audience, listed, draft, in_reply_to, thread,
		                    project, kind, status, closes_ms, published_ms, updated_ms, received_ms,
		                    deleted_ms, url, version, data, raw, hidden, hidden_ms, hidden_by)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, 1, $20, $21, $22, $23, $24)
		    on conflict (iri) do update set
		       type = excluded.type, actor = excluded.actor, local = excluded.local,
		       audience = excluded.audience, listed = excluded.listed, draft = excluded.draft,
		       in_reply_to = excluded.in_reply_to, thread = excluded.thread, project = excluded.project,
		       kind = excluded.kind, status = excluded.status, closes_ms = excluded.closes_ms,
		       published_ms = excluded.published_ms, updated_ms = excluded.updated_ms,
		       deleted_ms = excluded.deleted_ms, url = excluded.url, version = object.version + 1,
		       data = excluded.data, raw = excluded.raw, hidden = excluded.hidden,
		       hidden_ms = excluded.hidden_ms, hidden_by = excluded.hidden_by
		returning id, version`
	joinThread = `update object set thread = $2 where thread = $1 and thread <> '' and iri <> $2`
	dropTags   = `delete from object_tag where object = $1`
	dropSkills = `delete from object_skill where object = $1`
	saveTag    = `insert into object_tag (tag, object) values ($1, $2) on conflict do nothing`
	saveSkill  = `insert into object_skill (skill, object) values ($1, $2) on conflict do nothing`
)

// Object finds an object by its address, its id or its page, in this order; an address is always
// the owner's, a page is only what an object says of itself. NotFound.
func (q questions) Object(ctx context.Context, ref string) (o node.Object, err error) {
	texts := []string{objectByIRI, objectByURL}
	if node.IsID(ref) {
		texts = []string{objectByID}
	}
	err = q.on(ctx, func(c *conn) error {
		for _, text := range texts {
			o, err = scanObject(c.row(text, ref))
			if !errors.Is(err, sql.ErrNoRows) {
				return err
			}
		}
		return err
	})
	return o, sqliteError("read object", ref, err)
}

// Document gives the bytes that stand at the address of an object of ours. NotFound, also for those of others.
func (q questions) Document(ctx context.Context, iri string) (*node.Document, error) {
	var d node.Document
	var deleted, updated int64
	err := q.on(ctx, func(c *conn) error {
		return c.row(document, iri).Scan(&d.Raw, &d.Audience, &d.Draft, &deleted, &updated)
	})
	if err != nil {
		return nil, sqliteError("read document", iri, err)
	}
	d.Deleted, d.Updated = deleted != 0, timeOf(updated)
	return &d, nil
}

// LockObject reads an object by its address and keeps it from changing until the end of the
// transaction (decisions 7). NotFound.
func (t tx) LockObject(_ context.Context, iri string) (node.Object, error) {
	n, err := t.c.exec(lockObject, iri)
	if err == nil && n == 0 {
		err = sql.ErrNoRows
	}
	if err != nil {
		return nil, sqliteError("lock object", iri, err)
	}
	o, err := scanObject(t.c.row(objectByIRI, iri))
	return o, sqliteError("lock object", iri, err)
}

// SaveObject keeps an object by its address, in place of what was there; only its id and the time
// when it was first received stay as they were. Counts are not kept: they are counted.
func (t tx) SaveObject(_ context.Context, o node.Object) error {
	const op = "save object"
	b := o.Common()
	data, err := encode(o)
	if err != nil {
		return err
	}
	var kind node.OpeningKind
	var status node.Status
	var closes time.Time
	var skills []node.Skill
	if opening, ok := o.(*node.Opening); ok {
		kind, status, closes, skills = opening.Kind, opening.Status, opening.Closes, opening.Skills
	}
	if b.Local && !b.Deleted.IsZero() {
		*t.erased = append(*t.erased, b.IRI)
	}
	hidden, err := t.hiddenOf(b.Actor, b.Local)
	if err != nil {
		return err
	}
	var id string
	var version int64
	err = t.c.row(saveObject, b.ID, b.IRI, string(b.Type), b.Actor, b.Local, string(b.Audience), b.Audience.Listed() && b.Hidden.IsZero(),
		b.Draft, b.InReplyTo, b.Thread, b.Project, string(kind), string(status), ms(closes), ms(b.Published),
		ms(b.Updated), ms(b.Received), ms(b.Deleted), b.URL, data, b.Raw, hidden, ms(b.Hidden), b.HiddenBy).Scan(&id, &version)
	if err != nil {
		return sqliteError(op, b.IRI, err)
	}
	if err := t.index(id, version > 1, b.Tags, skills); err != nil {
		return sqliteError(op, b.IRI, err)
	}
	return sqliteError(op, b.IRI, t.noteObject(b.IRI))
}

// JoinThread makes all that stands in the conversation from a part of the conversation to.
func (t tx) JoinThread(_ context.Context, from, to string) error {
	for _, s := range []string{joinThread, joinRemarks} {
		if _, err := t.c.exec(s, from, to); err != nil {
			return sqliteError("join thread", from, err)
		}
	}
	return nil
}

// index keeps by which tags and skills an object is found, in place of those from before.
func (t tx) index(id string, before bool, tags []string, skills []node.Skill) error {
	if before {
		for _, drop := range []string{dropTags, dropSkills} {
			if _, err := t.c.exec(drop, id); err != nil {
				return err
			}
		}
	}
	for _, tag := range tags {
		if _, err := t.c.exec(saveTag, strings.ToLower(tag), id); err != nil {
			return err
		}
	}
	for _, s := range skills {
		if _, err := t.c.exec(saveSkill, s.Key, id); err != nil {
			return err
		}
	}
	return nil
}

// scanObject reads objectColumns, after columns that stand before them.
func scanObject(r rowScanner, before ...any) (node.Object, error) {
	var b node.Base
	var published, updated, received, deleted, hidden, putAway int64
	var data []byte
	err := r.Scan(append(before, &b.ID, &b.IRI, &b.Type, &b.Actor, &b.Local, &b.Audience, &b.Draft, &b.InReplyTo, &b.Thread,
		&b.Project, &published, &updated, &received, &deleted, &putAway, &b.HiddenBy, &b.URL, &data, &b.Raw, &hidden, &b.Likes, &b.Shares, &b.Replies)...)
	if err != nil {
		return nil, err
	}
	o := node.NewObject(b.Type)
	if o == nil {
		return nil, damaged("read object", b.IRI, errors.New("unknown type "+string(b.Type)))
	}
	if err := json.Unmarshal(data, o); err != nil {
		return nil, damaged("read object", b.IRI, err)
	}
	b.Published, b.Updated, b.Received, b.Deleted = timeOf(published), timeOf(updated), timeOf(received), timeOf(deleted)
	b.Hidden, b.Moderation = timeOf(putAway), severityOf(hidden)
	kept := o.Common()
	b.To, b.Tags, b.Texts, b.Pictures, b.Enclosures, b.Sample = kept.To, kept.Tags, kept.Texts, kept.Pictures, kept.Enclosures, kept.Sample
	*kept = b
	return o, nil
}
