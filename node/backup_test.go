package node_test

import (
	"errors"
	"testing"
	"time"

	"github.com/coopnode/coopnode/node"
)

// due says what is due now.
func (x *house) due() node.Due {
	x.Helper()
	due, err := x.BackupDue(x.Context())
	x.must(err)
	return due
}

func (x *house) noteBackup(change func(*node.BackupStatus)) {
	x.Helper()
	x.must(x.NoteBackup(x.Context(), change))
}

// A backup is due once a night, by the clock of the coop; a night that was missed is made up for; what failed waits an hour.
func TestBackupDue(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	zone, err := time.LoadLocation("Europe/Madrid")
	x.must(err)
	x.inZone("Europe/Madrid")
	equal(t, "before it has begun", x.due(), node.Due{})
	x.noteBackup(func(s *node.BackupStatus) { s.Since = x.Now() })
	equal(t, "on the first day", x.due(), node.Due{})
	for range 24 { // hours
		if x.pass(time.Hour); x.due().Backup {
			break
		}
	}
	if hour := x.Now().In(zone).Hour(); hour != 3 && hour != 4 {
		t.Errorf("the first backup is due at %d o'clock, want a little after 3", hour)
	}
	done := func() { x.noteBackup(func(s *node.BackupStatus) { s.Made.Note(x.Now(), nil) }) }
	done()
	equal(t, "after it was made", x.due(), node.Due{})
	x.pass(22 * time.Hour)
	equal(t, "22 hours later", x.due(), node.Due{})
	x.pass(3 * time.Hour)
	equal(t, "in the next night", x.due(), node.Due{Backup: true})
	x.noteBackup(func(s *node.BackupStatus) { s.Made.Note(x.Now(), errors.New("no space")) })
	equal(t, "after it failed", x.due(), node.Due{})
	x.pass(time.Hour)
	equal(t, "an hour after it failed", x.due(), node.Due{Backup: true})
	done()
	x.pass(8 * 24 * time.Hour)
	equal(t, "after a week without", x.due(), node.Due{Backup: true, Restore: true, Check: true})
	done()
	x.noteBackup(func(s *node.BackupStatus) {
		s.Restored.Note(x.Now(), nil)
		s.Checked.Note(x.Now(), nil)
	})
	equal(t, "after all was done", x.due(), node.Due{})

	// A clock that went back does not hold it up for ever.
	x.noteBackup(func(s *node.BackupStatus) { s.Made.Note(x.Now().Add(90*24*time.Hour), errors.New("in the future")) })
	x.pass(24 * time.Hour)
	equal(t, "after a failure in the future", x.due().Backup, true)

	hour := 15
	x.must(x.SetBackups(t.Context(), "command:test", node.BackupSettings{Hour: &hour}))
	done()
	for range 24 {
		if x.pass(time.Hour); x.due().Backup {
			break
		}
	}
	if hour := x.Now().In(zone).Hour(); hour != 15 && hour != 16 {
		t.Errorf("due at %d o'clock, want a little after 15", hour)
	}
	x.must(x.SetBackups(t.Context(), "command:test", node.BackupSettings{Off: true}))
	x.pass(30 * 24 * time.Hour)
	equal(t, "where none are wanted", x.due(), node.Due{Check: true})
}

func TestBackupSettings(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	hour := 24
	for _, bad := range []node.BackupSettings{{Folder: "backups"}, {Copy: "../else"}, {Hour: &hour}, {Folder: "/mnt/a", Copy: "/mnt/a"}} {
		wantError(t, x.SetBackups(t.Context(), "command:test", bad), node.Invalid)
	}
	x.must(x.SetBackups(t.Context(), "command:test", node.BackupSettings{Folder: "/mnt/a", Copy: "/mnt/b"}))
	s, err := x.BackupStatus(t.Context())
	x.must(err)
	equal(t, "settings", s.Settings, node.BackupSettings{Folder: "/mnt/a", Copy: "/mnt/b"})
	log, err := x.AuditLog(t.Context(), node.AuditQuery{Limit: 1})
	x.must(err)
	equal(t, "audit log", log[0].Action+" "+log[0].Text, "backup.set /mnt/b") // LOG-2
}

// Stewards hear once a week of the same trouble, and of none that is over.
func TestNoticeOfBackups(t *testing.T) {
	t.Parallel()
	x := newMailed(t)
	x.noteBackup(func(s *node.BackupStatus) { s.Since = x.Now() })
	fail := func() {
		x.noteBackup(func(s *node.BackupStatus) { s.Made.Note(x.Now(), errors.New("the disk is full")) })
	}
	fail()
	equal(t, "after a failure", x.waiting(x.steward.ID), map[node.NoticeKind]int{})
	x.pass(49 * time.Hour)
	fail()
	fail()
	equal(t, "after two days", x.waiting(x.steward.ID), map[node.NoticeKind]int{node.NoticeBackup: 1})
	equal(t, "for the editor", x.waiting(x.editor.ID), map[node.NoticeKind]int{})
	m, err := x.DueMail(t.Context())
	x.must(err)
	if m == nil || m.News[0].Backup != node.TroubleLate || m.News[0].Why != "the disk is full" {
		t.Fatalf("the mail tells %+v", m)
	}
	x.noteBackup(func(s *node.BackupStatus) { s.Made.Note(x.Now(), nil) })
	equal(t, "after it was mended", len(x.mails()), 0)

	x.noteBackup(func(s *node.BackupStatus) { s.Restored.Note(x.Now(), errors.New("13 objects, not 14")) })
	equal(t, "one that cannot be restored", x.mails(), []string{"Antía backup"})
	x.must(x.SetBackups(t.Context(), "command:test", node.BackupSettings{Off: true}))
	x.noteBackup(func(s *node.BackupStatus) { s.Checked.Note(x.Now(), errors.New("row 3 missing")) })
	equal(t, "damage, where no backups are wanted", x.mails(), []string{"Antía backup"})
}

func TestBackupTrouble(t *testing.T) {
	t.Parallel()
	now := time.Date(2027, 3, 2, 12, 0, 0, 0, time.UTC)
	old, bad := now.Add(-49*time.Hour), node.Attempt{Failed: now, Failure: "x"}
	for _, tt := range []struct {
		s    node.BackupStatus
		want node.BackupTrouble
	}{
		{node.BackupStatus{}, ""},
		{node.BackupStatus{Since: now.Add(-47 * time.Hour)}, ""},
		{node.BackupStatus{Since: old}, node.TroubleLate},
		{node.BackupStatus{Since: old, Made: node.Attempt{Done: now}}, ""},
		{node.BackupStatus{Since: old, Made: node.Attempt{Done: now}, Settings: node.BackupSettings{Copy: "/mnt"}}, node.TroubleCopied},
		{node.BackupStatus{Since: old, Made: node.Attempt{Done: now}, Restored: bad}, node.TroubleRestored},
		{node.BackupStatus{Since: old, Restored: bad, Checked: bad}, node.TroubleDamaged},
		{node.BackupStatus{Since: old, Restored: bad, Settings: node.BackupSettings{Off: true}}, ""},
	} {
		if got, _ := tt.s.Trouble(now); got != tt.want {
			t.Errorf("%+v: %q, want %q", tt.s, got, tt.want)
		}
	}
}
