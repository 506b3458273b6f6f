package ui

import (
	"context"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/coopnode/coopnode/node"
)

// A dashboard is what somebody sees first: what is new, what to do next, and how the node does.
type dashboard struct {
	Hello     string
	News      []*newsItem
	Todo      []todo
	Done      int // of Todo
	Queue     *node.QueueStatus
	Failing   []*node.Peer
	Hours     []*node.DeliveryHour
	Sum       node.DeliveryHour // of the hours
	Followers int
	Following int
	Backup    *node.BackupStatus // nil for whom it does not concern
}

// A newsItem is the newest unread remark of a conversation.
type newsItem struct {
	Who  person
	Text string
	On   string // title of what it is about, "" where that is not known
	At   time.Time
}

// A todo is one step of getting started.
type todo struct {
	name string // of its texts
	href string
	done bool
}

const (
	newsShown  = 3
	peersShown = 5
	newsLength = 240
)

// dashboard handles GET /console.
func (u *ui) dashboard(c echo.Context, d *desk) error {
	ctx := c.Request().Context()
	b := &dashboard{Hello: d.greeting(ctx)}
	var err error
	if b.News, err = d.news(ctx); err != nil {
		return err
	}
	if b.Followers, err = d.node.CountFollowers(ctx); err != nil {
		return err
	}
	if b.Following, err = d.node.CountFollowing(ctx); err != nil {
		return err
	}
	if b.Queue, err = d.node.QueueStatus(ctx); err != nil {
		return err
	}
	if b.Hours, err = d.node.DeliveryHours(ctx, hoursShown); err != nil {
		return err
	}
	b.Sum = sumOfHours(b.Hours)
	if d.open(settingsPath) {
		if b.Backup, err = d.node.BackupStatus(ctx); err != nil {
			return err
		}
	}
	peers, err := d.node.Peers(ctx, 200)
	if err != nil {
		return err
	}
	for _, p := range peers {
		if p.Failures > 0 && p.Waiting > 0 && len(b.Failing) < peersShown {
			b.Failing = append(b.Failing, p)
		}
	}
	if b.Todo, err = d.todo(ctx, b.Following); err != nil {
		return err
	}
	for _, t := range b.Todo {
		if t.done {
			b.Done++
		}
	}
	return d.show(c, unlisted(say(ctx, "dashboard.title")), dashboardBody(d, b))
}

// greeting goes by the clock of the coop, where it says in which time zone it is.
func (d *desk) greeting(ctx context.Context) string {
	if d.coop.Coop == nil || d.coop.Coop.TimeZone == "" {
		return say(ctx, "dashboard.hello", d.person.Name)
	}
	zone, err := time.LoadLocation(d.coop.Coop.TimeZone)
	if err != nil {
		return say(ctx, "dashboard.hello", d.person.Name)
	}
	switch hour := d.now.In(zone).Hour(); {
	case hour < 5 || hour >= 18:
		return say(ctx, "dashboard.evening", d.person.Name)
	case hour < 12:
		return say(ctx, "dashboard.morning", d.person.Name)
	default:
		return say(ctx, "dashboard.afternoon", d.person.Name)
	}
}

// news are the newest unread remarks, one of each conversation.
func (d *desk) news(ctx context.Context) (list []*newsItem, err error) {
	talks, err := d.node.Conversations(ctx, node.ConversationQuery{State: node.Unread, Limit: newsShown})
	if err != nil {
		return nil, err
	}
	for _, talk := range talks {
		for i := len(talk.Remarks) - 1; i >= 0; i-- {
			r := talk.Remarks[i]
			if r.State != node.Unread {
				continue
			}
			item := &newsItem{At: r.At, Text: plainText(d.text(r.Object.Common().Texts).HTML, newsLength)}
			if item.Who, err = d.people.of(ctx, r.Object.Common().Actor); err != nil {
				return nil, err
			}
			if talk.Subject != nil {
				item.On = nameOf(ctx, d.text(talk.Subject.Common().Texts))
			}
			list = append(list, item)
			break
		}
	}
	return list, nil
}

// news says in a sentence how much is new.
func news(ctx context.Context, unread int) string {
	if unread == 0 {
		return say(ctx, "dashboard.calm")
	}
	return sayCount(ctx, "dashboard.news", float64(unread))
}

// todo is the list of first steps, for whoever may take them.
func (d *desk) todo(ctx context.Context, following int) (list []todo, err error) {
	openings, err := d.node.Count(ctx, node.ObjectQuery{Type: node.TypeOpening, Local: true})
	if err != nil {
		return nil, err
	}
	people, err := d.node.People(ctx)
	if err != nil {
		return nil, err
	}
	memberships, err := d.node.Memberships(ctx, node.MembershipQuery{Coop: d.coop.IRI, Limit: 1})
	if err != nil {
		return nil, err
	}
	all := []todo{
		{"profile", "/console/start/1", len(d.coop.Summary) > 0},
		{"picture", "/console/start/2", d.coop.Icon.Address != ""},
		{"opening", "/console/openings/new", openings > 0},
		{"follow", "/console/start/3", following > 0},
		{"people", "/console/people", len(people) > 1},
		{"federation", "/console/network", len(memberships) > 0 || d.coop.IsFederation()},
	}
	for _, t := range all {
		if d.open(t.href) || t.done {
			list = append(list, t)
		}
	}
	return list, nil
}
