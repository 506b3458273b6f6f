package node

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// A Notice is that one person, or the webhook, hears of something. It is made together with what it tells of, and
// holds addresses alone: what is said is read when it goes, so that nothing goes of what was taken back meanwhile.
type Notice struct {
	ID       string      `json:"id"`
	To       string      `json:"to"` // id of a person, or ToWebhook
	Kind     NoticeKind  `json:"kind"`
	About    string      `json:"about"`           // address or id of what it tells of; one recipient hears of it once
	Actor    string      `json:"actor,omitempty"` // who did it, where somebody did
	Day      string      `json:"day,omitempty"`   // 2027-03-02: it goes in the digest of that day; "" where it goes at once
	Made     time.Time   `json:"made"`
	Due      time.Time   `json:"due,omitzero"` // when it goes, or is tried next
	Expires  time.Time   `json:"expires"`      // when it is given up, if it could not go until then
	Attempts int         `json:"attempts"`
	State    NoticeState `json:"state"`
	Reason   string      `json:"reason,omitempty"` // why the last attempt failed
	Ended    time.Time   `json:"ended,omitzero"`
}

// ToWebhook is the recipient of what the webhook hears.
const ToWebhook = "webhook"

// NoticeKind says of what a notice tells.
type NoticeKind string

// The kinds. NoticeLink is one that nobody chooses: it brings a link that works once.
const (
	NoticeAnswer      NoticeKind = "answer"      // somebody answers an opening of ours
	NoticeMention     NoticeKind = "mention"     // somebody answers anything else of ours, names us, or writes to us alone
	NoticeFollower    NoticeKind = "follower"    // somebody follows us, or asks to
	NoticeApplication NoticeKind = "application" // a coop asks to join this federation, or one of which we are a member
	NoticeInvitation  NoticeKind = "invitation"  // a federation invites us
	NoticeReport      NoticeKind = "report"      // somebody complains about us
	NoticeDelivery    NoticeKind = "delivery"    // letters to a server were given up
	NoticeBackup      NoticeKind = "backup"      // something is wrong with the backups, or with the database
	NoticeLink        NoticeKind = "link"
)

// noticeKinds says of each kind who can hear of it, and how one hears who has not chosen.
var noticeKinds = []struct {
	kind   NoticeKind
	need   Role
	choice NoticeChoice
}{
	{NoticeAnswer, RoleReader, AtOnce},
	{NoticeMention, RoleReader, AtOnce},
	{NoticeFollower, RoleReader, Daily},
	{NoticeApplication, RoleSteward, AtOnce},
	{NoticeInvitation, RoleSteward, AtOnce},
	{NoticeReport, RoleSteward, AtOnce},
	{NoticeDelivery, RoleSteward, Daily},
	{NoticeBackup, RoleSteward, AtOnce},
}

// NoticeKinds are the kinds that a person of this role can choose about, in the order in which they are shown.
func NoticeKinds(r Role) (kinds []NoticeKind) {
	for _, k := range noticeKinds {
		if r.Covers(k.need) {
			kinds = append(kinds, k.kind)
		}
	}
	return kinds
}

// NoticeChoice is how a person hears of a kind.
type NoticeChoice string

// The choices.
const (
	AtOnce NoticeChoice = "now"
	Daily  NoticeChoice = "daily" // in one mail at 07:00 of the coop's time zone
	Never  NoticeChoice = "never"
)

// NoticeChoices are all of them.
var NoticeChoices = []NoticeChoice{AtOnce, Daily, Never}

// NoticeState is how far a notice has come.
type NoticeState string

// A notice waits until it has one of the other states.
const (
	NoticeWaiting NoticeState = "waiting"
	NoticeSent    NoticeState = "sent"
	NoticeRefused NoticeState = "refused"  // by the other side, for good
	NoticeGivenUp NoticeState = "given-up" // not sent in time
	NoticeMoot    NoticeState = "moot"     // what it told of is gone, or its recipient is
)

// Bounds of notices (LIM, DB-7).
const (
	noticeGivenUp   = 3 * 24 * time.Hour // after that one that cannot be sent is given up
	noticeNews      = 3 * 24 * time.Hour // what was said longer ago is no news
	noticesAnHour   = 20                 // of one kind at once to one recipient; what is more goes into the digest
	noticesWaiting  = 200                // of one kind for one recipient; of what is more nobody hears
	linksAnHour     = 5                  // mails with links to one person
	digestHour      = 7
	noticesInDigest = 200
)

// NoticeQuery selects notices, newest first. Zero fields do not narrow it.
type NoticeQuery struct {
	To    string
	Kind  NoticeKind
	Day   string // those of this digest
	State NoticeState
	Since time.Time // made then or later
	Loud  bool      // those that go at once
	Limit int       // 1 to 1,000; 40 if 0
}

// Notices lists notices, newest first.
func (n *Node) Notices(ctx context.Context, q NoticeQuery) ([]*Notice, error) {
	return n.store.Notices(ctx, q)
}

// CountNotices counts the notices that match q; Limit does not matter.
func (n *Node) CountNotices(ctx context.Context, q NoticeQuery) (int, error) {
	return n.store.CountNotices(ctx, q)
}

// ChoicesOf says how a person hears of each kind, also of those about which it has not chosen.
func (n *Node) ChoicesOf(ctx context.Context, p *Person) (map[NoticeKind]NoticeChoice, error) {
	return choicesOf(ctx, n.store, p)
}

func choicesOf(ctx context.Context, r Reader, p *Person) (map[NoticeKind]NoticeChoice, error) {
	chosen, err := r.NoticeChoices(ctx, p.ID)
	if err != nil {
		return nil, err
	}
	choices := map[NoticeKind]NoticeChoice{}
	for _, k := range noticeKinds {
		if !p.Role.Covers(k.need) {
			continue
		}
		choices[k.kind] = k.choice
		if c := chosen[k.kind]; c != "" {
			choices[k.kind] = c
		}
	}
	return choices, nil
}

// ChooseNotices says how a person wants to hear of some kinds; of the others nothing changes. What waits already stays
// as it is. Errors: Invalid for an unknown kind or choice, NotFound for an unknown person.
func (n *Node) ChooseNotices(ctx context.Context, person string, choices map[NoticeKind]NoticeChoice) error {
	const op = "choose notices"
	return n.store.Tx(ctx, func(tx Tx) error {
		p, err := tx.Person(ctx, person)
		if err != nil {
			return err
		}
		for kind, choice := range choices {
			if !slices.Contains(NoticeChoices, choice) {
				return invalid(op, fmt.Sprintf("One hears of something %s, not %q.", listOf(NoticeChoices), choice))
			}
			if kinds := NoticeKinds(p.Role); !slices.Contains(kinds, kind) {
				return invalid(op, fmt.Sprintf("%s can choose about %s, not about %q.", p.Name, listOf(kinds), kind))
			}
			if err := tx.SaveNoticeChoice(ctx, p.ID, kind, choice); err != nil {
				return err
			}
		}
		return nil
	})
}

// tell makes the notices of something that has just happened, in the transaction in which it happens: for everybody who
// wants to hear of it, and for the webhook. Where neither mail nor a webhook is set up nothing is made.
func (n *Node) tell(ctx context.Context, tx Tx, t Notice, now time.Time) error {
	mail, err := mailSettings(ctx, tx)
	if err != nil {
		return err
	}
	hook, err := webhook(ctx, tx)
	if err != nil || mail == nil && hook == nil {
		return err
	}
	if t.Actor != "" { // of those whom a rule limits there are no notices (MOD-1)
		rules, err := tx.RulesFor(ctx, RuleTargets(t.Actor))
		if err != nil {
			return err
		}
		if j := Judge(rules); j.Limited() || j.Refused() {
			return nil
		}
	}
	t.Made, t.Due, t.Expires, t.State = now, now, now.Add(noticeGivenUp), NoticeWaiting
	if hook != nil && slices.Contains(hook.Kinds, t.Kind) {
		t.ID, t.To = NewID(), ToWebhook
		if err := addNotice(ctx, tx, &t, AtOnce, nil); err != nil {
			return err
		}
	}
	if mail == nil {
		return nil
	}
	people, err := tx.People(ctx)
	if err != nil {
		return err
	}
	zone, err := n.zone(ctx, tx)
	if err != nil {
		return err
	}
	for _, p := range people {
		if !p.Active() || p.Mail == "" {
			continue
		}
		choices, err := choicesOf(ctx, tx, p)
		if err != nil {
			return err
		}
		one := t
		one.ID, one.To = NewID(), p.ID
		if err := addNotice(ctx, tx, &one, choices[t.Kind], zone); err != nil {
			return err
		}
	}
	return nil
}

// addNotice keeps a notice as its recipient wants it, within the bounds. zone is that of the digest; the webhook has none, and
// hears everything at once.
func addNotice(ctx context.Context, tx Tx, t *Notice, choice NoticeChoice, zone *time.Location) error {
	if choice == Never || choice == "" {
		return nil
	}
	waiting, err := tx.CountNotices(ctx, NoticeQuery{To: t.To, Kind: t.Kind, State: NoticeWaiting})
	if err != nil || waiting >= noticesWaiting {
		return err
	}
	if choice == AtOnce && zone != nil {
		loud, err := tx.CountNotices(ctx, NoticeQuery{To: t.To, Kind: t.Kind, Loud: true, Since: t.Made.Add(-time.Hour)})
		if err != nil {
			return err
		}
		if loud >= noticesAnHour {
			choice = Daily
		}
	}
	if choice == Daily {
		t.Due = nextDigest(t.Made, zone)
		t.Day = t.Due.In(zone).Format(time.DateOnly)
		t.Expires = t.Due.Add(noticeGivenUp)
	}
	return tx.AddNotice(ctx, t)
}

// nextDigest is the next 07:00 in a time zone.
func nextDigest(now time.Time, zone *time.Location) time.Time {
	local := now.In(zone)
	for day := local.Day(); ; day++ {
		if at := time.Date(local.Year(), local.Month(), day, digestHour, 0, 0, 0, zone); at.After(now) {
			return at.UTC()
		}
	}
}

// zone is the time zone of the coop, as its profile says, else that of the machine.
func (n *Node) zone(ctx context.Context, r Reader) (*time.Location, error) {
	us, err := r.Actor(ctx, n.Links.Actor())
	if err != nil {
		return nil, err
	}
	if us.Coop != nil && us.Coop.TimeZone != "" {
		if zone, err := time.LoadLocation(us.Coop.TimeZone); err == nil {
			return zone, nil
		}
	}
	return time.Local, nil
}

// tellRemark tells of a post that concerns us, if it is news; why and parent are those of the remark.
func (n *Node) tellRemark(ctx context.Context, tx Tx, p *Post, why Reason, parent *Base, now time.Time) error {
	if now.Sub(p.Published) > noticeNews {
		return nil
	}
	kind := NoticeMention
	if why != ReasonThread && parent != nil && parent.Local && parent.Type == TypeOpening {
		kind = NoticeAnswer
	}
	return n.tell(ctx, tx, Notice{Kind: kind, About: p.IRI, Actor: p.Actor}, now)
}

// TellGivenUp tells of letters that were given up because their server did not take them for so long, at most once a
// day for each server.
func (n *Node) TellGivenUp(ctx context.Context, tx Tx, outcomes []Outcome, now time.Time) error {
	var hosts []string
	for _, o := range outcomes {
		if host := HostOf(o.Inbox); o.GivenUp && !slices.Contains(hosts, host) {
			hosts = append(hosts, host)
		}
	}
	for _, host := range hosts {
		about := host + " " + now.Format(time.DateOnly)
		if err := n.tell(ctx, tx, Notice{Kind: NoticeDelivery, About: about}, now); err != nil {
			return err
		}
	}
	return nil
}
