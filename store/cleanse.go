package store

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"

	"github.com/coopnode/coopnode/node"
)

// erasedAct is what is kept in place of the bytes of an act that carried something that was erased.
const erasedAct = `{}`

// What the queue and the audit log repeat of something that is erased.
const (
	carriers = `
		select a.iri
		  from act a join object o on o.iri = a.object
		 where o.local and o.deleted_ms > 0 and a.verb in ('Create', 'Update') and length(a.raw) > $1
		 limit $2`
	// The address of an act stays, and who asks for it is told that it is gone; its bytes go.
	scrubAct   = `update act set raw = $2, listed = false where iri = $1`
	scrubTexts = `
		update audit set text = ''
		 where text <> '' and subject in (select iri from object where local and deleted_ms > 0)`
	scrubSubject  = `update audit set subject = '', text = '' where subject = $1`
	scrubNames    = `update audit set name = '' where person = $1`
	scrubReports  = `delete from report where actor = $1 or subject = $1 or substr(subject, 1, length($1) + 1) = $1 || ' '`
	scrubNotices  = `delete from notice where actor = $1 or about = $1`
	scrubSentActs = `delete from act where object = $1 and not listed and not exists (select 1 from delivery d where d.act = act.seq)`
)

// scrubAtOnce bounds one step, so that it never holds up others for long.
const scrubAtOnce = 200

// ScrubErased takes out of acts, letters on their way and the audit log what they repeat of objects of ours that were deleted,
// and says whether more waits.
func (t tx) ScrubErased(ctx context.Context) (more bool, err error) {
	const op = "scrub what was erased"
	var acts []string
	if err := t.c.each(texts(&acts), carriers, len(erasedAct), scrubAtOnce); err != nil {
		return false, sqliteError(op, "", err)
	}
	for _, iri := range acts {
		if _, err := t.DropDeliveries(ctx, node.DeliveryQuery{Act: iri}); err != nil {
			return false, err
		}
		if _, err := t.c.exec(scrubAct, iri, []byte(erasedAct)); err != nil {
			return false, sqliteError(op, iri, err)
		}
	}
	_, err = t.c.exec(scrubTexts)
	return len(acts) == scrubAtOnce, sqliteError(op, "", err)
}

// ScrubPerson takes the name and the mail address of a person out of the audit log.
func (t tx) ScrubPerson(_ context.Context, p *node.Person) error {
	const op = "scrub person"
	if _, err := t.c.exec(scrubNames, p.ID); err != nil {
		return sqliteError(op, p.ID, err)
	}
	for _, name := range []string{p.Name, p.Mail} {
		if name == "" {
			continue
		}
		if _, err := t.c.exec(scrubSubject, name); err != nil {
			return sqliteError(op, p.ID, err)
		}
	}
	return nil
}

// ScrubActor takes out of complaints, notices, the audit log and what was said to it alone what they hold of somebody elsewhere.
func (t tx) ScrubActor(_ context.Context, iri string) error {
	for _, text := range []string{scrubReports, scrubNotices, scrubSubject, scrubSentActs} {
		if _, err := t.c.exec(text, iri); err != nil {
			return sqliteError("scrub actor", iri, err)
		}
	}
	return nil
}

// NoteErased puts somebody or something on the list of erasures, which is kept outside of the database (BAK-5).
func (t tx) NoteErased(_ context.Context, what string) error {
	*t.erased = append(*t.erased, what)
	return nil
}

// Cleanse moves the whole write-ahead log into the database and cuts it to nothing: with secure_delete the database overwrites what
// is deleted, but its log holds older copies of pages (GDPR-3). Busy where somebody reads meanwhile.
func (db *DB) Cleanse(ctx context.Context) error {
	const op = "cleanse files"
	return sqliteError(op, db.path, db.writer.peek(ctx, func(c *conn) error {
		var busy, pages, moved int64
		if err := c.row(`pragma wal_checkpoint(truncate)`).Scan(&busy, &pages, &moved); err != nil {
			return err
		}
		if busy != 0 {
			return &node.Error{Op: op, Kind: node.Busy, Subject: db.path, Text: "Somebody reads the database for long, so its log cannot be cut yet. The node tries it again by itself."}
		}
		return nil
	}))
}

// Holds says which of some texts stand in the files of the database, in any mixture of small and capital letters of ASCII, and how many
// bytes it has looked through.
func (db *DB) Holds(ctx context.Context, texts []string) (found []string, size int64, err error) {
	missing := map[string][]byte{}
	longest := 1
	for _, s := range texts {
		missing[s] = lowered([]byte(s))
		longest = max(longest, len(s))
	}
	for _, path := range []string{db.path, db.path + "-wal", db.path + "-shm"} {
		f, err := os.Open(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		} else if err != nil {
			return nil, 0, fileError("look for texts", path, err)
		}
		n, err := look(ctx, f, longest, missing)
		f.Close()
		if size += n; err != nil {
			return nil, 0, fileError("look for texts", path, err)
		}
	}
	for _, s := range texts {
		if missing[s] == nil {
			found = append(found, s)
		}
	}
	return found, size, nil
}

// look reads r to its end and takes away from missing what it holds.
func look(ctx context.Context, r io.Reader, longest int, missing map[string][]byte) (size int64, err error) {
	buffer := make([]byte, 1<<20+longest)
	kept := 0 // of what came before: a text may lie across
	for {
		n, err := io.ReadFull(r, buffer[kept:])
		size += int64(n)
		part := lowered(buffer[:kept+n])
		for s, text := range missing {
			if text != nil && bytes.Contains(part, text) {
				missing[s] = nil
			}
		}
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			return size, nil
		}
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return size, err
		}
		kept = copy(buffer, part[len(part)-longest+1:])
	}
}

// lowered makes small letters of the capital ones of ASCII, in place.
func lowered(b []byte) []byte {
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return b
}
