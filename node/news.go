package node

import (
	"context"
	"strings"
	"time"
)

// News is what one notice tells, read when it goes.
type News struct {
	*Notice
	Who        *Actor      // who did it; nil where that one is not known here
	Object     Object      // answer, mention: what was said
	Subject    Object      // what of ours it answers; nil where it answers nothing, or what is not here
	Membership *Membership // application, invitation
	Federation *Actor      // the one of Membership
	Report     *Report
	Host       string // delivery
	Backup     BackupTrouble
	Why        string // backup: what went wrong, for a person
	Asks       bool   // follower: it waits to be accepted
	Page       string // of the console, where one does something about it
}

// A Mailing is one mail that is due.
type Mailing struct {
	ID    string // the same at every try
	To    *Person
	At    time.Time // when it was due first
	Day   string    // of a digest; "" for a mail about one thing
	News  []*News   // oldest first
	Link  *Pass     // of a mail that brings a link that works once
	Token string    // of Link; it is to stand in no log (KEY-6)

	notices []*Notice
}

// A Failure is why something could not be sent.
type Failure struct {
	Reason string        // one line for the person who looks why
	Final  bool          // there is no use in trying again
	All    bool          // nothing else could be sent at this moment either
	After  time.Duration // the other side wants to be left alone for so long
}

// DueMail is the mail that goes next, nil if none is due. What has become moot ends here and is not sent. While
// deliveries are paused links alone go (BAK-4).
func (n *Node) DueMail(ctx context.Context) (*Mailing, error) {
	for {
		now := n.Now()
		due, err := n.store.DueNotices(ctx, false, now, 1)
		if err != nil || len(due) == 0 {
			return nil, err
		}
		if due[0].Kind != NoticeLink {
			if since, err := PausedSince(ctx, n.store); err != nil || !since.IsZero() {
				return nil, err
			}
		}
		if !now.Before(due[0].Expires) {
			if err := n.settle(ctx, due, NoticeGivenUp, due[0].Reason); err != nil {
				return nil, err
			}
			continue
		}
		m, err := n.mailing(ctx, due[0])
		if err != nil || m.Link != nil || len(m.News) > 0 {
			return m, err
		}
		if err := n.settle(ctx, m.notices, NoticeMoot, ""); err != nil {
			return nil, err
		}
	}
}

// mailing reads what a notice tells, with all others of its digest. It has neither Link nor News where nothing is left to tell.
func (n *Node) mailing(ctx context.Context, first *Notice) (*Mailing, error) {
	m := &Mailing{ID: first.ID, At: first.Made, notices: []*Notice{first}}
	p, err := n.store.Person(ctx, first.To)
	if IsNotFound(err) || err == nil && (p.Mail == "" || !p.Suspended.IsZero()) {
		return m, nil
	} else if err != nil {
		return nil, err
	}
	m.To = p
	if first.Kind == NoticeLink {
		token, err := n.store.NoticeSecret(ctx, first.ID)
		if IsNotFound(err) {
			return m, nil
		} else if err != nil {
			return nil, err
		}
		m.Token = string(token)
		if m.Link, err = n.Pass(ctx, m.Token); IsNotFound(err) { // it was used, or its time is over
			return m, nil
		}
		return m, err
	}
	if first.Day != "" {
		m.ID, m.Day = "digest-"+RemoteID(p.ID+" "+first.Day), first.Day
		m.notices, err = n.store.Notices(ctx, NoticeQuery{To: p.ID, Day: first.Day, State: NoticeWaiting, Limit: noticesInDigest})
		if err != nil {
			return nil, err
		}
	}
	told := m.notices[:0:0]
	for i := len(m.notices) - 1; i >= 0; i-- {
		news, err := n.news(ctx, m.notices[i])
		if IsNotFound(err) {
			if len(m.notices) > 1 {
				err = n.settle(ctx, m.notices[i:i+1], NoticeMoot, "")
			} else {
				return m, nil
			}
		} else if err == nil {
			m.News, told = append(m.News, news), append(told, m.notices[i])
		}
		if err != nil {
			return nil, err
		}
	}
	if len(told) > 0 {
		m.notices, m.At = told, told[0].Made
	}
	return m, nil
}

// DueWebhook is what the webhook hears next, nil if nothing is due or deliveries are paused.
func (n *Node) DueWebhook(ctx context.Context) (*News, error) {
	for {
		if since, err := PausedSince(ctx, n.store); err != nil || !since.IsZero() {
			return nil, err
		}
		now := n.Now()
		due, err := n.store.DueNotices(ctx, true, now, 1)
		if err != nil || len(due) == 0 {
			return nil, err
		}
		end := NoticeGivenUp
		if now.Before(due[0].Expires) {
			news, err := n.news(ctx, due[0])
			if !IsNotFound(err) {
				return news, err
			}
			end = NoticeMoot
		}
		if err := n.settle(ctx, due, end, due[0].Reason); err != nil {
			return nil, err
		}
	}
}

// MailSent notes that a mail was taken by the mail server.
func (n *Node) MailSent(ctx context.Context, m *Mailing) error {
	return n.settle(ctx, m.notices, NoticeSent, "")
}

// MailFailed notes that a mail could not be sent.
func (n *Node) MailFailed(ctx context.Context, m *Mailing, f Failure) error {
	return n.failed(ctx, m.notices, false, f)
}

// WebhookSent notes that the webhook has heard of something.
func (n *Node) WebhookSent(ctx context.Context, news *News) error {
	return n.settle(ctx, []*Notice{news.Notice}, NoticeSent, "")
}

// WebhookFailed notes that the webhook could not be told.
func (n *Node) WebhookFailed(ctx context.Context, news *News, f Failure) error {
	return n.failed(ctx, []*Notice{news.Notice}, true, f)
}

// settle ends notices.
func (n *Node) settle(ctx context.Context, list []*Notice, state NoticeState, reason string) error {
	now := n.Now()
	return n.store.Tx(ctx, func(tx Tx) error {
		for _, t := range list {
			ended := *t
			ended.State, ended.Reason, ended.Ended = state, reason, now
			if state == NoticeSent {
				ended.Attempts++
			}
			if err := tx.SettleNotice(ctx, &ended); err != nil {
				return err
			}
		}
		return nil
	})
}

// failed puts notices off as letters are put off (decisions 28), or ends them. Where nothing can be sent all that is due waits
// with them.
func (n *Node) failed(ctx context.Context, list []*Notice, webhook bool, f Failure) error {
	now := n.Now()
	reason := plainLine(f.Reason)
	next := NextTry(now, list[0].Attempts+1)
	if allowed := now.Add(f.After); allowed.After(next) {
		next = allowed
	}
	return n.store.Tx(ctx, func(tx Tx) error {
		if f.All {
			return tx.PutOffNotices(ctx, webhook, now, next, reason)
		}
		for _, t := range list {
			later := *t
			later.Attempts, later.Due, later.Reason = t.Attempts+1, next, reason
			switch {
			case f.Final:
				later.State, later.Ended = NoticeRefused, now
			case !now.Before(t.Expires):
				later.State, later.Ended = NoticeGivenUp, now
			}
			if err := tx.SettleNotice(ctx, &later); err != nil {
				return err
			}
		}
		return nil
	})
}

// plainLine keeps of a text from elsewhere one line of at most 300 characters.
func plainLine(s string) string {
	line := []rune(strings.Join(strings.Fields(plainText(s)), " "))
	return string(line[:min(len(line), 300)])
}

// news reads what a notice tells. NotFound where there is nothing left to tell: it was taken back, deleted, hidden or dealt with.
func (n *Node) news(ctx context.Context, t *Notice) (*News, error) {
	moot := &Error{Op: "read notice", Kind: NotFound, Subject: t.About}
	news := &News{Notice: t}
	var err error
	if t.Actor != "" {
		if news.Who, err = n.store.Actor(ctx, t.Actor); err != nil && !IsNotFound(err) {
			return nil, err
		}
	}
	switch t.Kind {
	case NoticeAnswer, NoticeMention:
		if news.Object, err = n.store.Object(ctx, t.About); err != nil {
			return nil, err
		}
		b := news.Object.Common()
		if !b.Deleted.IsZero() || !b.Hidden.IsZero() || b.Moderation == SeverityReject {
			return nil, moot
		}
		if done, err := n.store.CountRemarks(ctx, RemarkQuery{Object: b.IRI, State: Handled}); err != nil {
			return nil, err
		} else if done > 0 {
			return nil, moot
		}
		if b.InReplyTo != "" {
			if news.Subject, err = n.store.Object(ctx, b.InReplyTo); err != nil && !IsNotFound(err) {
				return nil, err
			}
		}
		news.Page = n.Links.Console("inbox")
	case NoticeFollower:
		f, err := n.store.Follower(ctx, t.Actor)
		if err != nil {
			return nil, err
		}
		news.Asks = f.State == Pending
		news.Page = n.Links.Console("network")
	case NoticeApplication:
		if news.Membership, err = n.store.MembershipByJoin(ctx, t.About); err != nil {
			return nil, err
		}
		if news.Membership.Step != StepApplied {
			return nil, moot
		}
		news.Page = n.Links.Console("applications")
	case NoticeInvitation:
		if news.Membership, err = n.store.Membership(ctx, t.Actor, n.Links.Actor()); err != nil {
			return nil, err
		}
		if news.Membership.Step != StepInvited {
			return nil, moot
		}
		news.Page = n.Links.Console("network")
	case NoticeReport:
		if news.Report, err = n.store.Report(ctx, t.About); err != nil {
			return nil, err
		}
		if !news.Report.Closed.IsZero() {
			return nil, moot
		}
		news.Page = n.Links.Console("moderation")
	case NoticeDelivery:
		news.Host, _, _ = strings.Cut(t.About, " ")
		news.Page = n.Links.Console("deliveries")
	case NoticeBackup:
		s, err := n.BackupStatus(ctx)
		if err != nil {
			return nil, err
		}
		if news.Backup, news.Why = s.Trouble(n.Now()); news.Backup == "" {
			return nil, moot
		}
		news.Page = n.Links.Console("settings")
	default:
		return nil, moot
	}
	if m := news.Membership; m != nil {
		if news.Federation, err = n.store.Actor(ctx, m.Federation); err != nil && !IsNotFound(err) {
			return nil, err
		}
	}
	return news, nil
}
