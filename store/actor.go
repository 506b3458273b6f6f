package store

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/coopnode/coopnode/node"
)

const actorColumns = `iri, local, key_id, key_pem, fetched_ms, gone_ms, data, raw`

const (
	actorByIRI    = `select ` + actorColumns + ` from actor where iri = $1`
	actorByHandle = `
		select ` + actorColumns + `
		  from actor
		 where handle = $1 and host = $2
		 order by gone_ms = 0 desc, local desc, fetched_ms desc
		 limit 1`
	// Two may claim one key; the one whose address the key's begins with is the likelier owner.
	actorByKey = `
		select ` + actorColumns + `
		  from actor
		 where key_id = $1 and key_id <> ''
		 order by substr($1, 1, length(iri)) = iri desc, gone_ms = 0 desc, fetched_ms desc
		 limit 1`
	knownCoops = `select ` + actorColumns + ` from actor where is_coop and gone_ms = 0 and hidden = 0`
	coopsOn    = `select ` + actorColumns + ` from actor where host = $1 and ($2 = '' or handle = $2) and is_coop and gone_ms = 0 and hidden = 0 order by iri limit 20`
	saveActor  = `
		insert into actor (iri, handle, host, local, is_coop, key_id, key_pem, inbox, inbox_host,
		                   mailbox, mailbox_host, fetched_ms, gone_ms, data, raw, hidden, sample)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
		    on conflict (iri) do update set
		       handle = excluded.handle, host = excluded.host, local = excluded.local,
		       is_coop = excluded.is_coop, key_id = excluded.key_id, key_pem = excluded.key_pem,
		       inbox = excluded.inbox, inbox_host = excluded.inbox_host, mailbox = excluded.mailbox,
		       mailbox_host = excluded.mailbox_host, fetched_ms = excluded.fetched_ms,
		       gone_ms = excluded.gone_ms, data = excluded.data, raw = excluded.raw, hidden = excluded.hidden,
		       sample = excluded.sample`
)

// Actor gives an actor by its address. NotFound.
func (q questions) Actor(ctx context.Context, iri string) (a *node.Actor, err error) {
	err = q.on(ctx, func(c *conn) error {
		a, err = scanActor(c.row(actorByIRI, iri))
		return err
	})
	return a, sqliteError("read actor", iri, err)
}

// ActorByHandle gives the actor @handle@host, whatever the case. NotFound.
func (q questions) ActorByHandle(ctx context.Context, handle, host string) (a *node.Actor, err error) {
	err = q.on(ctx, func(c *conn) error {
		a, err = scanActor(c.row(actorByHandle, strings.ToLower(handle), strings.ToLower(host)))
		return err
	})
	return a, sqliteError("read actor", "@"+handle+"@"+host, err)
}

// ActorByKey gives the actor that says it owns the key with this id. NotFound.
func (q questions) ActorByKey(ctx context.Context, keyID string) (a *node.Actor, err error) {
	err = q.on(ctx, func(c *conn) error {
		a, err = scanActor(c.row(actorByKey, keyID))
		return err
	})
	return a, sqliteError("read actor of key", keyID, err)
}

// KnownCoops lists the actors that say they are cooperatives, ours among them, by name; none whom a rule limits or refuses.
func (q questions) KnownCoops(ctx context.Context) (list []*node.Actor, err error) {
	err = q.on(ctx, func(c *conn) error {
		return c.each(func(r rowScanner) error {
			a, err := scanActor(r)
			list = append(list, a)
			return err
		}, knownCoops)
	})
	slices.SortFunc(list, func(a, b *node.Actor) int {
		return cmp.Or(cmp.Compare(strings.ToLower(a.Label()), strings.ToLower(b.Label())), cmp.Compare(a.IRI, b.IRI))
	})
	return list, sqliteError("list cooperatives", "", err)
}

// CoopsOn lists those of KnownCoops that are on a host, of that handle unless it is empty, by address; at most 20.
func (q questions) CoopsOn(ctx context.Context, handle, host string) (list []*node.Actor, err error) {
	err = q.on(ctx, func(c *conn) error {
		return c.each(func(r rowScanner) error {
			a, err := scanActor(r)
			list = append(list, a)
			return err
		}, coopsOn, strings.ToLower(host), strings.ToLower(handle))
	})
	return list, sqliteError("list cooperatives", host, err)
}

// SaveActor keeps an actor as given, in place of what was known of it.
func (t tx) SaveActor(_ context.Context, a *node.Actor) error {
	data, err := encode(a)
	if err != nil {
		return err
	}
	hidden, err := t.hiddenOf(a.IRI, a.Local)
	if err != nil {
		return err
	}
	mailbox := cmp.Or(a.SharedInbox, a.Inbox)
	_, err = t.c.exec(saveActor, a.IRI, strings.ToLower(a.Handle), strings.ToLower(a.Host), a.Local, a.Coop != nil,
		a.KeyID, a.KeyPEM, a.Inbox, node.HostOf(a.Inbox), mailbox, node.HostOf(mailbox), ms(a.Fetched), ms(a.Gone), data, a.Raw, hidden, a.Sample)
	if err == nil {
		err = t.noteActor(a.IRI)
	}
	return sqliteError("save actor", a.IRI, err)
}

func scanActor(r rowScanner) (*node.Actor, error) {
	var a node.Actor
	var data []byte
	var iri, keyID, keyPEM string
	var local bool
	var fetched, gone int64
	var raw []byte
	if err := r.Scan(&iri, &local, &keyID, &keyPEM, &fetched, &gone, &data, &raw); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(data, &a); err != nil {
		return nil, damaged("read actor", iri, err)
	}
	a.IRI, a.Local, a.KeyID, a.KeyPEM, a.Raw = iri, local, keyID, keyPEM, raw
	a.Fetched, a.Gone = timeOf(fetched), timeOf(gone)
	return &a, nil
}

const (
	goneObjects    = `update object set deleted_ms = $2, version = version + 1, data = '{}', raw = null where actor = $1 and not local and deleted_ms = 0`
	goneTags       = `delete from object_tag where object in (select id from object where actor = $1 and not local)`
	goneSkills     = `delete from object_skill where object in (select id from object where actor = $1 and not local)`
	goneReactions  = `delete from reaction where actor = $1`
	goneReader     = `delete from reader where actor = $1`
	goneTimeline   = `delete from timeline where actor = $1`
	goneQuotes     = `delete from quote where actor = $1`
	goneReshares   = `delete from reshare where actor = $1`
	removeFollower = `delete from follower where actor = $1`
	removeFollowed = `delete from followed where actor = $1`
	// What somebody brought stays in the timeline as long as we hear of that one in some way.
	leftTimeline = `
		delete from timeline
		 where actor = $1
		   and not exists (select 1 from followed where actor = $1)
		   and not exists (select 1 from subscription where source = $1)`
)

// ForgetActor marks an actor as gone and takes away what it said of itself, what it published, its reactions and
// quotes, and its follows in both directions. Of it and its objects only the addresses stay, so that a late Create of
// one is not shown. Nothing of ours is touched.
func (t tx) ForgetActor(ctx context.Context, iri string, at time.Time) error {
	a, err := t.Actor(ctx, iri)
	if err == nil && !a.Local && a.Gone.IsZero() {
		err = t.SaveActor(ctx, &node.Actor{IRI: iri, Type: a.Type, Handle: a.Handle, Host: a.Host, Inbox: a.Inbox, SharedInbox: a.SharedInbox,
			KeyID: a.KeyID, KeyPEM: a.KeyPEM, Updated: a.Updated, Fetched: a.Fetched, Gone: at})
	}
	if err != nil && !node.IsNotFound(err) {
		return err
	}
	if err := t.forgetPictures(iri); err != nil {
		return sqliteError("forget actor", iri, err)
	}
	if err := t.noteAllOf(iri); err != nil {
		return sqliteError("forget actor", iri, err)
	}
	if _, err := t.c.exec(goneObjects, iri, ms(at)); err != nil {
		return sqliteError("forget actor", iri, err)
	}
	for _, s := range []string{goneTags, goneSkills, goneReactions, goneReader, goneTimeline, goneQuotes, goneReshares, gonePassed, removeFollower, removeFollowed, removeSubscription, dropThrough} {
		if _, err := t.c.exec(s, iri); err != nil {
			return sqliteError("forget actor", iri, err)
		}
	}
	return nil
}
