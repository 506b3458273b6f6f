package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/mail"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/coopnode/coopnode/activitypub"
	"github.com/coopnode/coopnode/node"
	"github.com/coopnode/coopnode/ui"
)

func noticeCommand(a *app) *cobra.Command {
	return group("notice", "What people and a webhook hear of, by mail and by request", noticeList(a), noticeTest(a), noticeSettings(a))
}

func noticeList(a *app) *cobra.Command {
	var q node.NoticeQuery
	var state, kind string
	cmd := &cobra.Command{
		Use: "list", Short: "What people and the webhook were told, and what waits, newest first", Args: argsBetween(0, 0),
		Long:    "Shows notices of the last 90 days: to whom, of what, and what became of them. With --state given-up those that could not be sent within three days.",
		Example: "  coopnode notice list\n  coopnode notice list --state waiting",
		RunE: a.on(func(ctx context.Context, h *house, _ []string) error {
			q.State, q.Kind = node.NoticeState(state), node.NoticeKind(kind)
			list, err := h.Notices(ctx, q)
			if err != nil {
				return err
			}
			if list == nil {
				list = []*node.Notice{}
			}
			if len(list) == 0 {
				a.tell("There are none.")
			}
			people, err := h.People(ctx)
			if err != nil {
				return err
			}
			names := map[string]string{}
			for _, p := range people {
				names[p.ID] = p.Name
			}
			return a.show(list, func(w io.Writer) {
				table(w, func(row func(...any)) {
					if len(list) > 0 {
						row("WHEN", "TO", "OF", "STATE", "TRIED", "NEXT", "WHY", "ABOUT")
					}
					for _, t := range list {
						to, next := t.To, "-"
						if name := names[t.To]; name != "" {
							to = name
						}
						if t.State == node.NoticeWaiting {
							next = moment(t.Due)
						}
						row(moment(t.Made), to, t.Kind, t.State, t.Attempts, next, dash(t.Reason), t.About)
					}
				})
			})
		}),
	}
	cmd.Flags().StringVar(&state, "state", "", "only those in this state: waiting, sent, refused, given-up, moot")
	cmd.Flags().StringVar(&kind, "kind", "", "only those of this kind: answer, mention, follower, application, invitation, report, delivery, backup, link")
	cmd.Flags().IntVar(&q.Limit, "limit", 40, "how many at most, 1 to 1000")
	return cmd
}

func noticeTest(a *app) *cobra.Command {
	var to string
	var hook bool
	cmd := &cobra.Command{
		Use: "test --to MAIL|--webhook", Short: "Send a test, at once, and say what came of it", Args: argsBetween(0, 0),
		Example: "  coopnode notice test --to ana@coop.example\n  coopnode notice test --webhook",
		RunE: a.on(func(ctx context.Context, h *house, _ []string) error {
			if (to == "") != hook {
				return wrongUse("Say to whom: --to MAIL, or --webhook.")
			}
			wire, err := h.wire(ctx, a.commandLog())
			if err != nil {
				return err
			}
			defer wire.Close()
			if hook {
				err = h.testWebhook(ctx, wire)
				to = "the webhook"
			} else {
				err = h.testMail(ctx, to, "")
			}
			if err != nil {
				return err
			}
			a.tell("It was taken. Look whether it has come to %s.", to)
			return a.show(map[string]string{"sent": to}, nil)
		}),
	}
	cmd.Flags().StringVar(&to, "to", "", "a mail address")
	cmd.Flags().BoolVar(&hook, "webhook", false, "the webhook")
	return cmd
}

// testPatience is how long somebody waits for a test.
const testPatience = 15 * time.Second

// testMail sends a mail that says that mail works. Errors: NotFound where no mail is set up, Invalid, Refused with
// what the mail server said.
func (h *house) testMail(ctx context.Context, to, lang string) error {
	const op = "test mail"
	address, err := mail.ParseAddress(to)
	if err != nil || address.Address != strings.TrimSpace(to) {
		return &node.Error{Op: op, Kind: node.Invalid, Text: fmt.Sprintf("%q is no mail address. Write it like ana@coop.example.", to)}
	}
	server, err := h.mailServer(ctx)
	if err != nil {
		return err
	}
	if server == nil {
		return &node.Error{Op: op, Kind: node.NotFound, Text: "No mail server is set up. See: coopnode help notices"}
	}
	ctx, cancel := context.WithTimeout(ctx, testPatience)
	defer cancel()
	us, err := h.Profile(ctx)
	if err != nil {
		return err
	}
	text, err := ui.TestMail(ctx, us, h.Links, lang)
	if err != nil {
		return err
	}
	message, err := server.message("test-"+node.NewID(), address.Address, "", us.Label(), "", text)
	if err != nil {
		return err
	}
	if err := server.send(ctx, message); err != nil {
		return &node.Error{Op: op, Kind: node.Refused, Text: "The mail was not taken. " + oneLine(err.Error()), Err: err}
	}
	return nil
}

// testWebhook tells the webhook of nothing but that it is told. Errors as testMail.
func (h *house) testWebhook(ctx context.Context, wire *activitypub.Wire) error {
	const op = "test webhook"
	to, err := h.Webhook(ctx)
	if err != nil {
		return err
	}
	if to == nil {
		return &node.Error{Op: op, Kind: node.NotFound, Text: "No webhook is set up. See: coopnode help notices"}
	}
	c := newNoticeCarrier(h, wire, h.Log())
	ctx, cancel := context.WithTimeout(ctx, testPatience)
	defer cancel()
	e := event{Type: "test", Timestamp: h.Now().Truncate(time.Second), Data: eventData{Node: h.Links.Actor()}}
	if err := c.postWebhook(ctx, to, "test-"+node.NewID(), e); err != nil {
		return &node.Error{Op: op, Kind: node.Refused, Text: "It was not taken. " + oneLine(err.Error()), Err: err}
	}
	return nil
}

// noticeFlags are what notice settings can change.
type noticeFlags struct {
	smtp, security, user, passwordFile, from, name, replyTo string
	exposed, noMail                                         bool

	webhook          string
	hears            []string
	fresh, noWebhook bool
}

func noticeSettings(a *app) *cobra.Command {
	var f noticeFlags
	cmd := &cobra.Command{
		Use: "settings", Short: "Through which server mail goes, and where the webhook is; show it or change it", Args: argsBetween(0, 0),
		Long: "Without flags it shows the settings. A password is read from a file, or with - from standard input; it is kept sealed and never shown. " +
			"More: coopnode help notices",
		Example: "  coopnode notice settings --smtp mail.coop.example:587 --user coop --password-file - --from coop@coop.example\n" +
			"  coopnode notice settings --smtp localhost:25 --security none --from coop@coop.example\n" +
			"  coopnode notice settings --webhook https://tools.coop.example/hook",
	}
	cmd.RunE = a.on(func(ctx context.Context, h *house, _ []string) error {
		changed := func(names ...string) bool {
			for _, n := range names {
				if cmd.Flags().Changed(n) {
					return true
				}
			}
			return false
		}
		if f.noMail || changed("smtp", "security", "user", "password-file", "from", "name", "reply-to", "without-encryption") {
			if err := a.setMail(ctx, h, &f, changed); err != nil {
				return err
			}
		}
		if f.noWebhook || changed("webhook", "hears", "new-secret") {
			if err := a.setWebhook(ctx, h, &f, changed); err != nil {
				return err
			}
		}
		return a.showNoticeSettings(ctx, h, changed("webhook", "new-secret"))
	})
	flags := cmd.Flags()
	flags.StringVar(&f.smtp, "smtp", "", "host and port of the mail server")
	flags.StringVar(&f.security, "security", "", "how the connection is kept secret: starttls, tls, none (on this machine)")
	flags.StringVar(&f.user, "user", "", "user at the mail server")
	flags.StringVar(&f.passwordFile, "password-file", "", "file with the password there, - for standard input")
	flags.StringVar(&f.from, "from", "", "mail address of the sender")
	flags.StringVar(&f.name, "name", "", "name of the sender, instead of the coop's")
	flags.StringVar(&f.replyTo, "reply-to", "", "mail address for answers to notices")
	flags.BoolVar(&f.exposed, "without-encryption", false, "accept that others on the way can read mails and password")
	flags.BoolVar(&f.noMail, "no-mail", false, "send no mail any more")
	flags.StringVar(&f.webhook, "webhook", "", "address that is told of what happens")
	flags.StringSliceVar(&f.hears, "hears", nil, "of what the webhook hears, instead of everything: answer, mention, ...")
	flags.BoolVar(&f.fresh, "new-secret", false, "draw a new secret for the webhook")
	flags.BoolVar(&f.noWebhook, "no-webhook", false, "tell the webhook nothing any more")
	return cmd
}

func (a *app) setMail(ctx context.Context, h *house, f *noticeFlags, changed func(...string) bool) error {
	if f.noMail {
		return h.SetMail(ctx, a.by(), nil)
	}
	m, err := h.MailSettings(ctx)
	if err != nil {
		return err
	}
	if m == nil {
		m = &node.MailSettings{Security: node.MailSTARTTLS}
	}
	m.Password = ""
	if changed("smtp") {
		host, port, err := net.SplitHostPort(f.smtp)
		if err == nil {
			m.Port, err = strconv.Atoi(port)
		}
		if err != nil {
			return wrongUse("Write host and port of the mail server: --smtp mail.coop.example:587")
		}
		m.Host = host
	}
	for _, t := range []struct {
		flag string
		from string
		to   *string
	}{{"user", f.user, &m.User}, {"from", f.from, &m.From}, {"name", f.name, &m.Name}, {"reply-to", f.replyTo, &m.ReplyTo}, {"security", f.security, (*string)(&m.Security)}} {
		if changed(t.flag) {
			*t.to = t.from
		}
	}
	if changed("without-encryption") {
		m.Exposed = f.exposed
	}
	if f.passwordFile != "" {
		text, err := a.readText(f.passwordFile)
		if err != nil {
			return err
		}
		m.Password = strings.TrimRight(text, "\r\n")
	}
	return h.SetMail(ctx, a.by(), m)
}

func (a *app) setWebhook(ctx context.Context, h *house, f *noticeFlags, changed func(...string) bool) error {
	if f.noWebhook {
		return h.SetWebhook(ctx, a.by(), nil, false)
	}
	w, err := h.Webhook(ctx)
	if err != nil {
		return err
	}
	if w == nil {
		w = &node.WebhookSettings{Kinds: node.NoticeKinds(node.RoleSteward)}
	}
	if changed("webhook") {
		w.Address = f.webhook
	}
	if changed("hears") {
		w.Kinds = nil
		for _, k := range f.hears {
			w.Kinds = append(w.Kinds, node.NoticeKind(k))
		}
	}
	return h.SetWebhook(ctx, a.by(), w, f.fresh)
}

// shownSettings are the settings as they are shown: no password, and the secret of the webhook only when it was made.
type shownSettings struct {
	Mail    *node.MailSettings    `json:"mail"`
	Webhook *node.WebhookSettings `json:"webhook"`
	Secret  string                `json:"secret,omitempty"`
}

func (a *app) showNoticeSettings(ctx context.Context, h *house, secret bool) error {
	var s shownSettings
	var err error
	if s.Mail, err = h.MailSettings(ctx); err != nil {
		return err
	}
	if s.Webhook, err = h.Webhook(ctx); err != nil {
		return err
	}
	if s.Webhook != nil && secret {
		s.Secret = activitypub.WebhookSecret(s.Webhook.Secret)
	}
	if s.Mail == nil && s.Webhook == nil {
		a.tell("Nothing is set up: nobody gets mail, and no webhook is told. See: coopnode help notices")
	}
	return a.show(s, func(w io.Writer) {
		table(w, func(row func(...any)) {
			if m := s.Mail; m != nil {
				row("mail server", net.JoinHostPort(m.Host, strconv.Itoa(m.Port))+" ("+string(m.Security)+")")
				row("user", dash(m.User))
				row("from", strings.TrimSpace(m.Name+" <"+m.From+">"))
				row("answers to", dash(m.ReplyTo))
			}
			if hook := s.Webhook; hook != nil {
				row("webhook", hook.Address)
				row("hears of", joined(hook.Kinds))
			}
			if s.Secret != "" {
				row("secret", s.Secret)
			}
		})
	})
}

// joined writes words one after another.
func joined[S ~string](list []S) string {
	words := make([]string, len(list))
	for i, s := range list {
		words[i] = string(s)
	}
	return strings.Join(words, ", ")
}
