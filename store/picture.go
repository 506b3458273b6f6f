package store

import (
	"context"
	"slices"
	"time"

	"github.com/coopnode/coopnode/node"
)

const pictureColumns = `p.address, p.purpose, p.state, p.local, p.name, p.type, p.width, p.height, p.bytes, p.due_ms, p.attempts, p.reason, p.used_ms`

const (
	pictureByAddress = `select ` + pictureColumns + ` from picture p where p.address = $1 and p.purpose = $2`
	pictureByName    = `select ` + pictureColumns + ` from picture p where p.name = $1 and p.name <> '' and p.state = 'kept'`
	keptPictures     = `select ` + pictureColumns + ` from picture p where p.name <> '' and p.state = 'kept'`
	// The first of each host, so that a slow one holds back itself alone.
	duePictures = `
		select ` + pictureColumns + `
		  from picture p
		 where p.state = 'wanted' and p.due_ms <= $1
		   and not exists (select 1 from picture e
		                    where e.state = 'wanted' and e.host = p.host
		                      and (e.due_ms, e.address, e.purpose) < (p.due_ms, p.address, p.purpose))
		 order by p.due_ms, p.address, p.purpose
		 limit $2`
	isShown = `
		select exists (select 1 from follower f where f.actor = $1)
		    or exists (select 1 from followed f where f.actor = $1)
		    or exists (select 1 from object o where o.actor = $1 and o.deleted_ms = 0)`
	savePicture = `
		insert into picture (address, purpose, host, state, local, name, type, width, height, bytes, due_ms, attempts, reason, used_ms)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
		    on conflict (address, purpose) do update set
		       state = excluded.state, local = excluded.local, name = excluded.name, type = excluded.type, width = excluded.width,
		       height = excluded.height, bytes = excluded.bytes, due_ms = excluded.due_ms, attempts = excluded.attempts,
		       reason = excluded.reason, used_ms = excluded.used_ms`
	wantPicture = `
		insert into picture (address, purpose, host, state, local, name, type, width, height, bytes, due_ms, attempts, reason, used_ms)
		values ($1, $2, $3, 'wanted', false, '', '', 0, 0, 0, $4, 0, '', $4)
		    on conflict (address, purpose) do update set state = 'wanted', due_ms = $4, attempts = 0
		       where picture.state = 'failed' and picture.due_ms <= $4`
	usesOfOwner   = `select address from picture_use where owner = $1 and purpose = $2`
	saveUse       = `insert into picture_use (owner, purpose, address) values ($1, $2, $3) on conflict do nothing`
	dropUse       = `delete from picture_use where owner = $1 and purpose = $2 and address = $3`
	usePicture    = `update picture set used_ms = $2 where name = $1 and name <> '' and used_ms < $2`
	pictureTotal  = `select coalesce(sum(p.bytes), 0) from picture p where p.state = 'kept' and not p.local`
	oldestPicture = `
		select ` + pictureColumns + ` from picture p
		 where p.state = 'kept' and not p.local
		 order by p.used_ms, p.address, p.purpose
		 limit 1`
	wastedPictures = `select name from picture_waste limit $1`
	forgetWasted   = `delete from picture_waste where name = $1`
)

// Conditions on a picture p that goes.
const (
	ofAddress = `p.address = $1 and p.purpose = $2`
	unshown   = `not exists (select 1 from picture_use u where u.address = p.address and u.purpose = p.purpose)`
	unused    = `p.used_ms < $1 and not p.local`

	unshownOthers = unshown + ` and not p.local`
	unshownOurs   = unshown + ` and p.local and p.used_ms < $1` // what our people write may show it yet
)

// Picture gives what is known of our copy of a picture. NotFound.
func (q questions) Picture(ctx context.Context, address string, use node.PictureUse) (f *node.PictureFile, err error) {
	return q.picture(ctx, address, pictureByAddress, address, string(use))
}

// PictureNamed gives a kept picture by the name of its file. NotFound.
func (q questions) PictureNamed(ctx context.Context, name string) (*node.PictureFile, error) {
	return q.picture(ctx, name, pictureByName, name)
}

func (q questions) picture(ctx context.Context, subject, text string, args ...any) (f *node.PictureFile, err error) {
	err = q.on(ctx, func(c *conn) error {
		f, err = scanPicture(c.row(text, args...))
		return err
	})
	if err != nil {
		return nil, sqliteError("read picture", subject, err)
	}
	return f, nil
}

// KeptPictures lists all pictures that have a file, in no order.
func (q questions) KeptPictures(ctx context.Context) ([]*node.PictureFile, error) {
	return q.pictures(ctx, keptPictures)
}

// DuePictures lists what is to be fetched now, one of each host, what waits longest first.
func (q questions) DuePictures(ctx context.Context, now time.Time, limit int) ([]*node.PictureFile, error) {
	return q.pictures(ctx, duePictures, ms(now), limit)
}

func (q questions) pictures(ctx context.Context, text string, args ...any) (list []*node.PictureFile, err error) {
	err = q.on(ctx, func(c *conn) error {
		return c.each(func(r rowScanner) error {
			f, err := scanPicture(r)
			list = append(list, f)
			return err
		}, text, args...)
	})
	return list, sqliteError("list pictures", "", err)
}

func scanPicture(r rowScanner) (*node.PictureFile, error) {
	var f node.PictureFile
	var due, used int64
	err := r.Scan(&f.Address, &f.Use, &f.State, &f.Local, &f.Name, &f.Type, &f.Width, &f.Height, &f.Bytes, &due, &f.Attempts, &f.Reason, &used)
	f.Due, f.Used = timeOf(due), timeOf(used)
	return &f, err
}

// WastedPictures names files that have to go.
func (q questions) WastedPictures(ctx context.Context, limit int) (names []string, err error) {
	err = q.on(ctx, func(c *conn) error {
		return c.each(texts(&names), wastedPictures, limit)
	})
	return names, sqliteError("list wasted pictures", "", err)
}

func texts(into *[]string) func(rowScanner) error {
	return func(r rowScanner) error {
		var s string
		err := r.Scan(&s)
		*into = append(*into, s)
		return err
	}
}

// IsShown says whether an actor follows us, is followed, or wrote something that is kept.
func (q questions) IsShown(ctx context.Context, actor string) (shown bool, err error) {
	err = q.on(ctx, func(c *conn) error { return c.row(isShown, actor).Scan(&shown) })
	return shown, sqliteError("look for actor", actor, err)
}

// WantPictures says which pictures owner shows for a use. What is new becomes wanted, what nobody shows any more goes.
func (t tx) WantPictures(_ context.Context, owner string, use node.PictureUse, addresses []string, now time.Time) error {
	const op = "want pictures"
	var before []string
	if err := t.c.each(texts(&before), usesOfOwner, owner, string(use)); err != nil {
		return sqliteError(op, owner, err)
	}
	for _, a := range addresses {
		_, err := t.c.exec(wantPicture, a, string(use), node.HostOf(a), ms(now))
		if err == nil && !slices.Contains(before, a) {
			_, err = t.c.exec(saveUse, owner, string(use), a)
		}
		if err != nil {
			return sqliteError(op, owner, err)
		}
	}
	for _, a := range before {
		if slices.Contains(addresses, a) {
			continue
		}
		_, err := t.c.exec(dropUse, owner, string(use), a)
		if err == nil {
			err = t.waste(ofAddress+" and "+unshown, a, string(use))
		}
		if err != nil {
			return sqliteError(op, owner, err)
		}
	}
	return nil
}

// waste removes pictures and notes that their files have to go.
func (t tx) waste(condition string, args ...any) error {
	_, err := t.c.exec(`insert into picture_waste (name) select p.name from picture p where p.name <> '' and `+condition+` on conflict do nothing`, args...)
	if err == nil {
		_, err = t.c.exec(`delete from picture as p where `+condition, args...)
	}
	return err
}

// SavePicture keeps what is known of a copy, in place of what was known before.
func (t tx) SavePicture(_ context.Context, f *node.PictureFile) error {
	_, err := t.c.exec(savePicture, f.Address, string(f.Use), node.HostOf(f.Address), string(f.State), f.Local, f.Name, f.Type,
		f.Width, f.Height, f.Bytes, ms(f.Due), f.Attempts, f.Reason, ms(f.Used))
	return sqliteError("save picture", f.Address, err)
}

// UsePictures notes that somebody looked at pictures.
func (t tx) UsePictures(_ context.Context, names []string, at time.Time) error {
	for _, name := range names {
		if _, err := t.c.exec(usePicture, name, ms(at)); err != nil {
			return sqliteError("note use of picture", name, err)
		}
	}
	return nil
}

// ShrinkPictures removes the longest unused copies of others' pictures until all together have at most so many bytes.
func (t tx) ShrinkPictures(_ context.Context, most int64) error {
	const op = "shrink pictures"
	var total int64
	if err := t.c.row(pictureTotal).Scan(&total); err != nil {
		return sqliteError(op, "", err)
	}
	for total > most {
		f, err := scanPicture(t.c.row(oldestPicture))
		if err == nil {
			err = t.waste(ofAddress, f.Address, string(f.Use))
		}
		if err != nil {
			return sqliteError(op, "", err)
		}
		total -= f.Bytes
	}
	return nil
}

// ForgetWasted forgets files that are gone.
func (t tx) ForgetWasted(_ context.Context, names []string) error {
	for _, name := range names {
		if _, err := t.c.exec(forgetWasted, name); err != nil {
			return sqliteError("forget wasted picture", name, err)
		}
	}
	return nil
}

const (
	goneUses = `
		delete from picture_use
		 where owner = $1 or owner in (select iri from object where actor = $1 and not local)`
	strayUses = `
		delete from picture_use
		 where not exists (select 1 from object o where o.iri = picture_use.owner and o.deleted_ms = 0)
		   and not exists (select 1 from actor a where a.iri = picture_use.owner and a.gone_ms = 0)`
)

// forgetPictures lets go what a gone actor showed.
func (t tx) forgetPictures(actor string) error {
	n, err := t.c.exec(goneUses, actor)
	if err == nil && n > 0 {
		err = t.waste(unshownOthers)
	}
	return err
}

// uploadAge is how long an upload waits for something to show it.
const uploadAge = 7 * 24 * time.Hour

// sweepPictures lets go what nobody shows or has looked at for long.
func (t tx) sweepPictures(now time.Time) error {
	if _, err := t.c.exec(strayUses); err != nil {
		return err
	}
	if err := t.waste(unshownOthers); err != nil {
		return err
	}
	if err := t.waste(unshownOurs, ms(now.Add(-uploadAge))); err != nil {
		return err
	}
	return t.waste(unused, ms(now.Add(-sweepAge)))
}
