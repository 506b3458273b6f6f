package main

import (
	"context"
	"encoding/json"
	"time"

	"github.com/coopnode/coopnode/node"
)

// An event is what the webhook hears, in the form of the Standard Webhooks specification. It says what everybody may know;
// of what was said to the coop alone it says that there is something to read (GDPR-5).
type event struct {
	Type      string    `json:"type"` // a kind of notice, or "test"
	Timestamp time.Time `json:"timestamp"`
	Data      eventData `json:"data"`
}

type eventData struct {
	Node       string       `json:"node"`                 // address of this coop
	About      string       `json:"about,omitempty"`      // address of what was said or asked
	Actor      *eventActor  `json:"actor,omitempty"`      // who did it
	Object     *eventObject `json:"object,omitempty"`     // what was said, if in public
	Subject    *eventObject `json:"subject,omitempty"`    // what of ours it answers
	Federation string       `json:"federation,omitempty"` // address of the one that is to be joined
	Host       string       `json:"host,omitempty"`       // that did not take letters
	Trouble    string       `json:"trouble,omitempty"`    // of the backups: damaged, restored, late or copied
	Page       string       `json:"page,omitempty"`       // where our people do something about it
}

type eventActor struct {
	ID      string `json:"id"`
	Name    string `json:"name,omitempty"`
	Address string `json:"address,omitempty"` // @handle@host
	URL     string `json:"url,omitempty"`
}

type eventObject struct {
	ID    string          `json:"id"`
	Type  node.ObjectType `json:"type"`
	URL   string          `json:"url,omitempty"`
	Title string          `json:"title,omitempty"`
	Text  string          `json:"text,omitempty"` // without marks, at most 2,000 characters
}

const maxEventText = 2000

// webhookEvent is what the webhook hears of some news; us is the address of this coop.
func webhookEvent(n *node.News, us string) event {
	d := eventData{Node: us, Host: n.Host, Trouble: string(n.Backup), Page: n.Page}
	if n.Kind != node.NoticeDelivery && n.Kind != node.NoticeBackup && n.Kind != node.NoticeReport {
		d.About = n.About
	}
	if n.Actor != "" && n.Kind != node.NoticeReport {
		d.Actor = &eventActor{ID: n.Actor}
		if n.Who != nil {
			d.Actor.Name, d.Actor.Address, d.Actor.URL = oneLine(n.Who.Label()), oneLine(n.Who.Address()), n.Who.URL
		}
	}
	d.Object, d.Subject = publicly(n.Object), publicly(n.Subject)
	if n.Object != nil && d.Object == nil {
		d.About = ""
	}
	if n.Membership != nil {
		d.Federation = n.Membership.Federation
	}
	return event{Type: string(n.Kind), Timestamp: n.Made.Truncate(time.Second), Data: d}
}

// publicly is an object as far as everybody may know it, nil where that is not at all.
func publicly(o node.Object) *eventObject {
	if o == nil || !o.Common().Audience.Listed() || !o.Common().Deleted.IsZero() {
		return nil
	}
	b := o.Common()
	e := &eventObject{ID: b.IRI, Type: b.Type, URL: b.URL, Title: oneLine(b.Title())}
	text := []rune(plain(b.TextIn("")))
	e.Text = string(text[:min(len(text), maxEventText)])
	return e
}

// postWebhook tells the webhook something. An answer that is no yes is a *hookError.
func (c *noticeCarrier) postWebhook(ctx context.Context, to *node.WebhookSettings, id string, e event) error {
	body, err := json.Marshal(e)
	if err != nil {
		return err
	}
	res, err := c.wire.PostWebhook(ctx, to, id, body)
	if err != nil {
		return err
	}
	if !res.OK() {
		return &hookError{node.HostOf(to.Address), res}
	}
	return nil
}
