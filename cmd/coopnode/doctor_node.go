package main

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/coopnode/coopnode/node"
)

// goneAfter is for how long a server has to be silent before it is thought to be gone.
const goneAfter = 30 * 24 * time.Hour

// checkQueue looks at the letters on their way.
func (x *examination) checkQueue(ctx context.Context, f *findings) {
	q, err := x.house.QueueStatus(ctx)
	if err != nil {
		f.failed("waiting", err)
		return
	}
	now := x.house.Now()
	paused, err := node.PausedSince(ctx, x.house.Store())
	switch {
	case err != nil:
		f.failed("going out", err)
	case !paused.IsZero():
		f.broken("going out", "See that this is the right node, then: coopnode delivery resume", "no letter goes out since the node was restored at %s", moment(paused))
		f.good("waiting", "%s", queueText(q, now))
	default:
		f.good("going out", "letters go out")
		if age := now.Sub(q.Oldest); !q.Oldest.IsZero() && age > 24*time.Hour && q.Failing == 0 {
			f.soon("waiting", "See whether the server runs, and what waits: coopnode delivery list", "the oldest of %d letters waits for %s", q.Waiting, spanText(age))
		} else {
			f.good("waiting", "%s", queueText(q, now))
		}
	}
	x.checkPeers(ctx, f, now)
}

// checkPeers names those who do not answer.
func (x *examination) checkPeers(ctx context.Context, f *findings, now time.Time) {
	peers, err := x.house.Peers(ctx, 1000)
	if err != nil {
		f.failed("silent servers", err)
		return
	}
	var failing, gone []string
	for _, p := range peers {
		switch {
		case p.Failures == 0:
		case !p.LastOK.IsZero() && now.Sub(p.LastOK) > goneAfter:
			gone = append(gone, fmt.Sprintf("%s since %s", p.Host, p.LastOK.Format(time.DateOnly)))
		default:
			failing = append(failing, fmt.Sprintf("%s (%s)", p.Host, cmp.Or(p.Reason, "no reason known")))
		}
	}
	switch {
	case len(failing) == 0:
		f.good("failing servers", "none")
	case len(failing) > 3 && len(failing)*2 > len(peers):
		f.soon("failing servers", "Look whether this machine reaches the internet; see: coopnode delivery hosts", "most servers do not answer, %d of %d: %s", len(failing), len(peers), few(failing))
	default:
		f.good("failing servers", "%s; their letters are tried again for %s", few(failing), spanText(node.GiveUpAfter))
	}
	if len(gone) == 0 {
		f.good("gone servers", "none is silent for 30 days")
	} else {
		f.soon("gone servers", "Ask them, or give their letters up: coopnode delivery drop --host HOST", "silent for more than 30 days: %s", few(gone))
	}
}

// few names the first three of a list.
func few(list []string) string {
	if len(list) > 3 {
		return fmt.Sprintf("%s and %d more", strings.Join(list[:3], ", "), len(list)-3)
	}
	return strings.Join(list, ", ")
}

// spanText is a time that went by, for people.
func spanText(d time.Duration) string {
	switch {
	case d >= 48*time.Hour:
		return fmt.Sprintf("%d days", int(d/(24*time.Hour)))
	case d >= 2*time.Hour:
		return fmt.Sprintf("%d hours", int(d/time.Hour))
	case d >= 2*time.Minute:
		return fmt.Sprintf("%d minutes", int(d/time.Minute))
	}
	return fmt.Sprintf("%.0f seconds", d.Seconds())
}

// checkMail signs in at the mail server and sends nothing, unless an address was given.
func (x *examination) checkMail(ctx context.Context, f *findings) {
	server, err := x.house.mailServer(ctx)
	if err != nil {
		f.failed("mail", err)
		return
	}
	if server == nil {
		f.unknown("mail", "People then hear of nothing by mail. To set a server: coopnode notice settings --smtp HOST:PORT", "no mail server is set")
		return
	}
	const mend = "Look at its address, port, encryption and password: coopnode notice settings --smtp HOST:PORT"
	server.timeout = 10 * time.Second
	at := fmt.Sprintf("%s:%d", server.Host, server.Port)
	if x.opt.mailTo != "" {
		if err := x.house.testMail(ctx, x.opt.mailTo, ""); err != nil {
			f.broken("mail", mend, "%s did not take a mail to %s: %v", at, x.opt.mailTo, err)
			return
		}
		f.good("mail", "%s took a mail to %s", at, x.opt.mailTo)
		return
	}
	if err := server.signIn(ctx); err != nil {
		f.broken("mail", mend, "%v", err)
		return
	}
	f.good("mail", "%s lets this node in; to send one for a test: coopnode doctor --mail ADDRESS", at)
}

// checkVersion looks at the age of the schema and of the system.
func (x *examination) checkVersion(_ context.Context, f *findings) {
	f.good("program", "coopnode %s", programVersion())
	switch s := x.stored; {
	case s == nil || s.Schema == 0:
		f.waits("schema", "the database")
	case s.Schema > s.Known:
		f.broken("schema", "Install the newer coopnode again, or go back to a backup from before: coopnode help backup",
			"the data was written by a newer coopnode: it has schema %d, and this program knows %d", s.Schema, s.Known)
	case s.Schema < s.Known:
		f.soon("schema", "Start the server; it makes a copy first.", "the data has schema %d, this program has %d: the next start brings it up to date", s.Schema, s.Known)
	default:
		f.good("schema", "%d, as this program has it", s.Schema)
	}
	x.checkSystem(f, "/etc/os-release")
	x.checkMetrics(f)
}

// checkSystem tells until when the system gets repairs, where it says so (os-release(5), SUPPORT_END).
func (x *examination) checkSystem(f *findings, file string) {
	r, err := os.Open(file)
	if err != nil {
		return
	}
	defer r.Close()
	name, end := "", time.Time{}
	for lines := bufio.NewScanner(r); lines.Scan(); {
		key, value, _ := strings.Cut(lines.Text(), "=")
		switch value = strings.Trim(value, `"'`); key {
		case "PRETTY_NAME":
			name = value
		case "SUPPORT_END":
			end, _ = time.Parse(time.DateOnly, value)
		}
	}
	switch now := clock(); {
	case end.IsZero():
	case now.After(end):
		f.soon("system", "Move to a newer release of the system.", "%s has had no repairs since %s", name, end.Format(time.DateOnly))
	case end.Sub(now) < 90*24*time.Hour:
		f.soon("system", "Plan to move to a newer release of the system.", "%s gets repairs until %s", name, end.Format(time.DateOnly))
	default:
		f.good("system", "%s gets repairs until %s", name, end.Format(time.DateOnly))
	}
}

// checkMetrics warns of numbers that everybody can read (HTTP-8).
func (x *examination) checkMetrics(f *findings) {
	host, _, err := net.SplitHostPort(x.cfg.Metrics)
	if err != nil || host == "" || host == "localhost" {
		return
	}
	if ip, err := netip.ParseAddr(host); err == nil && (ip.IsLoopback() || ip.IsPrivate()) {
		return
	}
	f.soon("metrics", `Set metrics = "127.0.0.1:9464", and read it from this machine or through a tunnel.`, "the numbers are served at %s, where everybody may read them", x.cfg.Metrics)
}

// Bounds of backups that are made every night.
const (
	backupSoon   = 36 * time.Hour
	backupBroken = 7 * 24 * time.Hour
)

// checkBackup looks at the backups that the node makes by itself.
func (x *examination) checkBackup(ctx context.Context, f *findings) {
	s, err := x.house.BackupStatus(ctx)
	if err != nil {
		f.failed("last", err)
		return
	}
	now := x.house.Now()
	if !s.Checked.Failed.IsZero() {
		f.broken("weekly check", "Copy the data folder away, put back a backup, and look at the disk: coopnode help backup", "the database was found damaged at %s: %s", moment(s.Checked.Failed), s.Checked.Failure)
	}
	if s.Settings.Off {
		f.unknown("last", "See: coopnode help backup", "the node makes none by itself, as you have set it")
		return
	}
	x.judgeLastBackup(f, s, now)
	switch {
	case !s.Restored.Failed.IsZero():
		f.broken("trial", "Make one now and try it: coopnode help backup", "the last backup could not be restored at %s: %s", moment(s.Restored.Failed), s.Restored.Failure)
	case s.Made.Done.IsZero():
		f.waits("trial", "the first backup")
	case s.Restored.Done.IsZero():
		f.unknown("trial", "Wait: the server restores one into a scratch folder every week.", "none has been restored for a test yet")
	case now.Sub(s.Restored.Done) > 3*backupBroken:
		f.soon("trial", "See that the server runs at night; it restores one into a scratch folder every week.", "the last one that was restored for a test was that of %s", moment(s.Restored.Done))
	default:
		f.good("trial", "restored into a scratch folder at %s", moment(s.Restored.Done))
	}
	switch {
	case s.Settings.Copy == "":
		f.soon("copy elsewhere", "Mount a disk of another machine and name it: coopnode help backup", "backups are on the disk of the data alone, and are lost with it")
	case !s.Copied.Failed.IsZero():
		f.broken("copy elsewhere", "Look whether "+s.Settings.Copy+" is mounted and has room.", "the copy to %s failed at %s: %s", s.Settings.Copy, moment(s.Copied.Failed), s.Copied.Failure)
	case s.Copied.Done.IsZero():
		f.unknown("copy elsewhere", "Wait for the next backup.", "none has gone to %s yet", s.Settings.Copy)
	default:
		f.good("copy elsewhere", "in %s, of %s", s.Settings.Copy, moment(s.Copied.Done))
	}
}

func (x *examination) judgeLastBackup(f *findings, s *node.BackupStatus, now time.Time) {
	const check, mend = "last", "See that the server runs at night; or make one now: coopnode backup FILE"
	why := ""
	if !s.Made.Failed.IsZero() {
		why = fmt.Sprintf("; at %s it failed: %s", moment(s.Made.Failed), s.Made.Failure)
	}
	switch age := now.Sub(s.Made.Done); {
	case s.Made.Done.IsZero() && why == "" && (s.Since.IsZero() || now.Sub(s.Since) < backupSoon):
		f.unknown(check, "Wait: the server makes one every night.", "none has been made yet")
	case s.Made.Done.IsZero():
		f.broken(check, mend, "no backup was ever made%s", why)
	case age > backupBroken:
		f.broken(check, mend, "the last backup is %s old%s", spanText(age), why)
	case age > backupSoon || why != "":
		f.soon(check, mend, "the last backup is %s old%s", spanText(age), why)
	default:
		f.good(check, "%s ago, %s in %s", spanText(age), sizeText(s.Bytes), s.Path)
	}
}
