package ui

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/coopnode/coopnode/node"
)

const auditPage = 50

// audit handles GET /console/audit: who did what.
func (u *ui) audit(c echo.Context, d *desk) error {
	ctx := c.Request().Context()
	var before int64
	if s := c.QueryParam("before"); s != "" {
		var err error
		if before, err = strconv.ParseInt(s, 10, 64); err != nil {
			return &node.Error{Op: "read page", Kind: node.Invalid}
		}
	}
	list, err := d.node.AuditLog(ctx, node.AuditQuery{Before: before, Limit: auditPage})
	if err != nil {
		return err
	}
	next := ""
	if len(list) == auditPage {
		next = strconv.FormatInt(list[len(list)-1].Seq, 10)
	}
	return d.show(c, unlisted(say(ctx, "menu.audit")), auditBody(d, list, d.first(), d.older(next)))
}

// actionName says what was done in words; what a later version did is shown as it is called.
func actionName(ctx context.Context, action string) string {
	if !strings.Contains(action, ".") { // what was said to others: its text has the name of the activity
		action = capital(action)
	}
	return sayKnown(ctx, "audit.did.", action)
}

// auditText is what else there is to say: of somebody who came, from which browser.
func auditText(ctx context.Context, e *node.AuditEntry) string {
	switch {
	case strings.HasPrefix(e.Action, "session."):
		return agentName(ctx, e.Text)
	case e.Action == "person.role" || e.Action == "person.invite":
		return sayKnown(ctx, "role.", e.Text)
	}
	return plainName(e.Text)
}

// doerName is who did it: a person by name, or a command of a user of the machine.
func doerName(ctx context.Context, e *node.AuditEntry) string {
	if user, ok := strings.CutPrefix(e.Name, "command:"); ok {
		return say(ctx, "audit.command", plainName(user))
	}
	return plainName(e.Name)
}

// exactly says a day and an hour, for what happened and was not planned.
func exactly(ctx context.Context, t time.Time) string {
	return say(ctx, "date.moment", day(ctx, t), t.UTC().Format("15:04"))
}
