package store

import (
	"context"
	"database/sql"
	"time"

	"github.com/coopnode/coopnode/node"
)

const (
	dueTasks = `
		select kind, subject, due_ms, attempts, data
		  from task
		 where due_ms <= $1
		 order by due_ms
		 limit $2`
	tasksOf  = `select kind, subject, due_ms, attempts, data from task where kind = $1 order by subject`
	taskOf   = `select kind, subject, due_ms, attempts, data from task where kind = $1 and subject = $2`
	saveTask = `
		insert into task (kind, subject, due_ms, attempts, data) values ($1, $2, $3, $4, $5)
		    on conflict (kind, subject) do update set
		       due_ms = excluded.due_ms, attempts = excluded.attempts, data = excluded.data`
	doubtInbox = `
		insert into task (kind, subject, due_ms, attempts, data)
		select $3, a.iri, $2, 0, ''
		  from actor a join follower f on f.actor = a.iri
		 where a.inbox = $1 or a.mailbox = $1
		    on conflict do nothing`
	dropTask = `delete from task where kind = $1 and subject = $2`
)

// DueTasks lists what is to be done now, what waits longest first.
func (q questions) DueTasks(ctx context.Context, now time.Time, limit int) ([]*node.Task, error) {
	return q.tasks(ctx, dueTasks, ms(now), limit)
}

// Tasks lists all tasks of a kind, due or not.
func (q questions) Tasks(ctx context.Context, kind node.TaskKind) ([]*node.Task, error) {
	return q.tasks(ctx, tasksOf, string(kind))
}

// Task gives the task of a kind about a subject. NotFound.
func (q questions) Task(ctx context.Context, kind node.TaskKind, subject string) (*node.Task, error) {
	list, err := q.tasks(ctx, taskOf, string(kind), subject)
	if err == nil && len(list) == 0 {
		err = sqliteError("read task", subject, sql.ErrNoRows)
	}
	if err != nil {
		return nil, err
	}
	return list[0], nil
}

func (q questions) tasks(ctx context.Context, query string, args ...any) (list []*node.Task, err error) {
	err = q.on(ctx, func(c *conn) error {
		return c.each(func(r rowScanner) error {
			var t node.Task
			var due int64
			err := r.Scan(&t.Kind, &t.Subject, &due, &t.Attempts, &t.Data)
			t.Due = timeOf(due)
			list = append(list, &t)
			return err
		}, query, args...)
	})
	return list, sqliteError("list tasks", "", err)
}

// SaveTask keeps a task, in place of one of the same kind and subject.
func (t tx) SaveTask(_ context.Context, task *node.Task) error {
	_, err := t.c.exec(saveTask, string(task.Kind), task.Subject, ms(task.Due), task.Attempts, task.Data)
	return sqliteError("save task", task.Subject, err)
}

// DropTask removes a task; it is no error if it is gone.
func (t tx) DropTask(_ context.Context, task *node.Task) error {
	_, err := t.c.exec(dropTask, string(task.Kind), task.Subject)
	return sqliteError("drop task", task.Subject, err)
}

// DoubtInbox makes a TaskDoubt for each follower whose letters go to inbox (decisions 29). One that
// is there already stays as it is.
func (t tx) DoubtInbox(_ context.Context, inbox string, due time.Time) error {
	_, err := t.c.exec(doubtInbox, inbox, ms(due), string(node.TaskDoubt))
	return sqliteError("doubt inbox", inbox, err)
}
