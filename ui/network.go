package ui

import (
	"context"
	"encoding/csv"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"github.com/coopnode/coopnode/node"
)

func (u *ui) mountNetwork(e *echo.Echo) {
	u.console(e, http.MethodGet, networkPath, node.RoleReader, shows(followingPage))
	u.console(e, http.MethodPost, networkPath+"/follow", node.RoleEditor, followOne)
	u.upload(e, networkPath+"/follow-many", node.RoleEditor, followMany)
	u.console(e, http.MethodPost, networkPath+"/forget", node.RoleEditor, forgetWish)
	u.console(e, http.MethodPost, networkPath+"/unfollow", node.RoleEditor, unfollow)
	u.console(e, http.MethodGet, followersPath, node.RoleReader, shows(followersPage))
	u.console(e, http.MethodPost, followersPath+"/approve", node.RoleEditor, answerFollower(true))
	u.console(e, http.MethodPost, followersPath+"/remove", node.RoleEditor, answerFollower(false))
}

const (
	networkPath   = "/console/network"
	followersPath = networkPath + "/followers"
	followsAPage  = 50
	suggested     = 9
	maxPasted     = 1 << 20 // bytes of a list of addresses
	findWithin    = 20 * time.Second
)

// A followEntry is one follow, in either direction.
type followEntry struct {
	*node.Following
	Other person
	Page  string // what this node knows of it; "" where that is nothing
	Doubt bool   // its inbox was gone when somebody last knocked
}

// A suggestion is a coop that could be followed, and through whom it is known.
type suggestion struct {
	Other   person
	Page    string
	Where   string
	Through sighted
}

// A networkView is whom the coop follows, whom it wants to, and whom it could.
type networkView struct {
	Following   []*followEntry
	Count       int
	Wishes      []*node.Wish
	Suggestions []*suggestion
	Older       string
}

func followingPage(c echo.Context, d *desk) (head, templ.Component, error) {
	ctx := c.Request().Context()
	v := &networkView{}
	var err error
	if v.Following, v.Older, err = d.follows(c, networkPath, node.FollowQuery{}, d.node.Following); err != nil {
		return head{}, nil, err
	}
	under, err := d.node.Readings(ctx)
	if err != nil {
		return head{}, nil, err
	}
	for _, f := range v.Following {
		if r, ok := under[f.Actor]; ok && f.State == node.Accepted {
			f.Reading = &r
		}
	}
	if v.Count, err = d.node.CountFollowing(ctx); err != nil {
		return head{}, nil, err
	}
	if v.Wishes, err = d.node.Wishes(ctx); err != nil {
		return head{}, nil, err
	}
	if v.Suggestions, err = d.suggestions(ctx); err != nil {
		return head{}, nil, err
	}
	return unlisted(say(ctx, "network.title")), networkBody(d, v, typed(c, "address"), typed(c, "list")), nil
}

// follows reads a page of follows.
func (d *desk) follows(c echo.Context, path string, q node.FollowQuery, read func(context.Context, node.FollowQuery) ([]*node.Following, error)) (list []*followEntry, older string, err error) {
	ctx := c.Request().Context()
	q.Limit = followsAPage + 1
	if q.Before, err = cursor(c); err != nil {
		return nil, "", err
	}
	known, err := read(ctx, q)
	if err != nil {
		return nil, "", err
	}
	if len(known) > followsAPage {
		known = known[:followsAPage]
		older = path + "?" + url.Values{"before": {known[followsAPage-1].Actor}}.Encode()
	}
	for _, f := range known {
		who, err := d.people.of(ctx, f.Actor)
		if err != nil {
			return nil, "", err
		}
		list = append(list, &followEntry{Following: f, Other: who, Page: d.knownPage(f.Who)})
	}
	return list, older, nil
}

// suggestions are known coops that are not followed, those known through most others first.
func (d *desk) suggestions(ctx context.Context) (list []*suggestion, err error) {
	coops, err := d.node.KnownCoops(ctx)
	if err != nil {
		return nil, err
	}
	rules, err := d.node.Policy(ctx)
	if err != nil {
		return nil, err
	}
	for _, a := range coops {
		if a.Local || a.Sample || a.Nodeless || a.Inbox == "" || !a.Gone.IsZero() || a.MovedTo != "" || rules.Refuses(a.IRI) {
			continue
		}
		if f, err := d.node.Store().Followed(ctx, a.IRI); err == nil && f.Live() {
			continue
		} else if err != nil && !node.IsNotFound(err) {
			return nil, err
		}
		who, err := d.people.show(ctx, a)
		if err != nil {
			return nil, err
		}
		s := &suggestion{Other: who, Page: d.knownPage(a)}
		if a.Coop != nil {
			s.Where = place(ctx, a.Coop.Place)
		}
		if s.Through, err = d.through(ctx, a); err != nil {
			return nil, err
		}
		if list = append(list, s); len(list) == 200 {
			break
		}
	}
	slices.SortStableFunc(list, func(a, b *suggestion) int { return b.Through.count() - a.Through.count() })
	return list[:min(len(list), suggested)], nil
}

// found asks the home of an address who that is.
func (d *desk) found(ctx context.Context, address string) (*node.Actor, error) {
	if address = strings.TrimSpace(address); address == "" || len(address) > maxURIBytes {
		return nil, &node.Error{Op: "find", Kind: node.Invalid, Text: say(ctx, "network.address.wrong")}
	}
	if d.ui.opt.Wire.Find == nil {
		return nil, &node.Error{Op: "find", Kind: node.Unavailable, Text: say(ctx, "network.nowire")}
	}
	ctx, cancel := context.WithTimeout(ctx, findWithin)
	defer cancel()
	return d.ui.opt.Wire.Find(ctx, address)
}

func followOne(c echo.Context, d *desk) error {
	ctx := c.Request().Context()
	who, err := d.found(ctx, c.FormValue("address"))
	if err == nil {
		_, err = d.node.Follow(ctx, d.by(), who)
	}
	if err != nil {
		return d.wrongIn(c, followingPage, "address", err)
	}
	return d.done(c, networkPath, "network.asked", plainName(who.Label()))
}

// wrongIn shows a page again with what is wrong with one of its fields.
func (d *desk) wrongIn(c echo.Context, page deskPage, field string, cause error) error {
	errs, err := d.wrong(c, cause)
	if err != nil {
		return err
	}
	for i := range errs {
		errs[i].Field = field
	}
	return d.againWith(c, page, errs)
}

// followMany takes a pasted list or a file, as people write lists or as Mastodon exports whom somebody follows. Nobody waits
// until all are found.
func followMany(c echo.Context, d *desk) error {
	ctx := c.Request().Context()
	text := c.FormValue("list")
	file, err := formText(c, "file", maxPasted)
	if err != nil {
		return d.wrongIn(c, followingPage, "file", err)
	}
	addresses := addressesIn(text + "\n" + file)
	if len(addresses) == 0 {
		return d.againWith(c, followingPage, fieldErrors{{"list", say(ctx, "network.list.none")}})
	}
	n, err := d.node.FollowLater(ctx, d.by(), addresses)
	if err != nil {
		return d.wrongIn(c, followingPage, "list", err)
	}
	return d.doneCount(c, networkPath, "network.listed", n)
}

// formText reads a text file of a form, "" where none was chosen. Invalid for one that is too long or no text.
func formText(c echo.Context, name string, most int64) (string, error) {
	ctx := c.Request().Context()
	h, err := c.FormFile(name)
	if errors.Is(err, http.ErrMissingFile) || errors.Is(err, http.ErrNotMultipart) {
		return "", nil
	} else if err != nil {
		return "", &node.Error{Op: "read file", Kind: node.Invalid, Text: say(ctx, "file.unread"), Err: err}
	}
	f, err := h.Open()
	if err != nil {
		return "", err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, most+1))
	if err != nil {
		return "", err
	}
	if int64(len(b)) > most {
		return "", &node.Error{Op: "read file", Kind: node.Invalid, Text: say(ctx, "file.long", number(ctx, float64(most>>10)))}
	}
	if !utf8.Valid(b) {
		return "", &node.Error{Op: "read file", Kind: node.Invalid, Text: say(ctx, "file.notext")}
	}
	return strings.TrimPrefix(string(b), "\ufeff"), nil
}

// addressesIn finds what can be addresses in a list: the first cell of each line of CSV, each once.
func addressesIn(text string) (list []string) {
	for line := range strings.Lines(text) {
		r := csv.NewReader(strings.NewReader(line))
		r.LazyQuotes, r.FieldsPerRecord = true, -1
		row, err := r.Read()
		if err != nil {
			continue
		}
		word := row[0]
		if len(row) == 1 { // several addresses in a line, with blanks or semicolons between them
			for _, w := range strings.FieldsFunc(word, func(r rune) bool { return r == ' ' || r == ';' || r == '\t' }) {
				list = appendAddress(list, w)
			}
			continue
		}
		list = appendAddress(list, word)
	}
	return list
}

func appendAddress(list []string, word string) []string {
	word = strings.ToLower(strings.TrimSpace(word))
	if !strings.Contains(word, ".") && !strings.Contains(word, "localhost") || strings.HasPrefix(word, "#") || slices.Contains(list, word) {
		return list // a heading, a remark
	}
	return append(list, word)
}

func forgetWish(c echo.Context, d *desk) error {
	if err := d.node.DropWish(c.Request().Context(), d.by(), c.FormValue("address")); err != nil {
		return err
	}
	return d.done(c, networkPath, "network.forgotten", plainName(c.FormValue("address")))
}

func unfollow(c echo.Context, d *desk) error {
	ctx, actor := c.Request().Context(), c.FormValue("actor")
	who, err := d.people.of(ctx, actor)
	if err != nil {
		return err
	}
	if err := d.node.Unfollow(ctx, d.by(), actor); err != nil {
		return d.again(c, followingPage, err)
	}
	return d.done(c, networkPath, "network.unfollowed", who.Name)
}

// A followersView is who follows the coop, those first who wait to be let.
type followersView struct {
	Waiting, Followers []*followEntry
	Count              int
	Older              string
}

func followersPage(c echo.Context, d *desk) (head, templ.Component, error) {
	ctx := c.Request().Context()
	v := &followersView{}
	var err error
	if v.Followers, v.Older, err = d.follows(c, followersPath, node.FollowQuery{State: node.Accepted}, d.node.Followers); err != nil {
		return head{}, nil, err
	}
	if c.QueryParam("before") == "" {
		if v.Waiting, _, err = d.follows(c, followersPath, node.FollowQuery{State: node.Pending}, d.node.Followers); err != nil {
			return head{}, nil, err
		}
	}
	if v.Count, err = d.node.CountFollowers(ctx); err != nil {
		return head{}, nil, err
	}
	doubts, err := d.node.Store().Tasks(ctx, node.TaskDoubt)
	if err != nil {
		return head{}, nil, err
	}
	for _, f := range v.Followers {
		f.Doubt = slices.ContainsFunc(doubts, func(t *node.Task) bool { return t.Subject == f.Actor })
	}
	return unlisted(say(ctx, "followers.title")), followersBody(d, v), nil
}

// answerFollower lets somebody follow, or refuses or removes one.
func answerFollower(accept bool) deskHandler {
	return func(c echo.Context, d *desk) error {
		ctx, actor := c.Request().Context(), c.FormValue("actor")
		who, err := d.people.of(ctx, actor)
		if err != nil {
			return err
		}
		if err := d.node.AnswerFollower(ctx, d.by(), actor, accept); err != nil {
			return d.again(c, followersPage, err)
		}
		if accept {
			return d.done(c, followersPath, "followers.approved", who.Name)
		}
		return d.done(c, followersPath, "followers.removed", who.Name)
	}
}

// followClass is the class of the mark of a follow's state.
func followClass(s node.FollowState) string {
	switch s {
	case node.Accepted:
		return "s-open"
	case node.Pending:
		return "s-paused"
	}
	return "s-withdrawn"
}

// readingText says how far the outbox of somebody followed just now is read.
func readingText(ctx context.Context, r *node.Reading) string {
	if r.Total == 0 {
		return sayCount(ctx, "follow.read", float64(r.Read))
	}
	return say(ctx, "follow.read.of", number(ctx, float64(r.Read)), number(ctx, float64(r.Total)))
}
