package node

import (
	"context"
	"fmt"
	"hash/fnv"
	"path/filepath"
	"time"
)

// BackupSettings say how the node makes backups by itself. The zero value is a good start.
type BackupSettings struct {
	Off    bool   `json:"off,omitempty"`
	Folder string `json:"folder,omitempty"` // absolute; backups in the data folder if ""
	Copy   string `json:"copy,omitempty"`   // absolute: a folder on another disk for a second copy; none if ""
	Hour   *int   `json:"hour,omitempty"`   // of the coop's time zone, 0 to 23; 3 if nil
}

// BackupStatus is what has become of the backups that the node makes by itself.
type BackupStatus struct {
	Settings BackupSettings `json:"settings"`
	Since    time.Time      `json:"since,omitzero"` // when the node began to make them

	Made  Attempt       `json:"made"` // its Done is the moment of which the backup tells
	Path  string        `json:"path,omitempty"`
	Bytes int64         `json:"bytes,omitempty"`
	Took  time.Duration `json:"took,omitempty"` // nanoseconds

	Copied   Attempt `json:"copied"`   // to the second folder
	Restored Attempt `json:"restored"` // into a scratch folder, for a test (once a week)
	Checked  Attempt `json:"checked"`  // the whole database, for damage (DB-3, once a week)
}

// An Attempt is how something went that the node does again and again.
type Attempt struct {
	Done    time.Time `json:"done,omitzero"`     // when it last went well
	Failed  time.Time `json:"failed,omitzero"`   // when it failed, if it has not gone well since
	Failure string    `json:"failure,omitempty"` // why, for a person
}

// Note keeps how it went at a moment.
func (a *Attempt) Note(at time.Time, err error) {
	if err == nil {
		*a = Attempt{Done: at}
		return
	}
	a.Failed, a.Failure = at, TextOf(err)
	if a.Failure == "" {
		a.Failure = err.Error()
	}
}

// When the node looks after its data by itself.
const (
	backupHour     = 3
	backupCatchUp  = 26 * time.Hour // after a night that was missed
	backupLate     = 48 * time.Hour // then stewards hear of it
	backupRetry    = time.Hour
	backupProved   = 7 * 24 * time.Hour // between two trials of restoring, and between two checks of the whole database
	settingBackup  = "backup"
	settingBackups = "backup.status"
)

// BackupTrouble is what is wrong with the backups, "" for nothing.
type BackupTrouble string

// The troubles, the worst first.
const (
	TroubleDamaged  BackupTrouble = "damaged"  // the database is
	TroubleRestored BackupTrouble = "restored" // the last one could not be restored
	TroubleLate     BackupTrouble = "late"     // none was made for two days
	TroubleCopied   BackupTrouble = "copied"   // none was copied to the second folder for two days
)

// Trouble is the worst that is wrong, with why it is.
func (s *BackupStatus) Trouble(now time.Time) (BackupTrouble, string) {
	late := func(a Attempt) bool { return !s.Since.IsZero() && now.Sub(latest(a.Done, s.Since)) > backupLate }
	switch {
	case !s.Checked.Failed.IsZero():
		return TroubleDamaged, s.Checked.Failure
	case s.Settings.Off:
		return "", ""
	case !s.Restored.Failed.IsZero():
		return TroubleRestored, s.Restored.Failure
	case late(s.Made):
		return TroubleLate, s.Made.Failure
	case s.Settings.Copy != "" && late(s.Copied):
		return TroubleCopied, s.Copied.Failure
	}
	return "", ""
}

// BackupStatus tells how the backups stand that the node makes by itself.
func (n *Node) BackupStatus(ctx context.Context) (*BackupStatus, error) {
	return backupStatus(ctx, n.store)
}

func backupStatus(ctx context.Context, r Reader) (*BackupStatus, error) {
	s, err := settings[BackupStatus](ctx, r, settingBackups)
	if err != nil {
		return nil, err
	}
	if s == nil {
		s = &BackupStatus{}
	}
	set, err := settings[BackupSettings](ctx, r, settingBackup)
	if err == nil && set != nil {
		s.Settings = *set
	}
	return s, err
}

// SetBackups says how the node makes backups by itself. by names who did it. Errors: Invalid.
func (n *Node) SetBackups(ctx context.Context, by string, set BackupSettings) error {
	const op = "set backups"
	for _, dir := range []string{set.Folder, set.Copy} {
		if dir != "" && (!filepath.IsAbs(dir) || len(dir) > 1000) {
			return invalid(op, fmt.Sprintf("%q is no folder for backups. Write the whole path: /mnt/backup.", dir))
		}
	}
	if set.Hour != nil && (*set.Hour < 0 || *set.Hour > 23) {
		return invalid(op, "The hour of the backup is a number from 0 to 23.")
	}
	if set.Copy != "" && set.Copy == set.Folder {
		return invalid(op, "The copy goes to another folder than the backup, on another disk.")
	}
	now := n.Now()
	err := n.store.Tx(ctx, func(tx Tx) error {
		if err := saveSettings(ctx, tx, settingBackup, set); err != nil {
			return err
		}
		return n.note(ctx, tx, by, "backup.set", set.Folder, set.Copy, now)
	})
	if err == nil {
		n.opt.Log.InfoContext(ctx, "backup settings changed", "off", set.Off, "folder", set.Folder, "copy", set.Copy, "by", by) // LOG-2
	}
	n.changed(err)
	return err
}

// NoteBackup changes what is kept of the backups, and tells stewards of trouble, at most once a week of the same.
func (n *Node) NoteBackup(ctx context.Context, change func(*BackupStatus)) error {
	now := n.Now()
	return n.store.Tx(ctx, func(tx Tx) error {
		s, err := backupStatus(ctx, tx)
		if err != nil {
			return err
		}
		change(s)
		if err := saveSettings(ctx, tx, settingBackups, s); err != nil {
			return err
		}
		trouble, _ := s.Trouble(now)
		if trouble == "" {
			return nil
		}
		year, week := now.ISOWeek()
		return n.tell(ctx, tx, Notice{Kind: NoticeBackup, About: fmt.Sprintf("%s %d-%d", trouble, year, week)}, now)
	})
}

// Due is what the node is to do now for its data.
type Due struct{ Backup, Restore, Check bool }

// BackupDue says what is due: a backup every night, at the hour that is set with up to 59 minutes more, which differ from node
// to node so that a machine with many is not busy with all of them; at once where the last one is older than 26 hours. What failed
// is tried again after an hour. Once a week one is restored for a test and the whole database is checked.
func (n *Node) BackupDue(ctx context.Context) (Due, error) {
	s, err := n.BackupStatus(ctx)
	if err != nil {
		return Due{}, err
	}
	zone, err := n.zone(ctx, n.store)
	if err != nil {
		return Due{}, err
	}
	return s.due(n.Now(), zone, n.Links.Host()), nil
}

func (s *BackupStatus) due(now time.Time, zone *time.Location, host string) Due {
	if s.Since.IsZero() {
		return Due{}
	}
	again := func(a Attempt) bool { return now.Sub(a.Failed) >= backupRetry || now.Before(a.Failed) }
	since := func(a Attempt) time.Duration { return now.Sub(latest(a.Done, s.Since)).Abs() } // by a clock that may have been ahead
	weekly := func(a Attempt) bool { return again(a) && since(a) >= backupProved }
	due := Due{Check: weekly(s.Checked)}
	if s.Settings.Off {
		return due
	}
	last := latest(s.Made.Done, s.Since)
	due.Backup = again(s.Made) && (last.Before(s.night(now, zone, host)) || since(s.Made) > backupCatchUp)
	due.Restore = weekly(s.Restored) && !s.Made.Done.IsZero()
	return due
}

// night is the last time at which a backup was to be made.
func (s *BackupStatus) night(now time.Time, zone *time.Location, host string) time.Time {
	hour, sum := backupHour, fnv.New32a()
	if s.Settings.Hour != nil {
		hour = *s.Settings.Hour
	}
	sum.Write([]byte(host))
	local := now.In(zone)
	for day := local.Day(); ; day-- {
		if at := time.Date(local.Year(), local.Month(), day, hour, int(sum.Sum32()%60), 0, 0, zone); !at.After(now) {
			return at
		}
	}
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
