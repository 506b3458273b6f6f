package main

import (
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	"github.com/coopnode/coopnode/activitypub/aptest"
	"github.com/coopnode/coopnode/node"
)

// What is wrong on the machine itself is told too, each by the one line that it is about.
func TestDoctorNamesTheCauseInside(t *testing.T) {
	t.Parallel()
	w := &ward{T: t, office: newOffice(t), dns: newNameServer(t, "127.0.0.1:0")}
	fresh := func(t *testing.T) *patient {
		w := *w
		w.T = t
		return w.admit(millHost, w.dns)
	}
	p := fresh(t)
	h := p.open()
	if err := h.Publish(t.Context(), "command:test", &node.Post{Base: node.Base{Type: node.TypePost, Texts: []node.Text{{Lang: "en", Source: "Bread."}}}}); err != nil {
		t.Fatal(err)
	}
	h.db.Close()
	day := 24 * time.Hour
	backups := func(change func(*node.BackupStatus)) func() func() {
		return func() func() {
			h := p.open()
			defer h.db.Close()
			if err := h.NoteBackup(t.Context(), func(s *node.BackupStatus) {
				now := time.Now()
				*s = node.BackupStatus{Since: now.Add(-60 * day), Made: node.Attempt{Done: now.Add(-time.Hour)}, Restored: node.Attempt{Done: now.Add(-2 * day)}, Path: "backup.coop", Bytes: 5 << 20}
				change(s)
			}); err != nil {
				t.Fatal(err)
			}
			return func() {}
		}
	}
	ago := func(d time.Duration) time.Time { return time.Now().Add(-d) }
	silent := func(days int, hosts ...string) func() func() {
		return p.sql(func(db *sql.DB) error {
			for _, host := range hosts {
				for _, q := range []string{
					`insert into delivery (host, act, inbox, object, created_ms) select $1, max(seq), 'https://' || $1 || '/inbox', 'x', $2 from act`,
					`insert into peer (host, due_ms, failures, reason, last_ok_ms) values ($1, 1, 9, 'no answer', $2)`,
				} {
					if _, err := db.Exec(q, host, ago(time.Duration(days)*day).UnixMilli()); err != nil {
						return err
					}
				}
			}
			return nil
		}, `delete from delivery`, `delete from peer`)
	}
	mail := func(port string) func() func() {
		return func() func() {
			h := p.open()
			defer h.db.Close()
			m := &node.MailSettings{Host: "localhost", Security: node.MailPlain, From: "mill@mill.example"}
			fmt.Sscan(port, &m.Port)
			if err := h.SetMail(t.Context(), "command:test", m); err != nil {
				t.Fatal(err)
			}
			return func() {}
		}
	}
	refusing := smtpThatSays(t, "554 5.7.1 not you\r\n")

	for _, s := range []sickness{
		{name: "others can read the master key", do: p.mode("master.key", 0o644), only: []string{"store", "queue"}, check: "store/key", says: "can read the master key", mend: "chmod 600"},
		{name: "the master key is not there", do: func() func() {
			from, to := filepath.Join(p.dir, "master.key"), filepath.Join(p.dir, "away")
			os.Rename(from, to)
			return func() { os.Rename(to, from) }
		}, only: []string{"store", "queue"}, check: "store/key", says: "is missing", mend: "Put it back"},
		{name: "others can look into the data folder", do: p.mode("", 0o755), only: []string{"store"}, state: soon, check: "store/rights", says: "look into the data folder", mend: "chmod 700"},
		{name: "a large log", do: func() func() {
			wal := filepath.Join(p.dir, "coopnode.db-wal")
			if err := errors.Join(os.WriteFile(wal, nil, 0o600), os.Truncate(wal, logTrimmed+1<<20)); err != nil {
				t.Fatal(err)
			}
			return func() { os.Remove(wal) }
		}, only: []string{"store"}, state: soon, check: "store/log", says: "has 65.0 MiB", mend: "reads the database for long"},
		{name: "a newer schema", do: p.sql(func(db *sql.DB) error {
			_, err := db.Exec(`insert into goose_db_version (version_id, is_applied) values (9999, 1)`)
			return err
		}, `delete from goose_db_version where version_id = 9999`), only: []string{"version", "store", "queue"}, check: "version/schema", says: "schema 9999", mend: "Install the newer coopnode"},
		{name: "letters are paused", do: p.setting(node.SettingPaused, time.Now().Format(time.RFC3339)), only: []string{"queue"}, check: "queue/going out", says: "no letter goes out", mend: "delivery resume"},
		{name: "a server is silent for 30 days", do: silent(40, "gone.example"), only: []string{"queue"}, state: soon, check: "queue/gone servers", says: "gone.example since", mend: "delivery drop --host"},
		{name: "most servers do not answer", do: silent(2, "a.example", "b.example", "c.example", "d.example"), only: []string{"queue"}, state: soon, check: "queue/failing servers", says: "4 of 4", mend: "delivery hosts"},
		{name: "no backup was ever made", do: backups(func(s *node.BackupStatus) { s.Made, s.Restored = node.Attempt{}, node.Attempt{} }), only: []string{"backup"}, check: "backup/last", says: "no backup was ever made", mend: "coopnode backup"},
		{name: "the last backup is two days old", do: backups(func(s *node.BackupStatus) { s.Made.Done = ago(3 * day) }), only: []string{"backup"}, state: soon, check: "backup/last", says: "3 days old", mend: "at night"},
		{name: "the last backup is two weeks old", do: backups(func(s *node.BackupStatus) {
			s.Made = node.Attempt{Done: ago(14 * day), Failed: ago(time.Hour), Failure: "the disk is full"}
		}), only: []string{"backup"}, check: "backup/last", says: "14 days old; at ", mend: "at night"},
		{name: "the last backup cannot be restored", do: backups(func(s *node.BackupStatus) {
			s.Restored = node.Attempt{Failed: ago(time.Hour), Failure: "a sum is wrong"}
		}), only: []string{"backup"}, check: "backup/trial", says: "a sum is wrong", mend: "help backup"},
		{name: "the copy elsewhere fails", do: backups(func(s *node.BackupStatus) {
			s.Settings.Copy, s.Copied = "/mnt/elsewhere", node.Attempt{Failed: ago(time.Hour), Failure: "no such folder"}
		}), only: []string{"backup"}, check: "backup/copy elsewhere", says: "no such folder", mend: "is mounted"},
		{name: "backups are on the disk of the data alone", do: backups(func(s *node.BackupStatus) {}), only: []string{"backup"}, state: soon, check: "backup/copy elsewhere", says: "lost with it", mend: "another machine"},
		{name: "the weekly check found damage", do: backups(func(s *node.BackupStatus) {
			s.Checked = node.Attempt{Failed: ago(time.Hour), Failure: "page 7"}
		}), only: []string{"backup"}, check: "backup/weekly check", says: "page 7", mend: "put back a backup"},
		{name: "nobody is at home at the mail server", do: mail(freePort()), only: []string{"mail"}, check: "mail/mail", says: "connection refused", mend: "notice settings"},
		{name: "the mail server refuses", do: mail(refusing), only: []string{"mail"}, check: "mail/mail", says: "554", mend: "notice settings"},
		{name: "everybody may read the numbers", env: map[string]string{"COOPNODE_METRICS": "0.0.0.0:9464"}, only: []string{"version"}, state: soon, check: "version/metrics", says: "everybody may read", mend: "127.0.0.1:9464"},
	} {
		t.Run(s.name, func(t *testing.T) { p.try(t, s) })
	}

	t.Run("a damaged database", func(t *testing.T) {
		p := fresh(t)
		file, err := os.OpenFile(filepath.Join(p.dir, "coopnode.db"), os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		for page := int64(8); page < 40; page++ {
			file.WriteAt([]byte(strings.Repeat("damage", 300)), page*4096)
		}
		file.Close()
		p.try(t, sickness{only: []string{"store", "version", "queue", "reach"}, check: "store/integrity", says: "the database is damaged", mend: "put back a backup"})
	})

	t.Run("a disk that is nearly full", func(t *testing.T) {
		p := fresh(t)
		small := t.TempDir()
		if err := syscall.Mount("tmpfs", small, "tmpfs", 0, "size=48m,mode=0700"); err != nil {
			aptest.LeaveOut(t, "a disk that is nearly full; it needs root")
			t.SkipNow()
		}
		t.Cleanup(func() { syscall.Unmount(small, 0) })
		for _, name := range []string{"coopnode.db", "master.key"} {
			b, err := os.ReadFile(filepath.Join(p.dir, name))
			if err == nil {
				err = os.WriteFile(filepath.Join(small, name), b, 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		p.dir = small
		p.try(t, sickness{only: []string{"store"}, check: "store/room", says: "the node stops taking letters", mend: "Make room"})
	})
}

// mode changes the mode of a file in the data folder.
func (p *patient) mode(name string, mode os.FileMode) func() func() {
	return func() func() {
		path := filepath.Join(p.dir, name)
		info, err := os.Stat(path)
		if err == nil {
			err = os.Chmod(path, mode)
		}
		if err != nil {
			p.Fatal(err)
		}
		return func() { os.Chmod(path, info.Mode().Perm()) }
	}
}

// sql changes the database behind the node's back, and takes it back by undo.
func (p *patient) sql(do func(*sql.DB) error, undo ...string) func() func() {
	with := func(f func(*sql.DB) error) {
		db, err := sql.Open("sqlite", filepath.Join(p.dir, "coopnode.db"))
		if err == nil {
			err = f(db)
			db.Close()
		}
		if err != nil {
			p.Fatal(err)
		}
	}
	return func() func() {
		with(do)
		return func() {
			with(func(db *sql.DB) (err error) {
				for _, q := range undo {
					_, e := db.Exec(q)
					err = errors.Join(err, e)
				}
				return err
			})
		}
	}
}

func (p *patient) setting(key, value string) func() func() {
	set := func(value string) {
		p.change(func(tx node.Tx) error { return tx.SetSetting(p.Context(), key, value) })
	}
	return func() func() { set(value); return func() { set("") } }
}

// smtpThatSays is a mail server that greets so and hangs up.
func smtpThatSays(t *testing.T, greeting string) (port string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			io.WriteString(conn, greeting)
			conn.Close()
		}
	}()
	_, port, _ = net.SplitHostPort(l.Addr().String())
	return port
}

// A disk over the network is told by the number of its file system, for none can be had here.
func TestNetworkFileSystems(t *testing.T) {
	for number, name := range map[uint32]string{0x6969: "NFS", 0xff534d42: "CIFS", 0xef53: "", 0x9123683e: "", 0x01021994: ""} {
		if got := networkFileSystems[number]; got != name {
			t.Errorf("%#x is %q, want %q", number, got, name)
		}
	}
}
