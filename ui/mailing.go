package ui

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/coopnode/coopnode/node"
)

// mailingPath is where stewards say how this node sends mail, and where the webhook is.
const mailingPath = "/console/settings/mail"

// mailForm is how mail is to be sent, as it was typed.
type mailForm struct {
	Host, Port, Security, User, From, Name, ReplyTo string
	Exposed                                         bool
	Has                                             bool // mail is set up
	Errs                                            fieldErrors
}

// hookForm is where the webhook is and of what it hears.
type hookForm struct {
	Address string
	Kinds   []node.NoticeKind
	Secret  string // as programs take it; "" where there is no webhook
	Errs    fieldErrors
}

// mailingPage is both, with what could not be sent.
type mailingPage struct {
	Mail    *mailForm
	Webhook *hookForm
	Test    string // mail address for a test
	Trouble []*node.Notice
	Names   map[string]string // of people, by id
}

const mailingTrouble = 20 // of what could not be sent, the newest

// mailing handles GET /console/settings/mail.
func (u *ui) mailing(c echo.Context, d *desk) error { return d.showMailing(c, nil, nil, nil) }

// showMailing shows the settings, or a form that was refused in their place; errs is what is wrong besides.
func (d *desk) showMailing(c echo.Context, mail *mailForm, hook *hookForm, errs fieldErrors) error {
	ctx := c.Request().Context()
	p := &mailingPage{Mail: mail, Webhook: hook, Test: d.person.Mail, Names: map[string]string{}}
	m, err := d.node.MailSettings(ctx)
	if err != nil {
		return err
	}
	if p.Mail == nil {
		p.Mail = mailFormOf(m)
	}
	p.Mail.Has = m != nil
	w, err := d.node.Webhook(ctx)
	if err != nil {
		return err
	}
	if p.Webhook == nil {
		p.Webhook = &hookForm{Kinds: node.NoticeKinds(node.RoleSteward)}
		if w != nil {
			p.Webhook.Address, p.Webhook.Kinds = w.Address, w.Kinds
		}
	}
	if w != nil && d.ui.opt.Sending.WebhookSecret != nil {
		p.Webhook.Secret = d.ui.opt.Sending.WebhookSecret(w.Secret)
	}
	for _, state := range []node.NoticeState{node.NoticeGivenUp, node.NoticeRefused, node.NoticeWaiting} {
		list, err := d.node.Notices(ctx, node.NoticeQuery{State: state, Limit: mailingTrouble})
		if err != nil {
			return err
		}
		for _, t := range list {
			if state != node.NoticeWaiting || t.Attempts > 0 {
				p.Trouble = append(p.Trouble, t)
			}
		}
	}
	people, err := d.node.People(ctx)
	if err != nil {
		return err
	}
	for _, one := range people {
		p.Names[one.ID] = one.Name
	}
	errs = slices.Concat(p.Mail.Errs, p.Webhook.Errs, errs)
	h := unlisted(say(ctx, "mailing.title"))
	if len(errs) > 0 {
		return d.refuse(c, h, mailingBody(d, p), errs)
	}
	return d.show(c, h, mailingBody(d, p))
}

func mailFormOf(m *node.MailSettings) *mailForm {
	if m == nil {
		return &mailForm{Port: "587", Security: string(node.MailSTARTTLS)}
	}
	return &mailForm{Host: m.Host, Port: strconv.Itoa(m.Port), Security: string(m.Security), User: m.User, From: m.From, Name: m.Name, ReplyTo: m.ReplyTo, Exposed: m.Exposed}
}

// saveMailing handles POST /console/settings/mail. Links to sign in go through that server, so the password is asked for (AUTHZ-2).
func (u *ui) saveMailing(c echo.Context, d *desk) error {
	ctx := c.Request().Context()
	value := func(name string) string { return strings.TrimSpace(c.FormValue(name)) }
	f := &mailForm{Host: value("host"), Port: value("port"), Security: c.FormValue("security"), User: value("user"),
		From: value("from"), Name: value("name"), ReplyTo: value("reply"), Exposed: c.FormValue("exposed") != ""}
	m := &node.MailSettings{Host: f.Host, Security: node.MailSecurity(f.Security), User: f.User, Password: c.FormValue("secret"),
		From: f.From, Name: f.Name, ReplyTo: f.ReplyTo, Exposed: f.Exposed}
	var err error
	if m.Port, err = strconv.Atoi(f.Port); err != nil {
		f.Errs.add("port", say(ctx, "mailing.port.wrong"))
		return d.showMailing(c, f, nil, nil)
	}
	if err := m.Validate(); err != nil {
		return d.refuseMailing(c, f, err)
	}
	if ok, err := d.confirmed(c); !ok {
		return err
	}
	if err := d.node.SetMail(ctx, d.by(), m); err != nil {
		return d.refuseMailing(c, f, err)
	}
	return d.done(c, mailingPath, "mailing.saved")
}

func (d *desk) refuseMailing(c echo.Context, f *mailForm, err error) error {
	if f.Errs, err = d.wrong(c, err); err != nil {
		return err
	}
	return d.showMailing(c, f, nil, nil)
}

// endMailing handles POST /console/settings/mail/end.
func (u *ui) endMailing(c echo.Context, d *desk) error {
	if err := d.node.SetMail(c.Request().Context(), d.by(), nil); err != nil {
		return err
	}
	return d.done(c, mailingPath, "mailing.ended")
}

// testMailing handles POST /console/settings/mail/test.
func (u *ui) testMailing(c echo.Context, d *desk) error {
	to := strings.TrimSpace(c.FormValue("to"))
	return d.tried(c, to, func(ctx context.Context) error { return u.opt.Sending.TestMail(ctx, to, tongueOf(ctx).tag.String()) })
}

// testWebhook handles POST /console/settings/mail/webhook/test.
func (u *ui) testWebhook(c echo.Context, d *desk) error {
	return d.tried(c, say(c.Request().Context(), "mailing.webhook"), u.opt.Sending.TestWebhook)
}

// tried makes a test and says what came of it.
func (d *desk) tried(c echo.Context, to string, test func(context.Context) error) error {
	if err := test(c.Request().Context()); err != nil {
		errs, err := d.wrong(c, err)
		if err != nil {
			return err
		}
		return d.showMailing(c, nil, nil, errs)
	}
	return d.done(c, mailingPath, "mailing.test.done", to)
}

// saveWebhook handles POST /console/settings/mail/webhook.
func (u *ui) saveWebhook(c echo.Context, d *desk) error {
	f := &hookForm{Address: strings.TrimSpace(c.FormValue("address"))}
	for _, kind := range c.Request().PostForm["kind"] {
		f.Kinds = append(f.Kinds, node.NoticeKind(kind))
	}
	if ok, err := d.confirmed(c); !ok {
		return err
	}
	w := &node.WebhookSettings{Address: f.Address, Kinds: f.Kinds}
	if err := d.node.SetWebhook(c.Request().Context(), d.by(), w, c.FormValue("fresh") != ""); err != nil {
		if f.Errs, err = d.wrong(c, err); err != nil {
			return err
		}
		return d.showMailing(c, nil, f, nil)
	}
	return d.done(c, mailingPath, "mailing.saved")
}

// endWebhook handles POST /console/settings/mail/webhook/end.
func (u *ui) endWebhook(c echo.Context, d *desk) error {
	if err := d.node.SetWebhook(c.Request().Context(), d.by(), nil, false); err != nil {
		return err
	}
	return d.done(c, mailingPath, "mailing.webhook.ended")
}

// mailSecurities are the ways in which the connection to the mail server is kept secret.
func mailSecurities(ctx context.Context) (list []pick) {
	for _, s := range node.MailSecurities {
		list = append(list, pick{string(s), say(ctx, "mailing.security."+string(s)), say(ctx, "mailing.security."+string(s)+".hint")})
	}
	return list
}
