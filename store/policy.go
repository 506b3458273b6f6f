package store

import (
	"context"
	"slices"

	"github.com/coopnode/coopnode/node"
)

const ruleColumns = `target, allow, severity, reject_media, reject_reports, comment, public_comment, by_who, since_ms`

// targetsAtOnce is how many targets one question holds: hosts of more labels are rare.
const targetsAtOnce = 8

const (
	rules    = `select ` + ruleColumns + ` from rule order by allow, target`
	rulesFor = `select ` + ruleColumns + ` from rule where target in ($1, $2, $3, $4, $5, $6, $7, $8)`
	saveRule = `
		insert into rule (target, allow, severity, reject_media, reject_reports, comment, public_comment, by_who, since_ms)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
		    on conflict (target, allow) do update set
		       severity = excluded.severity, reject_media = excluded.reject_media,
		       reject_reports = excluded.reject_reports, comment = excluded.comment,
		       public_comment = excluded.public_comment, by_who = excluded.by_who, since_ms = excluded.since_ms`
	dropRule = `delete from rule where target = $1 and allow = $2`

	// Each actor once, by jumps along the indexes: a table of many objects by few authors is not read from end to end.
	knownActors = `
		with recursive
		author(iri) as (
		       select min(actor) from object
		       union all
		       select (select min(o.actor) from object o where o.actor > n.iri) from author n where n.iri is not null),
		reactor(iri) as (
		       select min(actor) from reaction
		       union all
		       select (select min(r.actor) from reaction r where r.actor > n.iri) from reactor n where n.iri is not null)
		select iri from actor
		 union select iri from author n where iri is not null
		 union select iri from reactor n where iri is not null
		 union select actor from follower
		 union select actor from followed
		 union select source from subscription`
)

// What the rules say of an actor stands beside all that is kept of it, so that hiding costs a list nothing.
var judged = []string{
	`update actor set hidden = $2 where iri = $1 and not local`,
	`update object set hidden = $2, version = version + 1 where actor = $1 and not local`,
	`update reaction set hidden = $2 where actor = $1`,
	`update timeline set hidden = $2 where actor = $1`,
}

var purged = []string{
	goneReactions, goneReader, goneTimeline, goneQuotes, goneReshares, gonePassed, removeFollower, removeFollowed, removeSubscription, dropThrough,
	`delete from sighting where actor = $1`,
	`delete from timeline where object in (select iri from object where actor = $1 and not local)`,
	`delete from reaction where object in (select iri from object where actor = $1 and not local)`,
	`delete from moved where actor = $1 or target = $1`,
	`delete from letter where actor = $1`,
	`delete from task where subject = $1`,
	`delete from actor where iri = $1 and not local`,
	`delete from membership where coop = $1 or federation = $1`,
	`delete from opinion where member = $1`,
}

const purgeObjects = `delete from object where actor = $1 and not local`

// Rules lists all rules by target, then the allow list.
func (q questions) Rules(ctx context.Context) ([]*node.Rule, error) {
	return q.rules(ctx, rules)
}

// RulesFor lists the rules for these targets, in no order.
func (q questions) RulesFor(ctx context.Context, targets []string) (list []*node.Rule, err error) {
	for some := range slices.Chunk(targets, targetsAtOnce) {
		args := make([]any, targetsAtOnce)
		for i := range args {
			args[i] = some[min(i, len(some)-1)]
		}
		found, err := q.rules(ctx, rulesFor, args...)
		if err != nil {
			return nil, err
		}
		list = append(list, found...)
	}
	return list, nil
}

func (q questions) rules(ctx context.Context, text string, args ...any) (list []*node.Rule, err error) {
	err = q.on(ctx, func(c *conn) error {
		return c.each(func(row rowScanner) error {
			var r node.Rule
			var since int64
			err := row.Scan(&r.Target, &r.Allow, &r.Severity, &r.RejectMedia, &r.RejectReports, &r.Comment, &r.PublicComment, &r.By, &since)
			r.Since = timeOf(since)
			list = append(list, &r)
			return err
		}, text, args...)
	})
	return list, sqliteError("read rules", "", err)
}

// KnownActors lists the addresses of all of whom something is kept, in no order, this coop among them.
func (q questions) KnownActors(ctx context.Context) (list []string, err error) {
	err = q.on(ctx, func(c *conn) error {
		return c.each(func(row rowScanner) error {
			var iri string
			err := row.Scan(&iri)
			list = append(list, iri)
			return err
		}, knownActors)
	})
	return list, sqliteError("list actors", "", err)
}

// SaveRule keeps a rule in place of one for the same target on the same list.
func (t tx) SaveRule(_ context.Context, r *node.Rule) error {
	_, err := t.c.exec(saveRule, r.Target, r.Allow, string(r.Severity), r.RejectMedia, r.RejectReports, r.Comment, r.PublicComment, r.By, ms(r.Since))
	return sqliteError("save rule", r.Target, err)
}

// DropRule removes a rule; it is no error if there is none.
func (t tx) DropRule(_ context.Context, target string, allow bool) error {
	_, err := t.c.exec(dropRule, target, allow)
	return sqliteError("remove rule", target, err)
}

// JudgeActor writes beside all that is kept of an actor what the rules say of it. Nothing of ours is touched.
func (t tx) JudgeActor(_ context.Context, iri string, s node.Severity) error {
	for _, text := range judged {
		if _, err := t.c.exec(text, iri, hiddenBy(s)); err != nil {
			return sqliteError("judge actor", iri, err)
		}
	}
	return sqliteError("judge actor", iri, t.noteAllOf(iri))
}

// Part forgets follows in both directions, a subscription, whom the actor lists, and that the actor is a reader.
func (t tx) Part(_ context.Context, iri string) error {
	for _, text := range []string{removeFollower, removeFollowed, removeSubscription, dropThrough, goneReader} {
		if _, err := t.c.exec(text, iri); err != nil {
			return sqliteError("part from actor", iri, err)
		}
	}
	return nil
}

// PurgeActor deletes an actor and all that is kept of it, also letters from it that wait here, and returns how
// many objects that were. Nothing of ours is touched.
func (t tx) PurgeActor(_ context.Context, iri string) (int, error) {
	const op = "purge actor"
	if err := t.forgetPictures(iri); err != nil {
		return 0, sqliteError(op, iri, err)
	}
	if err := t.noteAllOf(iri); err != nil {
		return 0, sqliteError(op, iri, err)
	}
	for _, text := range purged {
		if _, err := t.c.exec(text, iri); err != nil {
			return 0, sqliteError(op, iri, err)
		}
	}
	n, err := t.c.exec(purgeObjects, iri)
	return int(n), sqliteError(op, iri, err)
}

// hiddenOf is the column hidden of a row that belongs to an actor.
func (t tx) hiddenOf(actor string, local bool) (int64, error) {
	if local {
		return 0, nil
	}
	found, err := t.RulesFor(context.Background(), node.RuleTargets(actor))
	return hiddenBy(node.Judge(found).Severity), err
}

func hiddenBy(s node.Severity) int64 {
	switch s {
	case node.SeverityReject:
		return 2
	case node.SeverityLimit:
		return 1
	}
	return 0
}

func severityOf(hidden int64) node.Severity {
	switch hidden {
	case 2:
		return node.SeverityReject
	case 1:
		return node.SeverityLimit
	}
	return ""
}
