package ui

import (
	"context"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/coopnode/coopnode/node"
)

// noticesPage is what somebody hears of, and what it was told lately.
type noticesPage struct {
	Kinds  []node.NoticeKind
	Chosen map[node.NoticeKind]node.NoticeChoice
	Mails  bool // mail is set up
	Lately []*node.Notice
	Errs   fieldErrors
}

const (
	noticesPath   = "/console/notices"
	noticesLately = 20
)

// notices handles GET /console/notices.
func (u *ui) notices(c echo.Context, d *desk) error { return d.showNotices(c, nil, nil) }

// showNotices shows the choices of d's person, those typed last where there are some.
func (d *desk) showNotices(c echo.Context, typed map[node.NoticeKind]node.NoticeChoice, errs fieldErrors) error {
	ctx := c.Request().Context()
	p := &noticesPage{Kinds: node.NoticeKinds(d.person.Role), Chosen: typed, Errs: errs}
	var err error
	if typed == nil {
		if p.Chosen, err = d.node.ChoicesOf(ctx, d.person); err != nil {
			return err
		}
	}
	if p.Mails, err = d.node.SendsMail(ctx); err != nil {
		return err
	}
	if p.Lately, err = d.node.Notices(ctx, node.NoticeQuery{To: d.person.ID, Limit: noticesLately}); err != nil {
		return err
	}
	h := unlisted(say(ctx, "menu.notices"))
	if len(errs) > 0 {
		return d.refuse(c, h, noticesBody(d, p), errs)
	}
	return d.show(c, h, noticesBody(d, p))
}

// chooseNotices handles POST /console/notices.
func (u *ui) chooseNotices(c echo.Context, d *desk) error {
	choices := map[node.NoticeKind]node.NoticeChoice{}
	for _, kind := range node.NoticeKinds(d.person.Role) {
		choices[kind] = node.NoticeChoice(c.FormValue(string(kind)))
	}
	if err := d.node.ChooseNotices(c.Request().Context(), d.person.ID, choices); err != nil {
		errs, err := d.wrong(c, err)
		if err != nil {
			return err
		}
		return d.showNotices(c, choices, errs)
	}
	return d.done(c, noticesPath, "notices.saved")
}

// noticeChoices are the ways in which one can hear of something.
func noticeChoices(ctx context.Context) (list []option) {
	for _, choice := range node.NoticeChoices {
		list = append(list, option{string(choice), say(ctx, "notices.choice."+string(choice))})
	}
	return list
}

func (u *ui) mountNotices(e *echo.Echo) {
	u.console(e, http.MethodGet, noticesPath, node.RoleReader, u.notices)
	u.console(e, http.MethodPost, noticesPath, node.RoleReader, u.chooseNotices)
	u.console(e, http.MethodGet, mailingPath, node.RoleSteward, u.mailing)
	u.console(e, http.MethodPost, mailingPath, node.RoleSteward, u.saveMailing)
	u.console(e, http.MethodPost, mailingPath+"/end", node.RoleSteward, u.endMailing)
	u.console(e, http.MethodPost, mailingPath+"/test", node.RoleSteward, u.testMailing)
	u.console(e, http.MethodPost, mailingPath+"/webhook", node.RoleSteward, u.saveWebhook)
	u.console(e, http.MethodPost, mailingPath+"/webhook/end", node.RoleSteward, u.endWebhook)
	u.console(e, http.MethodPost, mailingPath+"/webhook/test", node.RoleSteward, u.testWebhook)
}
