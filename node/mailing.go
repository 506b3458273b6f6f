package node

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/mail"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"
)

// MailSettings say through which server this node sends mail, and in whose name.
type MailSettings struct {
	Host     string       `json:"host"` // of the mail server
	Port     int          `json:"port"`
	Security MailSecurity `json:"security"`
	// Exposed says that a person has agreed to mail without encryption through a server that is not on this machine.
	Exposed  bool   `json:"exposed,omitempty"`
	User     string `json:"user,omitempty"` // "" where the server wants no name
	Password string `json:"-"`              // sealed at rest (KEY-2), and never shown
	From     string `json:"from"`           // mail address
	Name     string `json:"name,omitempty"` // beside it; the name of the coop if ""
	ReplyTo  string `json:"replyTo,omitempty"`
}

// MailSecurity is how the connection to the mail server is kept secret.
type MailSecurity string

// The kinds of it. With the first two nothing is said, least of all the password, before the connection is encrypted and
// the server has shown a certificate for its name.
const (
	MailSTARTTLS MailSecurity = "starttls" // usually at port 587
	MailTLS      MailSecurity = "tls"      // from the first byte, usually at port 465
	MailPlain    MailSecurity = "none"     // for a server on this machine
)

// MailSecurities are all of them.
var MailSecurities = []MailSecurity{MailSTARTTLS, MailTLS, MailPlain}

// WebhookSettings say where a program of the coop hears of what happens.
type WebhookSettings struct {
	Address string       `json:"address"`
	Kinds   []NoticeKind `json:"kinds"` // of which it hears
	Secret  []byte       `json:"-"`     // with which requests are signed; sealed at rest
}

// Where the settings are kept, and their secrets.
const (
	settingMail    = "mail"
	settingWebhook = "webhook"
	secretMail     = "mail password"
	secretWebhook  = "webhook secret"
)

const webhookSecretBytes = 32

// Local says whether the mail server is on this machine.
func (m *MailSettings) Local() bool {
	if ip, err := netip.ParseAddr(m.Host); err == nil {
		return ip.IsLoopback()
	}
	return m.Host == "localhost" || strings.HasSuffix(m.Host, ".localhost")
}

// Validate checks the settings and brings them into the form that is kept. Errors: Invalid.
func (m *MailSettings) Validate() error {
	const op = "check mail settings"
	m.Host, m.User = strings.ToLower(strings.TrimSpace(m.Host)), strings.TrimSpace(m.User)
	m.From, m.Name, m.ReplyTo = strings.TrimSpace(m.From), strings.TrimSpace(m.Name), strings.TrimSpace(m.ReplyTo)
	_, noIP := netip.ParseAddr(m.Host)
	switch {
	case noIP != nil && !isHostName(m.Host):
		return wrong(op, "mail.host", "%q is not the name of a mail server. Write it like mail.coop.example.", m.Host)
	case m.Port < 1 || m.Port > 65535:
		return wrong(op, "mail.port", "The port of a mail server is a number from 1 to 65535: 587 with STARTTLS, 465 with TLS.")
	case !slices.Contains(MailSecurities, m.Security):
		return invalid(op, fmt.Sprintf("The connection is kept secret by %s, not by %q.", listOf(MailSecurities), m.Security))
	case m.Security == MailPlain && !m.Local() && !m.Exposed:
		return wrong(op, "mail.exposed", "%s is not this machine, and without encryption everybody on the way can read the mails and the password. Choose starttls or tls, or say that you accept that.", m.Host)
	case !isMail(m.From):
		return wrong(op, "mail.from", "%q cannot be the sender. Write a mail address like coop@coop.example.", m.From)
	case m.ReplyTo != "" && !isMail(m.ReplyTo):
		return wrong(op, "mail.replies", "%q cannot take answers. Write a mail address like ana@coop.example, or leave it empty.", m.ReplyTo)
	case strings.ContainsFunc(m.Name+m.User+m.Password, unicode.IsControl):
		return wrong(op, "mail.lines", "Name, user and password are each one line.")
	case len(m.Name) > 200 || len(m.User) > 200 || len(m.Password) > 500:
		return invalid(op, "A name or user has at most 200 bytes, a password 500.")
	}
	return nil
}

// isMail says whether s is a mail address alone: one line, one address, no name beside it.
func isMail(s string) bool {
	a, err := mail.ParseAddress(s)
	return err == nil && a.Address == s && a.Name == "" && len(s) <= maxMail
}

// Validate checks the settings. Errors: Invalid.
func (w *WebhookSettings) Validate(dev bool) error {
	const op = "check webhook settings"
	u, err := url.Parse(w.Address)
	if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" || len(w.Address) > 2048 || u.Scheme != "https" && !(dev && u.Scheme == "http") {
		return wrong(op, "webhook.address", "%q cannot take a webhook. Write an address like https://tools.coop.example/hook.", w.Address)
	}
	for _, k := range w.Kinds {
		if kinds := NoticeKinds(RoleSteward); !slices.Contains(kinds, k) {
			return invalid(op, fmt.Sprintf("A webhook hears of %s, not of %q.", listOf(kinds), k))
		}
	}
	if len(w.Kinds) == 0 {
		return wrong(op, "webhook.kinds", "Say of what the webhook hears.")
	}
	return nil
}

// MailSettings are the settings with which mail is sent, with the password; nil where none are set.
func (n *Node) MailSettings(ctx context.Context) (*MailSettings, error) {
	m, err := mailSettings(ctx, n.store)
	if err != nil || m == nil || m.User == "" {
		return m, err
	}
	secret, err := n.store.Secret(ctx, secretMail)
	m.Password = string(secret)
	return m, err
}

// SendsMail says whether mail is set up.
func (n *Node) SendsMail(ctx context.Context) (bool, error) {
	m, err := mailSettings(ctx, n.store)
	return m != nil, err
}

func mailSettings(ctx context.Context, r Reader) (*MailSettings, error) {
	return settings[MailSettings](ctx, r, settingMail)
}

// SetMail sets how mail is sent, or ends it with nil. An empty password stays what it was, but only for the same user at the
// same server: else whoever may change the settings could have it sent to a server of theirs. by names who did it. Errors:
// Invalid.
func (n *Node) SetMail(ctx context.Context, by string, m *MailSettings) error {
	if m != nil {
		if err := m.Validate(); err != nil {
			return err
		}
	}
	now := n.Now()
	err := n.store.Tx(ctx, func(tx Tx) error {
		old, err := mailSettings(ctx, tx)
		if err != nil {
			return err
		}
		if m == nil {
			if err := tx.SetSetting(ctx, settingMail, ""); err != nil {
				return err
			}
			if err := tx.DropSecret(ctx, secretMail); err != nil {
				return err
			}
			return n.note(ctx, tx, by, "mail.end", "", "", now)
		}
		switch keeps := old != nil && old.User != "" && old.User == m.User && old.Host == m.Host && old.Port == m.Port && old.Security == m.Security; {
		case m.User == "":
			err = tx.DropSecret(ctx, secretMail)
		case m.Password != "":
			err = tx.SaveSecret(ctx, secretMail, []byte(m.Password))
		case !keeps:
			err = wrong("set mail", "mail.password", "Write the password of %s as well: it was not given for this user at this server.", m.User)
		}
		if err != nil {
			return err
		}
		if err := saveSettings(ctx, tx, settingMail, m); err != nil {
			return err
		}
		return n.note(ctx, tx, by, "mail.set", m.Host, m.From, now)
	})
	if err == nil {
		n.opt.Log.InfoContext(ctx, "mail settings changed", "on", m != nil, "by", by) // LOG-2
	}
	n.changed(err)
	return err
}

// Webhook are the settings of the webhook, with its secret; nil where there is none.
func (n *Node) Webhook(ctx context.Context) (*WebhookSettings, error) {
	w, err := webhook(ctx, n.store)
	if err != nil || w == nil {
		return nil, err
	}
	w.Secret, err = n.store.Secret(ctx, secretWebhook)
	return w, err
}

func webhook(ctx context.Context, r Reader) (*WebhookSettings, error) {
	return settings[WebhookSettings](ctx, r, settingWebhook)
}

// SetWebhook sets where the webhook is and of what it hears, or ends it with nil. Its secret is drawn anew where there is
// none, where the address changes, and where fresh says so. by names who did it. Errors: Invalid.
func (n *Node) SetWebhook(ctx context.Context, by string, w *WebhookSettings, fresh bool) error {
	secret := make([]byte, webhookSecretBytes)
	rand.Read(secret) // never fails (crypto/rand)
	if w != nil {
		if err := w.Validate(n.Dev); err != nil {
			return err
		}
	}
	now := n.Now()
	err := n.store.Tx(ctx, func(tx Tx) error {
		old, err := webhook(ctx, tx)
		if err != nil {
			return err
		}
		if w == nil {
			if err := tx.SetSetting(ctx, settingWebhook, ""); err != nil {
				return err
			}
			if err := tx.DropSecret(ctx, secretWebhook); err != nil {
				return err
			}
			return n.note(ctx, tx, by, "webhook.end", "", "", now)
		}
		if fresh || old == nil || old.Address != w.Address {
			if err := tx.SaveSecret(ctx, secretWebhook, secret); err != nil {
				return err
			}
		}
		if err := saveSettings(ctx, tx, settingWebhook, w); err != nil {
			return err
		}
		return n.note(ctx, tx, by, "webhook.set", HostOf(w.Address), "", now) // the rest of the address may be a secret
	})
	if err == nil {
		n.opt.Log.InfoContext(ctx, "webhook settings changed", "on", w != nil, "by", by) // LOG-2
	}
	n.changed(err)
	return err
}

// settings reads settings that are kept as JSON, nil where there are none.
func settings[T any](ctx context.Context, r Reader, key string) (*T, error) {
	text, err := r.Setting(ctx, key)
	if IsNotFound(err) || err == nil && text == "" {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	v := new(T)
	if err := json.Unmarshal([]byte(text), v); err != nil {
		return nil, &Error{Op: "read settings", Kind: Damaged, Subject: key, Err: err}
	}
	return v, nil
}

func saveSettings(ctx context.Context, tx Tx, key string, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return tx.SetSetting(ctx, key, string(text))
}

// mailLink has a link that works once sent to whom it is for, in the transaction that makes it. false where no mail goes: none
// is set up, the person has no address, or has got enough of them.
func (n *Node) mailLink(ctx context.Context, tx Tx, p *Person, token string, expires, now time.Time) (bool, error) {
	if m, err := mailSettings(ctx, tx); err != nil || m == nil || p.Mail == "" {
		return false, err
	}
	sent, err := tx.CountNotices(ctx, NoticeQuery{To: p.ID, Kind: NoticeLink, Since: now.Add(-time.Hour)})
	if err != nil || sent >= linksAnHour {
		return false, err
	}
	t := &Notice{ID: NewID(), To: p.ID, Kind: NoticeLink, Made: now, Due: now, Expires: now.Add(noticeGivenUp), State: NoticeWaiting}
	t.About = t.ID
	if expires.Before(t.Expires) {
		t.Expires = expires
	}
	if err := tx.AddNotice(ctx, t); err != nil {
		return false, err
	}
	return true, tx.SealNotice(ctx, t.ID, []byte(token))
}
