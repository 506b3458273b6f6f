package ui

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/coopnode/coopnode/node"
)

// accountForm is what somebody wants to be called, and in which language to be spoken to.
type accountForm struct {
	Name, Mail, Lang string
	Errs             fieldErrors
	Languages        []option
}

// account handles GET /console/account.
func (u *ui) account(c echo.Context, d *desk) error {
	return d.showAccount(c, &accountForm{Name: d.person.Name, Mail: d.person.Mail, Lang: d.person.Lang})
}

func (d *desk) showAccount(c echo.Context, f *accountForm) error {
	ctx := c.Request().Context()
	f.Languages = []option{{"", say(ctx, "account.language.any")}}
	for _, t := range d.tongues {
		name := capital(t.name)
		if t.draft {
			name = say(ctx, "account.language.draft", name)
		}
		f.Languages = append(f.Languages, option{t.tag.String(), name})
	}
	h := unlisted(say(ctx, "menu.account"))
	if len(f.Errs) > 0 {
		return d.refuse(c, h, accountBody(d, f), f.Errs)
	}
	return d.show(c, h, accountBody(d, f))
}

// saveAccount handles POST /console/account.
func (u *ui) saveAccount(c echo.Context, d *desk) error {
	ctx := c.Request().Context()
	f := &accountForm{Name: strings.TrimSpace(c.FormValue("name")), Mail: strings.TrimSpace(c.FormValue("mail")), Lang: c.FormValue("lang")}
	known := slices.ContainsFunc(d.tongues, func(t *tongue) bool { return t.tag.String() == f.Lang })
	switch {
	case f.Name == "":
		f.Errs.add("name", say(ctx, "person.name.missing"))
	case f.Lang != "" && !known:
		f.Errs.add("lang", say(ctx, "account.language.wrong"))
	}
	if len(f.Errs) > 0 {
		return d.showAccount(c, f)
	}
	if f.Mail != d.person.Mail { // links to sign in go there
		if ok, err := d.confirmed(c); !ok {
			return err
		}
	}
	_, err := d.node.SetPerson(ctx, d.by(), d.person.ID, func(p *node.Person) { p.Name, p.Mail, p.Lang = f.Name, f.Mail, f.Lang })
	if err != nil {
		if f.Errs, err = d.wrong(c, err); err != nil {
			return err
		}
		return d.showAccount(c, f)
	}
	return d.done(c, "/console/account", "account.saved")
}

// savePassword handles POST /console/account/password. It ends all other sessions (SES-5), and this one goes on with a
// new token (SES-3).
func (u *ui) savePassword(c echo.Context, d *desk) error {
	ctx := c.Request().Context()
	f := &accountForm{Name: d.person.Name, Mail: d.person.Mail, Lang: d.person.Lang}
	if wrong := flawOf(c.FormValue("password")); wrong != "" {
		f.Errs.add("password", say(ctx, "password.flaw."+string(wrong)))
		return d.showAccount(c, f)
	}
	if ok, err := d.confirmed(c); !ok {
		return err
	}
	sealed, err := u.hasher.seal(ctx, c.FormValue("password"))
	if err != nil {
		return err
	}
	if err := d.node.SetPassword(ctx, d.by(), d.person.ID, sealed, d.session.ID); err != nil {
		return err
	}
	if err := d.renew(c); err != nil {
		return err
	}
	return d.done(c, "/console/account", "account.password.saved")
}

// renew gives the session a new token; the old one does not count any more (SES-3).
func (d *desk) renew(c echo.Context) error {
	token, s, err := d.node.Confirm(c.Request().Context(), d.session.ID)
	if err != nil {
		return err
	}
	d.session = s
	d.ui.setCookie(c, d.ui.sessionCookie(), token)
	return nil
}

// sessions handles GET /console/sessions (SES-7).
func (u *ui) sessions(c echo.Context, d *desk) error {
	ctx := c.Request().Context()
	list, err := d.node.Sessions(ctx, d.person.ID)
	if err != nil {
		return err
	}
	return d.show(c, unlisted(say(ctx, "sessions.title")), sessionsBody(d, list))
}

// endSession handles POST /console/sessions/end.
func (u *ui) endSession(c echo.Context, d *desk) error {
	id := c.FormValue("session")
	if id == d.session.ID {
		return u.signOut(c, d)
	}
	if err := d.node.EndSession(c.Request().Context(), d.person.ID, id); err != nil && !node.IsNotFound(err) {
		return err
	}
	return d.done(c, "/console/sessions", "sessions.ended")
}

// endOthers handles POST /console/sessions/others.
func (u *ui) endOthers(c echo.Context, d *desk) error {
	if err := d.node.EndOtherSessions(c.Request().Context(), d.person.ID, d.session.ID); err != nil {
		return err
	}
	return d.done(c, "/console/sessions", "sessions.ended.all")
}

// The names by which browsers and systems give themselves away; the first that is found counts, for most browsers name
// others too.
var (
	browserMarks = [][2]string{{"Firefox/", "Firefox"}, {"FxiOS/", "Firefox"}, {"Edg", "Edge"}, {"OPR/", "Opera"}, {"Vivaldi/", "Vivaldi"},
		{"Chrome/", "Chrome"}, {"CriOS/", "Chrome"}, {"Safari/", "Safari"}, {"Lynx/", "Lynx"}, {"w3m/", "w3m"}, {"curl/", "curl"}}
	systemMarks = [][2]string{{"Android", "Android"}, {"iPhone", "iPhone"}, {"iPad", "iPad"}, {"Windows", "Windows"}, {"Mac OS X", "macOS"},
		{"CrOS", "ChromeOS"}, {"Linux", "Linux"}}
)

// agentName says in words which browser a session is in.
func agentName(ctx context.Context, agent string) string {
	find := func(marks [][2]string) string {
		for _, m := range marks {
			if strings.Contains(agent, m[0]) {
				return m[1]
			}
		}
		return ""
	}
	browser, system := find(browserMarks), find(systemMarks)
	switch {
	case browser != "" && system != "":
		return say(ctx, "sessions.agent", browser, system)
	case browser != "":
		return browser
	default:
		return say(ctx, "sessions.agent.unknown")
	}
}

func (u *ui) mountAccount(e *echo.Echo) {
	u.console(e, http.MethodGet, "/console/account", node.RoleReader, u.account)
	u.console(e, http.MethodPost, "/console/account", node.RoleReader, u.saveAccount)
	u.console(e, http.MethodPost, "/console/account/password", node.RoleReader, u.savePassword)
	u.console(e, http.MethodGet, "/console/sessions", node.RoleReader, u.sessions)
	u.console(e, http.MethodPost, "/console/sessions/end", node.RoleReader, u.endSession)
	u.console(e, http.MethodPost, "/console/sessions/others", node.RoleReader, u.endOthers)
}
