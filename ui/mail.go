package ui

import (
	"context"
	"strings"

	"github.com/a-h/templ"
	"golang.org/x/text/language"

	"github.com/coopnode/coopnode/node"
)

// Mail is what one mail says, once as plain text and once as HTML, in one language.
type Mail struct {
	Subject, Text, HTML string
	Lang                string
}

// mailBody is what a mail says, before it is written as text and as HTML.
type mailBody struct {
	Subject string
	Parts   []mailPart
	Label   string // on the link that says what to do
	Link    string
	Foot    []string
	Choose  string // address of the page on which one chooses what to hear of; "" where there is no choice
}

// mailPart is one thing of which a mail tells.
type mailPart struct {
	Line  string
	Quote string // what was said by others
	Lang  string // of Quote, if it is known
	Link  string // in a digest
}

const (
	quotedAlone  = 1000 // characters of what was said, in a mail about that alone
	quotedAmong  = 240  // and in a digest
	subjectNames = 80   // characters of a name or title in a subject
)

// NoticeMail writes a mail of coop, which is this node, in its reader's language.
func NoticeMail(ctx context.Context, coop *node.Actor, l node.Links, m *node.Mailing) (Mail, error) {
	ctx = speaking(ctx, tongueFor(m.To.Lang, coop))
	us := plainName(coop.Label())
	var b mailBody
	switch {
	case m.Link != nil:
		b = linkMail(ctx, us, l, m)
	case m.Day == "" && len(m.News) == 1:
		b = newsMail(ctx, us, l, m.News[0])
	default:
		b = digestMail(ctx, us, l, m)
	}
	return b.write(ctx)
}

// TestMail writes the mail that shows whether mail works.
func TestMail(ctx context.Context, coop *node.Actor, l node.Links, lang string) (Mail, error) {
	ctx = speaking(ctx, tongueFor(lang, coop))
	us := plainName(coop.Label())
	return mailBody{
		Subject: say(ctx, "mail.test.subject", us),
		Parts:   []mailPart{{Line: say(ctx, "mail.test.line", us, l.Host())}},
		Label:   say(ctx, "mail.button.settings"), Link: l.Console("settings"),
	}.write(ctx)
}

func newsMail(ctx context.Context, us string, l node.Links, n *node.News) mailBody {
	b := mailBody{Subject: newsSubject(ctx, us, n), Parts: []mailPart{newsPart(ctx, us, n, quotedAlone)}, Label: say(ctx, "mail.button."+string(n.Kind)), Link: n.Page}
	b.choose(ctx, us, l)
	return b
}

func digestMail(ctx context.Context, us string, l node.Links, m *node.Mailing) mailBody {
	b := mailBody{Subject: sayCount(ctx, "mail.subject.digest", float64(len(m.News)), us), Label: say(ctx, "mail.button.console"), Link: l.Console("")}
	for _, n := range m.News {
		part := newsPart(ctx, us, n, quotedAmong)
		part.Link = n.Page
		b.Parts = append(b.Parts, part)
	}
	b.choose(ctx, us, l)
	return b
}

func linkMail(ctx context.Context, us string, l node.Links, m *node.Mailing) mailBody {
	kind := string(m.Link.Kind)
	return mailBody{
		Subject: say(ctx, "mail.link.subject."+kind, us),
		Parts:   []mailPart{{Line: say(ctx, "mail.link.line."+kind, us, plainName(m.To.Name))}, {Line: say(ctx, "mail.link.once", moment(ctx, m.Link.Expires))}},
		Label:   say(ctx, "mail.link.button."+kind), Link: l.Pass(m.Token),
		Foot: []string{say(ctx, "mail.link.ignore")},
	}
}

func (b *mailBody) choose(ctx context.Context, us string, l node.Links) {
	b.Foot, b.Choose = append(b.Foot, say(ctx, "mail.why", us, l.Host())), l.Console("notices")
}

// newsSubject is what stands above a mail about one thing.
func newsSubject(ctx context.Context, us string, n *node.News) string {
	who, about := shorten(newsName(ctx, n), subjectNames), newsAbout(ctx, n)
	switch {
	case about != "":
		return say(ctx, "mail.subject.answer", who, shorten(about, subjectNames))
	case n.Kind == node.NoticeMention && n.Object.Common().Audience == node.Direct:
		return say(ctx, "mail.subject.direct", who)
	case n.Kind == node.NoticeApplication:
		return say(ctx, "mail.subject.application", who, newsFederation(ctx, us, n))
	case n.Asks:
		return say(ctx, "mail.subject.asks", who)
	case n.Kind == node.NoticeReport:
		return say(ctx, "mail.subject.report", plainName(node.HostOf(n.Actor)))
	case n.Kind == node.NoticeDelivery:
		return say(ctx, "mail.subject.delivery", plainName(n.Host))
	case n.Kind == node.NoticeBackup:
		return say(ctx, "mail.subject.backup")
	}
	return say(ctx, "mail.subject."+string(n.Kind), who)
}

// newsPart is what a mail says of one thing, with at most so many characters of what others said.
func newsPart(ctx context.Context, us string, n *node.News, quoted int) mailPart {
	who, about := newsWho(ctx, n), newsAbout(ctx, n)
	part := mailPart{}
	switch n.Kind {
	case node.NoticeAnswer, node.NoticeMention:
		b := n.Object.Common()
		text := b.TextIn("")
		part.Quote, part.Lang = plainText(text.HTML, quoted), text.Lang
		switch {
		case b.Audience == node.Direct && about != "":
			part.Line = say(ctx, "mail.line.answer.direct", who, about)
		case b.Audience == node.Direct:
			part.Line = say(ctx, "mail.line.direct", who)
		case about != "" && n.Kind == node.NoticeAnswer:
			part.Line = say(ctx, "mail.line.answer", who, about)
		case about != "":
			part.Line = say(ctx, "mail.line.reply", who, about)
		default:
			part.Line = say(ctx, "mail.line.mention", who)
		}
	case node.NoticeApplication:
		part.Line, part.Quote = say(ctx, "mail.line.application", who, newsFederation(ctx, us, n)), shorten(plainName(n.Membership.Letter), quoted)
	case node.NoticeInvitation:
		part.Line, part.Quote = say(ctx, "mail.line.invitation", who), shorten(plainName(n.Membership.Letter), quoted)
	case node.NoticeReport:
		part.Line, part.Quote = say(ctx, "mail.line.report", plainName(node.HostOf(n.Actor))), shorten(plainName(n.Report.Comment), quoted)
	case node.NoticeDelivery:
		part.Line = say(ctx, "mail.line.delivery", plainName(n.Host))
	case node.NoticeBackup:
		part.Line, part.Quote = say(ctx, "backup.trouble."+string(n.Backup)), shorten(plainName(n.Why), quoted)
	default:
		part.Line = say(ctx, "mail.line.follower", who)
		if n.Asks {
			part.Line = say(ctx, "mail.line.asks", who)
		}
	}
	return part
}

// newsWho names who did something, with the address, which always shows (HTML-5).
func newsWho(ctx context.Context, n *node.News) string {
	if n.Who == nil {
		return newsName(ctx, n)
	}
	p := personOf(n.Who)
	return say(ctx, "mail.who", shorten(p.Name, subjectNames), p.Address)
}

func newsName(ctx context.Context, n *node.News) string {
	if n.Who == nil {
		return say(ctx, "person.unknown", plainName(node.HostOf(n.Actor)))
	}
	return personOf(n.Who).Name
}

// newsAbout names what of ours was answered, "" where nothing was, or it has no name that can be said.
func newsAbout(ctx context.Context, n *node.News) string {
	if n.Subject == nil || !n.Subject.Common().Deleted.IsZero() {
		return ""
	}
	return nameOf(ctx, n.Subject.Common().TextIn(""))
}

func newsFederation(ctx context.Context, us string, n *node.News) string {
	switch {
	case n.Federation == nil:
		return say(ctx, "person.unknown", plainName(node.HostOf(n.Membership.Federation)))
	case n.Federation.Local:
		return us
	}
	return personOf(n.Federation).Name
}

// write makes the two forms of a mail.
func (b mailBody) write(ctx context.Context) (Mail, error) {
	var html, text strings.Builder
	if err := mailPage(b).Render(ctx, &html); err != nil {
		return Mail{}, err
	}
	paragraph := func(lines ...string) {
		if text.Len() > 0 {
			text.WriteString("\n")
		}
		for _, line := range lines {
			text.WriteString(line + "\n")
		}
	}
	for _, p := range b.Parts {
		lines := []string{p.Line}
		if p.Quote != "" {
			lines = append(lines, "> "+p.Quote)
		}
		if p.Link != "" {
			lines = append(lines, p.Link)
		}
		paragraph(lines...)
	}
	paragraph(say(ctx, "mail.do", b.Label), b.Link)
	paragraph("-- ")
	for _, line := range b.Foot {
		text.WriteString(line + "\n")
	}
	if b.Choose != "" {
		text.WriteString(say(ctx, "mail.do", say(ctx, "mail.choose")) + "\n" + b.Choose + "\n")
	}
	return Mail{Subject: b.Subject, Text: text.String(), HTML: html.String(), Lang: tongueOf(ctx).tag.String()}, nil
}

// tongueFor is the language in which a person of a coop reads mail.
func tongueFor(lang string, coop *node.Actor) *tongue {
	if tag, err := language.Parse(lang); err == nil {
		if t := tongueAmong(tag); t != nil {
			return t
		}
	}
	return ownTongue(coop)
}

// mailLink is an address of ours in a mail.
func mailLink(address string) templ.SafeURL { return templ.SafeURL(address) }
