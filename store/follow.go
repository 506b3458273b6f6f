package store

import (
	"context"
	"encoding/json"

	"github.com/coopnode/coopnode/node"
)

// Followers and followed are kept alike, in two tables.
const (
	followerOf     = `select actor, state, follow_iri, since_ms from follower where actor = $1`
	followedOf     = `select actor, state, follow_iri, since_ms from followed where actor = $1`
	countFollowers = `select count(*) from follower where state = 'accepted'`
	countServers   = `
		select count(distinct a.mailbox_host)
		  from follower f join actor a on a.iri = f.actor
		 where f.state = 'accepted'`
	countFollowed = `select count(*) from followed where state = 'accepted'`
	listFollowers = `
		select f.actor, f.state, f.follow_iri, f.since_ms, a.data
		  from follower f left join actor a on a.iri = f.actor
		 where ($1 = '' or f.state = $1) and ($2 = '' or f.seq < (select seq from follower where actor = $2))
		 order by f.seq desc
		 limit $3`
	listFollowed = `
		select f.actor, f.state, f.follow_iri, f.since_ms, a.data
		  from followed f left join actor a on a.iri = f.actor
		 where ($1 = '' or f.state = $1) and ($2 = '' or f.seq < (select seq from followed where actor = $2))
		 order by f.seq desc
		 limit $3`
	saveFollower = `
		insert into follower (actor, seq, state, follow_iri, since_ms)
		select $1, m.last + 1, $2, $3, $4 from (select coalesce((select max(seq) from follower), 0) as last) m
		 where true
		    on conflict (actor) do update set
		       state = excluded.state, follow_iri = excluded.follow_iri, since_ms = excluded.since_ms`
	saveFollowed = `
		insert into followed (actor, seq, state, follow_iri, since_ms)
		select $1, m.last + 1, $2, $3, $4 from (select coalesce((select max(seq) from followed), 0) as last) m
		 where true
		    on conflict (actor) do update set
		       state = excluded.state, follow_iri = excluded.follow_iri, since_ms = excluded.since_ms`
)

// Follower gives the one with this address who listens to us, in any state. NotFound.
func (q questions) Follower(ctx context.Context, actor string) (*node.Following, error) {
	return q.following(ctx, followerOf, actor)
}

// Followed gives the one with this address to whom we listen, in any state. NotFound.
func (q questions) Followed(ctx context.Context, actor string) (*node.Following, error) {
	return q.following(ctx, followedOf, actor)
}

func (q questions) following(ctx context.Context, text, actor string) (*node.Following, error) {
	var f node.Following
	var since int64
	err := q.on(ctx, func(c *conn) error {
		return c.row(text, actor).Scan(&f.Actor, &f.State, &f.FollowIRI, &since)
	})
	if err != nil {
		return nil, sqliteError("read follow", actor, err)
	}
	f.Since = timeOf(since)
	return &f, nil
}

// FollowerList lists followers, newest first, with what is known of them. A list that begins after somebody
// who has left meanwhile is empty.
func (q questions) FollowerList(ctx context.Context, query node.FollowQuery) ([]*node.Following, error) {
	return q.followings(ctx, listFollowers, query)
}

// FollowedList lists those to whom we listen, in the same way.
func (q questions) FollowedList(ctx context.Context, query node.FollowQuery) ([]*node.Following, error) {
	return q.followings(ctx, listFollowed, query)
}

func (q questions) followings(ctx context.Context, text string, query node.FollowQuery) (list []*node.Following, err error) {
	err = q.on(ctx, func(c *conn) error {
		return c.each(func(r rowScanner) error {
			var f node.Following
			var since int64
			var who []byte
			if err := r.Scan(&f.Actor, &f.State, &f.FollowIRI, &since, &who); err != nil {
				return err
			}
			f.Since = timeOf(since)
			if who != nil {
				if err := json.Unmarshal(who, &f.Who); err != nil {
					return damaged("list follows", f.Actor, err)
				}
			}
			list = append(list, &f)
			return nil
		}, text, string(query.State), query.Before, limitOr(query.Limit, 40, 1000))
	})
	return list, sqliteError("list follows", "", err)
}

// CountFollowers counts the accepted followers.
func (q questions) CountFollowers(ctx context.Context) (int, error) {
	return q.countFollows(ctx, countFollowers)
}

// CountFollowerServers counts the hosts of their inboxes.
func (q questions) CountFollowerServers(ctx context.Context) (int, error) {
	return q.countFollows(ctx, countServers)
}

// CountFollowed counts those who have accepted that we listen.
func (q questions) CountFollowed(ctx context.Context) (int, error) {
	return q.countFollows(ctx, countFollowed)
}

func (q questions) countFollows(ctx context.Context, text string) (n int, err error) {
	err = q.on(ctx, func(c *conn) error { return c.row(text).Scan(&n) })
	return n, sqliteError("count follows", "", err)
}

// SaveFollower keeps one who listens to us.
func (t tx) SaveFollower(_ context.Context, f *node.Following) error {
	_, err := t.c.exec(saveFollower, f.Actor, string(f.State), f.FollowIRI, ms(f.Since))
	return sqliteError("save follower", f.Actor, err)
}

// RemoveFollower forgets one who listened to us; it is no error if there is none.
func (t tx) RemoveFollower(_ context.Context, actor string) error {
	_, err := t.c.exec(removeFollower, actor)
	return sqliteError("remove follower", actor, err)
}

// SaveFollowed keeps one to whom we listen.
func (t tx) SaveFollowed(_ context.Context, f *node.Following) error {
	_, err := t.c.exec(saveFollowed, f.Actor, string(f.State), f.FollowIRI, ms(f.Since))
	return sqliteError("save followed", f.Actor, err)
}

// RemoveFollowed forgets one to whom we listened, and what was in the timeline only because of it.
func (t tx) RemoveFollowed(_ context.Context, actor string) error {
	_, err := t.c.exec(removeFollowed, actor)
	if err == nil {
		_, err = t.c.exec(leftTimeline, actor)
	}
	return sqliteError("remove followed", actor, err)
}
