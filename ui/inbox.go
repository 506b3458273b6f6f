package ui

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"github.com/coopnode/coopnode/node"
)

func (u *ui) mountInbox(e *echo.Echo) {
	u.console(e, http.MethodGet, inboxPath, node.RoleReader, shows(inboxPage))
	u.console(e, http.MethodGet, inboxPath+"/:id", node.RoleReader, shows(conversationPage))
	u.console(e, http.MethodPost, inboxPath+"/:id/answer", node.RoleEditor, answerRemark)
	u.console(e, http.MethodPost, inboxPath+"/:id/hide", node.RoleSteward, hideRemark)
	u.console(e, http.MethodPost, inboxPath+"/mark", node.RoleEditor, markRemarks)
}

const (
	inboxPath          = "/console/inbox"
	conversationsAPage = 20
	conversationLength = 200
	maxAnswer          = 20_000 // characters
)

// A talkEntry is one conversation in the list: what it is about, and its newest remark.
type talkEntry struct {
	*node.Conversation
	Subject *entry // nil where this node does not have it
	Last    *node.Remark
	By      person
	Excerpt string
	Page    string
}

func inboxPage(c echo.Context, d *desk) (head, templ.Component, error) {
	ctx := c.Request().Context()
	q := node.ConversationQuery{State: node.Attention(c.QueryParam("state")), Limit: conversationsAPage + 1}
	if q.State != "" && !slices.Contains(node.Attentions, q.State) {
		return head{}, nil, &node.Error{Op: "read inbox", Kind: node.Invalid}
	}
	if s := c.QueryParam("before"); s != "" {
		seq, err := strconv.ParseInt(s, 10, 64)
		if err != nil || seq < 0 {
			return head{}, nil, &node.Error{Op: "read inbox", Kind: node.Invalid}
		}
		q.Before = seq
	}
	known, err := d.node.Conversations(ctx, q)
	if err != nil {
		return head{}, nil, err
	}
	older := ""
	if len(known) > conversationsAPage {
		known = known[:conversationsAPage]
		values := url.Values{"before": {strconv.FormatInt(known[conversationsAPage-1].Seq, 10)}}
		if q.State != "" {
			values.Set("state", string(q.State))
		}
		older = inboxPath + "?" + values.Encode()
	}
	var list []*talkEntry
	for _, conversation := range known {
		t, err := d.talkEntry(ctx, conversation)
		if err != nil {
			return head{}, nil, err
		}
		list = append(list, t)
	}
	unread, err := d.node.CountRemarks(ctx, node.RemarkQuery{State: node.Unread})
	if err != nil {
		return head{}, nil, err
	}
	return unlisted(say(ctx, "inbox.title")), inboxBody(d, list, q.State, unread, older), nil
}

// talkEntry prepares a conversation for the list.
func (d *desk) talkEntry(ctx context.Context, conversation *node.Conversation) (*talkEntry, error) {
	t := &talkEntry{Conversation: conversation}
	if conversation.Subject != nil {
		var err error
		if t.Subject, err = d.entryOf(ctx, conversation.Subject); err != nil {
			return nil, err
		}
	}
	if len(conversation.Remarks) == 0 {
		return t, nil
	}
	t.Last = conversation.Remarks[len(conversation.Remarks)-1]
	b := t.Last.Object.Common()
	var err error
	if t.By, err = d.people.of(ctx, b.Actor); err != nil {
		return nil, err
	}
	t.Page = inboxPath + "/" + b.ID
	if p, ok := t.Last.Object.(*node.Post); ok && warning(p) != "" {
		t.Excerpt = say(ctx, "warning", warning(p))
	} else {
		t.Excerpt = plainText(d.text(b.Texts).HTML, 240)
	}
	return t, nil
}

// what says why the newest remark is here.
func (t *talkEntry) what(ctx context.Context) string {
	if t.Last.Why == node.ReasonReply && t.Subject != nil && t.Subject.Base.Local && t.Subject.Base.IRI == t.Last.Object.Common().InReplyTo {
		return say(ctx, "inbox.answers", t.Subject.name(ctx))
	}
	return sayKnown(ctx, "inbox.why.", string(t.Last.Why))
}

// A remarkEntry is one post of a conversation, with what our people can do about it.
type remarkEntry struct {
	*entry
	State  node.Attention // "" for one that is not for us to see to
	Post   bool
	Hidden bool
	Own    bool
}

// A conversationView is a conversation from its root on; To is the post from whose page it is seen.
type conversationView struct {
	Root    string
	Title   string
	To      *remarkEntry
	Remarks []*remarkEntry
	Unread  int
	Langs   []option
}

func (d *desk) conversation(ctx context.Context, id string) (*conversationView, error) {
	missing := &node.Error{Op: "show conversation", Kind: node.NotFound, Subject: id}
	if !node.IsID(id) {
		return nil, missing
	}
	to, err := d.node.Object(ctx, id)
	if err != nil {
		return nil, err
	}
	b := to.Common()
	v := &conversationView{Root: b.Thread}
	if v.Root == "" {
		v.Root = b.IRI
	}
	var all []node.Object
	if root, err := d.node.Object(ctx, v.Root); err == nil {
		all = append(all, root)
	} else if !node.IsNotFound(err) {
		return nil, err
	}
	rest, _, err := d.node.Objects(ctx, node.ObjectQuery{Thread: v.Root, Limit: conversationLength})
	if err != nil {
		return nil, err
	}
	all = append(all, rest...)
	known, err := d.node.Conversations(ctx, node.ConversationQuery{Thread: v.Root, Limit: 1})
	if err != nil {
		return nil, err
	}
	states := map[string]node.Attention{}
	for _, conversation := range known {
		v.Unread = conversation.Unread
		for _, m := range conversation.Remarks {
			states[m.Object.Common().IRI] = m.State
		}
	}
	for _, o := range all {
		e, err := d.entryOf(ctx, o)
		if err != nil {
			return nil, err
		}
		r := &remarkEntry{entry: e, State: states[e.Base.IRI], Post: e.Base.Type == node.TypePost, Hidden: !e.Base.Hidden.IsZero(), Own: e.Base.Local}
		v.Remarks = append(v.Remarks, r)
		if e.Base.IRI == b.IRI {
			v.To = r
		}
	}
	if v.To == nil { // it stands behind the first two hundred
		e, err := d.entryOf(ctx, to)
		if err != nil {
			return nil, err
		}
		v.To = &remarkEntry{entry: e, State: states[b.IRI], Post: b.Type == node.TypePost, Hidden: !b.Hidden.IsZero(), Own: b.Local}
		v.Remarks = append(v.Remarks, v.To)
	}
	v.Title = v.Remarks[0].name(ctx)
	v.Langs = d.writtenIn(ctx, v.To.Text.Lang)
	return v, nil
}

// writtenIn are the languages in which the coop writes, the one of what is answered first where it is among them.
func (d *desk) writtenIn(ctx context.Context, answered string) (list []option) {
	var own []string
	if d.coop.Coop != nil {
		own = slices.Clone(d.coop.Coop.Languages)
	}
	if len(own) == 0 {
		for _, t := range d.coop.Summary {
			own = append(own, t.Lang)
		}
	}
	if i := slices.Index(own, answered); i > 0 {
		own[0], own[i] = own[i], own[0]
	} else if len(own) == 0 {
		own = []string{answered}
	}
	for _, tag := range own {
		if tag != "" {
			list = append(list, option{Value: tag, Text: languageName(ctx, tag)})
		}
	}
	return list
}

func conversationPage(c echo.Context, d *desk) (head, templ.Component, error) {
	ctx := c.Request().Context()
	v, err := d.conversation(ctx, c.Param("id"))
	if err != nil {
		return head{}, nil, err
	}
	return unlisted(v.Title), conversationBody(d, v, typed(c, "text")), nil
}

// answerRemark publishes an answer to the post of the page, for its readers or for its author alone.
func answerRemark(c echo.Context, d *desk) error {
	ctx := c.Request().Context()
	v, err := d.conversation(ctx, c.Param("id"))
	if err != nil {
		return err
	}
	text := strings.TrimSpace(strings.ReplaceAll(c.FormValue("text"), "\r\n", "\n"))
	var errs fieldErrors
	switch {
	case text == "":
		errs.add("text", say(ctx, "inbox.answer.empty"))
	case len([]rune(text)) > maxAnswer:
		errs.add("text", say(ctx, "inbox.answer.long", number(ctx, maxAnswer)))
	}
	if len(errs) > 0 {
		return d.againWith(c, conversationPage, errs)
	}
	to := v.To.Base
	p := &node.Post{Base: node.Base{Type: node.TypePost, InReplyTo: to.IRI, Audience: to.Audience, Texts: []node.Text{{Lang: c.FormValue("lang"), Source: text}}}}
	if c.FormValue("audience") == string(node.Direct) {
		p.Audience = node.Direct
	}
	if err := d.node.Publish(ctx, d.by(), p); err != nil {
		return d.again(c, conversationPage, err)
	}
	return d.done(c, inboxPath+"/"+to.ID, "inbox.answered", v.To.By.Name)
}

func hideRemark(c echo.Context, d *desk) error {
	ctx, id := c.Request().Context(), c.Param("id")
	if !node.IsID(id) {
		return &node.Error{Op: "hide", Kind: node.NotFound, Subject: id}
	}
	hide := c.FormValue("hide") == "yes"
	if _, err := d.node.Hide(ctx, d.by(), id, hide); err != nil {
		return d.again(c, conversationPage, err)
	}
	if hide {
		return d.done(c, inboxPath+"/"+id, "inbox.hidden")
	}
	return d.done(c, inboxPath+"/"+id, "inbox.shown")
}

// markRemarks takes a conversation as read, handled or unread, or all of them as read.
func markRemarks(c echo.Context, d *desk) error {
	ctx := c.Request().Context()
	to, q := node.Attention(c.FormValue("as")), node.RemarkQuery{Thread: c.FormValue("thread")}
	if q.Thread == "" {
		if c.FormValue("all") == "" || to != node.Read {
			return &node.Error{Op: "mark remarks", Kind: node.Invalid}
		}
		q.State = node.Unread
	}
	n, err := d.node.MarkRemarks(ctx, q, to)
	if err != nil {
		return err
	}
	return d.doneCount(c, inboxPath, "inbox.marked."+string(to), n)
}
