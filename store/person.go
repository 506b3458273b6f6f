package store

import (
	"context"

	"github.com/coopnode/coopnode/node"
)

const fromPerson = `
		select id, name, mail, lang, role, password, created_ms, joined_ms, last_seen_ms, suspended_ms
		  from person`

const (
	people       = fromPerson + ` order by name_key`
	personByID   = fromPerson + ` where id = $1`
	personByName = fromPerson + ` where name_key = $1`
	personByMail = fromPerson + ` where mail_key = $1 and mail_key <> ''`
	savePerson   = `
		insert into person (id, name, name_key, mail, mail_key, lang, role, password, created_ms, joined_ms, last_seen_ms, suspended_ms)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
		    on conflict (id) do update set
		       name = excluded.name, name_key = excluded.name_key, mail = excluded.mail, mail_key = excluded.mail_key,
		       lang = excluded.lang, role = excluded.role, password = excluded.password, joined_ms = excluded.joined_ms,
		       last_seen_ms = excluded.last_seen_ms, suspended_ms = excluded.suspended_ms`
	removePerson = `delete from person where id = $1`
)

// People lists all persons by name.
func (q questions) People(ctx context.Context) (list []*node.Person, err error) {
	err = q.on(ctx, func(c *conn) error {
		return c.each(func(r rowScanner) error {
			p, err := scanPerson(r)
			list = append(list, p)
			return err
		}, people)
	})
	return list, sqliteError("list people", "", err)
}

// Person gives a person by id. NotFound.
func (q questions) Person(ctx context.Context, id string) (*node.Person, error) {
	return q.person(ctx, personByID, id)
}

// PersonByName gives a person by name, in any case. NotFound.
func (q questions) PersonByName(ctx context.Context, name string) (*node.Person, error) {
	return q.person(ctx, personByName, node.PersonKey(name))
}

// PersonByMail gives a person by mail address, in any case. NotFound, also for an empty one.
func (q questions) PersonByMail(ctx context.Context, mail string) (*node.Person, error) {
	return q.person(ctx, personByMail, node.PersonKey(mail))
}

func (q questions) person(ctx context.Context, text, key string) (p *node.Person, err error) {
	err = q.on(ctx, func(c *conn) error {
		p, err = scanPerson(c.row(text, key))
		return err
	})
	return p, sqliteError("read person", key, err)
}

// SavePerson keeps a person. Created stays as it was first. Exists where another one has its name or mail address.
func (t tx) SavePerson(_ context.Context, p *node.Person) error {
	_, err := t.c.exec(savePerson, p.ID, p.Name, node.PersonKey(p.Name), p.Mail, node.PersonKey(p.Mail), p.Lang, string(p.Role), p.Password,
		ms(p.Created), ms(p.Joined), ms(p.LastSeen), ms(p.Suspended))
	return sqliteError("save person", p.ID, err)
}

// RemovePerson forgets a person with its sessions and links; it is no error if it is gone.
func (t tx) RemovePerson(_ context.Context, id string) error {
	_, err := t.c.exec(removePerson, id)
	return sqliteError("remove person", id, err)
}

func scanPerson(r rowScanner) (*node.Person, error) {
	var p node.Person
	var created, joined, seen, suspended int64
	err := r.Scan(&p.ID, &p.Name, &p.Mail, &p.Lang, &p.Role, &p.Password, &created, &joined, &seen, &suspended)
	if err != nil {
		return nil, err
	}
	p.Created, p.Joined, p.LastSeen, p.Suspended = timeOf(created), timeOf(joined), timeOf(seen), timeOf(suspended)
	return &p, nil
}
