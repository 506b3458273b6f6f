package ui

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"github.com/coopnode/coopnode/node"
)

func (u *ui) mountDeliveries(e *echo.Echo) {
	const path = deliveriesPath
	u.console(e, http.MethodGet, path, node.RoleReader, shows(deliveriesPage))
	u.console(e, http.MethodGet, path+"/:id", node.RoleReader, carriedPage)
	u.console(e, http.MethodPost, path+"/retry", node.RoleEditor, retryDeliveries)
	u.console(e, http.MethodPost, path+"/drop", node.RoleSteward, dropDeliveries)
	u.console(e, http.MethodPost, path+"/resume", node.RoleSteward, resumeDeliveries)
}

const (
	deliveriesPath = "/console/deliveries"
	hoursShown     = 24
	hostsShown     = 100
	carriedShown   = 12
	waitingShown   = 200
)

// A deliveriesView is how letters fare.
type deliveriesView struct {
	Queue   *node.QueueStatus
	Paused  time.Time
	Hours   []*node.DeliveryHour
	Sum     node.DeliveryHour // of all hours
	Peers   []*waitingPeer
	Carried []*carried
}

// A waitingPeer is a server for which letters wait, since the oldest of them.
type waitingPeer struct {
	*node.Peer
	Since time.Time
}

// carried is something of ours, and whom it has reached.
type carried struct {
	*entry
	Reached, Waiting, Refused int
}

// arrivedShare says how many in a hundred arrived of those that are done with; "" where there were none.
func (v *deliveriesView) arrivedShare(ctx context.Context) string {
	good := v.Sum.Arrived + v.Sum.Retried
	if good+v.Sum.Ended == 0 {
		return "–"
	}
	tenths := good * 1000 / (good + v.Sum.Ended)
	return say(ctx, "delivery.percent", number(ctx, float64(tenths)/10))
}

func deliveriesPage(c echo.Context, d *desk) (head, templ.Component, error) {
	ctx := c.Request().Context()
	v := &deliveriesView{}
	var err error
	if v.Queue, err = d.node.QueueStatus(ctx); err != nil {
		return head{}, nil, err
	}
	if v.Paused, err = node.PausedSince(ctx, d.node.Store()); err != nil {
		return head{}, nil, err
	}
	if v.Hours, err = d.node.DeliveryHours(ctx, hoursShown); err != nil {
		return head{}, nil, err
	}
	v.Sum = sumOfHours(v.Hours)
	peers, err := d.node.Peers(ctx, hostsShown)
	if err != nil {
		return head{}, nil, err
	}
	for _, p := range peers {
		oldest, err := d.node.Deliveries(ctx, node.DeliveryQuery{Host: p.Host, Limit: 1})
		if err != nil {
			return head{}, nil, err
		}
		w := &waitingPeer{Peer: p}
		if len(oldest) > 0 {
			w.Since = oldest[0].Created
		}
		v.Peers = append(v.Peers, w)
	}
	objects, _, err := d.node.Objects(ctx, node.ObjectQuery{Local: true, Limit: carriedShown})
	if err != nil {
		return head{}, nil, err
	}
	for _, o := range objects {
		e, err := d.entryOf(ctx, o)
		if err != nil {
			return head{}, nil, err
		}
		acts, err := d.node.Store().Acts(ctx, node.ActQuery{Object: e.Base.IRI, Limit: 200})
		if err != nil {
			return head{}, nil, err
		}
		one := &carried{entry: e}
		for _, a := range acts {
			one.Waiting += a.Waiting
			if a.Verb == node.Create {
				one.Reached, one.Refused = a.Reached, a.Refused
			}
		}
		v.Carried = append(v.Carried, one)
	}
	return unlisted(say(ctx, "delivery.title")), deliveriesBody(d, v), nil
}

// carriedPage shows what was said about one thing, or about the coop itself, and whom it has reached.
func carriedPage(c echo.Context, d *desk) error {
	ctx := c.Request().Context()
	title, iri := say(ctx, "delivery.profile"), d.self.IRI
	if id := c.Param("id"); id != "profile" {
		o, err := d.node.Object(ctx, id)
		if err != nil {
			return err
		}
		b := o.Common()
		if !node.IsID(id) || !b.Local {
			return &node.Error{Op: "show deliveries", Kind: node.NotFound, Subject: id}
		}
		title, iri = nameOf(ctx, d.text(b.Texts)), b.IRI
	}
	acts, err := d.node.Store().Acts(ctx, node.ActQuery{Object: iri, Limit: 100})
	if err != nil {
		return err
	}
	waiting, err := d.node.Deliveries(ctx, node.DeliveryQuery{Object: iri, Limit: waitingShown})
	if err != nil {
		return err
	}
	return d.show(c, unlisted(title), carriedBody(d, title, iri, acts, waiting))
}

// narrowed reads which letters a form is about: those to a host, or about a thing; all, where it says so.
func narrowed(c echo.Context) (node.DeliveryQuery, error) {
	q := node.DeliveryQuery{Host: c.FormValue("host"), Object: c.FormValue("object")}
	if q == (node.DeliveryQuery{}) && c.FormValue("all") == "" {
		return q, &node.Error{Op: "read form", Kind: node.Invalid}
	}
	return q, nil
}

func retryDeliveries(c echo.Context, d *desk) error {
	q, err := narrowed(c)
	if err != nil {
		return err
	}
	n, err := d.node.RetryDeliveries(c.Request().Context(), d.by(), q)
	if err != nil {
		return err
	}
	return d.doneCount(c, deliveriesPath, "delivery.retried", n)
}

func dropDeliveries(c echo.Context, d *desk) error {
	q, err := narrowed(c)
	if err != nil {
		return err
	}
	if ok, err := d.confirmed(c); !ok {
		return err
	}
	n, err := d.node.DropDeliveries(c.Request().Context(), d.by(), q)
	if err != nil {
		return err
	}
	return d.doneCount(c, deliveriesPath, "delivery.dropped", n)
}

func resumeDeliveries(c echo.Context, d *desk) error {
	if ok, err := d.confirmed(c); !ok {
		return err
	}
	if err := d.node.ResumeDeliveries(c.Request().Context(), d.by()); err != nil {
		return err
	}
	return d.done(c, deliveriesPath, "delivery.resumed")
}

// troubles are the reasons that the queue keeps, and the ends of the keys of what people are told.
var troubles = map[string]string{
	"no such name":                   "name",
	"name server does not answer":    "dns",
	"no answer in time":              "slow",
	"connection refused":             "refused",
	"no trusted TLS connection":      "tls",
	"connection failed":              "connection",
	"this node could not send":       "own",
	"a fault in this program":        "own",
	"the letter is no longer stored": "gone",
}

// troubleText says in plain words why a letter has not arrived; "" where nothing went wrong.
func troubleText(ctx context.Context, reason string) string {
	reason = strings.TrimPrefix(reason, "given up after 7 days: ")
	if reason == "" {
		return ""
	}
	if word, known := troubles[reason]; known {
		return say(ctx, "trouble."+word)
	}
	if strings.HasPrefix(reason, "address not allowed") {
		return say(ctx, "trouble.address")
	}
	code, answered := strings.CutPrefix(reason, "answered ")
	status, err := strconv.Atoi(code)
	if !answered || err != nil {
		return plainName(reason)
	}
	switch {
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return say(ctx, "trouble.forbidden", status)
	case status == http.StatusNotFound || status == http.StatusGone:
		return say(ctx, "trouble.nobody", status)
	case status == http.StatusTooManyRequests:
		return say(ctx, "trouble.busy", status)
	case status >= http.StatusInternalServerError:
		return say(ctx, "trouble.broken", status)
	}
	return say(ctx, "trouble.answered", status)
}

// A barPart is one piece of a bar in the drawing of hours, from the top of the drawing.
type barPart struct{ Class, X, Y, Height string }

// Measures of the drawing of hours; it is stretched to the width of the page.
const (
	barsWidth  = 480.0
	barsHeight = 100.0
)

// bars are the pieces of the drawing of some hours: what arrived at the bottom, what waits on top.
func bars(hours []*node.DeliveryHour) (parts []barPart, most int) {
	for _, h := range hours {
		most = max(most, h.Arrived+h.Retried+h.Waiting)
	}
	if most == 0 {
		return nil, 0
	}
	decimal := func(f float64) string { return strconv.FormatFloat(f, 'f', 1, 64) }
	step := barsWidth / float64(len(hours))
	for i, h := range hours {
		top := barsHeight
		for _, part := range []struct {
			class string
			n     int
		}{{"arrived", h.Arrived}, {"retried", h.Retried}, {"waiting", h.Waiting}} {
			if part.n == 0 {
				continue
			}
			height := max(float64(part.n)*barsHeight/float64(most), 1.5)
			top -= height
			parts = append(parts, barPart{part.class, decimal(float64(i)*step + 1.5), decimal(max(top, 0)), decimal(height)})
		}
	}
	return parts, most
}

func barWidth(hours []*node.DeliveryHour) string {
	return strconv.FormatFloat(barsWidth/float64(len(hours))-3, 'f', 1, 64)
}

func clock(t time.Time) string { return t.UTC().Format("15:04") }

// sumOfHours is what became of letters in all those hours.
func sumOfHours(hours []*node.DeliveryHour) (sum node.DeliveryHour) {
	for _, h := range hours {
		sum.Arrived += h.Arrived
		sum.Retried += h.Retried
		sum.Ended += h.Ended
		sum.Waiting += h.Waiting
	}
	return sum
}
