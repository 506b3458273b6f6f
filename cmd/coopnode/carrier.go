package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"github.com/coopnode/coopnode/activitypub"
	"github.com/coopnode/coopnode/node"
	"github.com/coopnode/coopnode/ui"
)

// A noticeCarrier sends what people and the webhook are to hear of: mails one after another, and beside them, so that neither
// waits for the other, what the webhook hears. What was sent is noted after it was sent: who dies in between sends it
// again, under the same name.
type noticeCarrier struct {
	*house
	wire *activitypub.Wire
	log  *slog.Logger

	mu   sync.Mutex
	said map[string]time.Time // when something was last complained of
}

func newNoticeCarrier(h *house, wire *activitypub.Wire, log *slog.Logger) *noticeCarrier {
	return &noticeCarrier{house: h, wire: wire, log: log.With("room", "notices"), said: map[string]time.Time{}}
}

const (
	noticesPoll    = time.Second
	noticePatience = 8 * time.Second // for what is under way when the node stops
)

// Run sends until ctx ends.
func (c *noticeCarrier) Run(ctx context.Context) error {
	work, abandon := context.WithCancelCause(context.WithoutCancel(ctx))
	defer abandon(nil)
	context.AfterFunc(ctx, func() { time.AfterFunc(noticePatience, func() { abandon(errStopping) }) })
	var ways sync.WaitGroup
	ways.Go(func() { c.carry(ctx, work, c.mail) })
	ways.Go(func() { c.carry(ctx, work, c.webhook) })
	ways.Wait()
	return nil
}

var errStopping = errors.New("the node is stopping")

// carry sends what is due on one way until ctx ends. next does one thing, with work as its context, and says whether there may
// be more.
func (c *noticeCarrier) carry(ctx, work context.Context, next func(context.Context) (bool, error)) {
	tick := time.NewTicker(noticesPoll)
	defer tick.Stop()
	for {
		for ctx.Err() == nil {
			more, err := next(work)
			if err != nil && ctx.Err() == nil {
				c.complain("notices cannot be sent, trying again", err)
			}
			if err != nil || !more {
				break
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// mail sends the mail that is due first.
func (c *noticeCarrier) mail(ctx context.Context) (bool, error) {
	server, err := c.mailServer(ctx)
	if err != nil || server == nil {
		return false, err
	}
	m, err := c.DueMail(ctx)
	if err != nil || m == nil {
		return false, err
	}
	err = safely(func() error { return c.sendMail(ctx, server, m) })
	if err == nil {
		c.log.DebugContext(ctx, "mail sent", "notice", m.ID, "person", m.To.ID)
		return true, c.record(ctx, func(ctx context.Context) error { return c.MailSent(ctx, m) })
	}
	f := c.failure(err)
	if f.All {
		c.complain("the mail server does not take mail, trying later", err)
	} else {
		c.log.WarnContext(ctx, "a mail was not taken", "notice", m.ID, "person", m.To.ID, "final", f.Final) // the answer may name an address
	}
	return true, c.record(ctx, func(ctx context.Context) error { return c.MailFailed(ctx, m, f) })
}

func (c *noticeCarrier) sendMail(ctx context.Context, server *mailServer, m *node.Mailing) error {
	us, err := c.Profile(ctx)
	if err != nil {
		return err
	}
	text, err := ui.NoticeMail(ctx, us, c.Links, m)
	if err != nil {
		return err
	}
	choose := ""
	if m.Link == nil {
		choose = c.Links.Console("notices")
	}
	message, err := server.message(m.ID, m.To.Mail, m.To.Name, us.Label(), choose, text)
	if err != nil {
		return &mailError{node.Failure{Reason: err.Error(), Final: true}, err}
	}
	return server.send(ctx, message)
}

// webhook tells the webhook what it is to hear first.
func (c *noticeCarrier) webhook(ctx context.Context) (bool, error) {
	to, err := c.Webhook(ctx)
	if err != nil || to == nil {
		return false, err
	}
	news, err := c.DueWebhook(ctx)
	if err != nil || news == nil {
		return false, err
	}
	err = safely(func() error { return c.postWebhook(ctx, to, news.ID, webhookEvent(news, c.Links.Actor())) })
	if err == nil {
		return true, c.record(ctx, func(ctx context.Context) error { return c.WebhookSent(ctx, news) })
	}
	c.complain("the webhook does not take what it is told, trying later", err)
	f := c.failure(err)
	return true, c.record(ctx, func(ctx context.Context) error { return c.WebhookFailed(ctx, news, f) })
}

// failure is why something was not sent. What is no answer of the other side concerns all.
func (c *noticeCarrier) failure(err error) node.Failure {
	var refused *mailError
	var status *hookError
	var fault *faultError
	switch {
	case errors.As(err, &refused):
		return refused.Failure
	case errors.As(err, &status):
		return status.failure()
	case errors.As(err, &fault):
		c.log.Error("panic while a notice was sent", "panic", fault.fault, stackKey, string(fault.stack))
		return node.Failure{Reason: "a fault in this program", Final: true}
	}
	return node.Failure{Reason: err.Error(), All: true}
}

// record notes how something ended, and tries until it is done: what is not noted would be sent again.
func (c *noticeCarrier) record(ctx context.Context, note func(context.Context) error) error {
	for {
		err := note(context.WithoutCancel(ctx))
		if err == nil {
			return nil
		}
		c.complain("cannot note what was sent; no notice is sent until it works", err)
		select {
		case <-ctx.Done():
			return err
		case <-time.After(noticesPoll):
		}
	}
}

// complain warns, at most once a minute of the same (LOG-3).
func (c *noticeCarrier) complain(message string, err error) {
	now := c.Now()
	c.mu.Lock()
	last, said := c.said[message]
	quiet := said && now.Sub(last).Abs() < time.Minute
	if !quiet {
		c.said[message] = now
	}
	c.mu.Unlock()
	if !quiet {
		c.log.Warn(message, "err", err)
	}
}

// A faultError is a panic that ended the work on one notice, not the node (HTTP-3).
type faultError struct {
	fault any
	stack []byte
}

func (e *faultError) Error() string { return fmt.Sprint("panic: ", e.fault) }

func safely(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = &faultError{r, debug.Stack()}
		}
	}()
	return f()
}

// A hookError is an answer of the webhook that is no yes.
type hookError struct {
	host   string
	result *activitypub.PostResult
}

func (e *hookError) Error() string {
	return fmt.Sprintf("%s answered %d %s", e.host, e.result.Status, http.StatusText(e.result.Status))
}

// failure says whether only this was not taken: 410 for good, and what is too much or wrong in itself later again.
func (e *hookError) failure() node.Failure {
	s := e.result.Status
	return node.Failure{
		Reason: e.Error(), After: e.result.RetryAfter, Final: s == http.StatusGone,
		All: s == http.StatusTooManyRequests || s == http.StatusServiceUnavailable || s == http.StatusUnauthorized || s == http.StatusForbidden || s == http.StatusNotFound || s/100 == 3,
	}
}
