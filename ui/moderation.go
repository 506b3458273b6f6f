package ui

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"github.com/coopnode/coopnode/node"
)

func (u *ui) mountModeration(e *echo.Echo) {
	u.console(e, http.MethodGet, moderationPath, node.RoleReader, shows(reportsPage))
	u.console(e, http.MethodPost, moderationPath+"/close", node.RoleSteward, closeReport)
	u.console(e, http.MethodGet, reportPath, node.RoleSteward, shows(reportPage))
	u.console(e, http.MethodPost, reportPath, node.RoleSteward, sendReport)
	u.console(e, http.MethodGet, rulesPath, node.RoleReader, shows(rulesPage))
	u.console(e, http.MethodGet, rulePath, node.RoleSteward, shows(rulePage))
	u.console(e, http.MethodPost, rulePath, node.RoleSteward, makeRule)
	u.console(e, http.MethodPost, rulesPath+"/remove", node.RoleSteward, dropRule)
	u.console(e, http.MethodPost, rulesPath+"/purge", node.RoleSteward, purgeRule)
	u.console(e, http.MethodGet, allowPath, node.RoleReader, shows(allowPage))
	u.console(e, http.MethodPost, allowPath, node.RoleSteward, changeAllow)
	u.console(e, http.MethodPost, allowPath+"/mode", node.RoleSteward, setAllowMode)
	u.console(e, http.MethodGet, rulesPath+"/import", node.RoleSteward, shows(importPage))
	u.upload(e, rulesPath+"/import", node.RoleSteward, previewRules)
	u.upload(e, rulesPath+"/import/take", node.RoleSteward, takeRules)
	u.console(e, http.MethodGet, rulesPath+"/export.csv", node.RoleSteward, exportRules)
}

const (
	moderationPath = "/console/moderation"
	reportPath     = moderationPath + "/report"
	rulesPath      = moderationPath + "/rules"
	rulePath       = moderationPath + "/rule"
	allowPath      = moderationPath + "/allow"
	reportsShown   = 200
	rulesShown     = 100
)

// A reportEntry is a complaint as people read it.
type reportEntry struct {
	*node.Report
	From, Of person
	Objects  []link // what was published
}

// reportEntries prepares reports.
func (d *desk) reportEntries(ctx context.Context, q node.ReportQuery) (list []*reportEntry, err error) {
	known, err := d.node.Reports(ctx, q)
	if err != nil {
		return nil, err
	}
	for _, r := range known {
		e := &reportEntry{Report: r}
		if e.From, err = d.people.of(ctx, r.Actor); err != nil {
			return nil, err
		}
		if e.Of, err = d.people.of(ctx, r.About); err != nil {
			return nil, err
		}
		for _, iri := range r.Objects {
			l := link{Text: plainName(iri), Href: webAddress(iri)}
			if o, err := d.node.Object(ctx, iri); err == nil {
				l = link{nameOf(ctx, d.text(o.Common().Texts)), pageOf(d.node.Links, o.Common())}
			} else if !node.IsNotFound(err) {
				return nil, err
			}
			e.Objects = append(e.Objects, l)
		}
		list = append(list, e)
	}
	return list, nil
}

func reportsPage(c echo.Context, d *desk) (head, templ.Component, error) {
	ctx, all := c.Request().Context(), c.QueryParam("all") != ""
	about, err := d.reportEntries(ctx, node.ReportQuery{Open: !all, Limit: reportsShown})
	if err != nil {
		return head{}, nil, err
	}
	sent, err := d.reportEntries(ctx, node.ReportQuery{Local: true, Limit: 20})
	if err != nil {
		return head{}, nil, err
	}
	return unlisted(say(ctx, "moderation.title")), reportsBody(d, about, sent, all), nil
}

func closeReport(c echo.Context, d *desk) error {
	if err := d.node.CloseReport(c.Request().Context(), d.by(), c.FormValue("id")); err != nil {
		return err
	}
	return d.done(c, moderationPath, "moderation.report.closed")
}

// A complaint is what a report of ours would be about: an account, and what it published.
type complaint struct {
	Who    person
	Actor  *node.Actor
	Object *entry // nil where it is about the account alone
}

// complaintAbout reads the address of an account, or of something that it published.
func (d *desk) complaintAbout(ctx context.Context, address string) (*complaint, error) {
	v, actor := &complaint{}, strings.TrimSpace(address)
	if actor == "" || len(actor) > maxURIBytes {
		return nil, &node.Error{Op: "report", Kind: node.Invalid, Text: say(ctx, "moderation.report.whom")}
	}
	o, err := d.node.Object(ctx, actor)
	if err == nil {
		if v.Object, err = d.entryOf(ctx, o); err != nil {
			return nil, err
		}
		actor = o.Common().Actor
	} else if !node.IsNotFound(err) {
		return nil, err
	}
	if v.Actor, err = d.someone(ctx, actor); err != nil {
		return nil, err
	}
	v.Who, err = d.people.show(ctx, v.Actor)
	return v, err
}

// someone is the actor of an address, whose home is asked where this node does not know it yet.
func (d *desk) someone(ctx context.Context, address string) (*node.Actor, error) {
	who, err := d.known(ctx, address)
	if who != nil || err != nil {
		return who, err
	}
	if who, err = d.found(ctx, address); err != nil {
		return nil, err
	}
	return who, d.node.KeepActor(ctx, who)
}

func reportPage(c echo.Context, d *desk) (head, templ.Component, error) {
	ctx, address := c.Request().Context(), c.FormValue("about") // of the form or of the address
	var about *complaint
	if address != "" {
		var err error
		if about, err = d.complaintAbout(ctx, address); node.KindOf(err) == node.Internal && err != nil {
			return head{}, nil, err
		}
	}
	return unlisted(say(ctx, "moderation.report")), reportBody(d, about, address, typed(c, "comment")), nil
}

func sendReport(c echo.Context, d *desk) error {
	ctx := c.Request().Context()
	about, err := d.complaintAbout(ctx, c.FormValue("about"))
	if err != nil {
		return d.wrongIn(c, reportPage, "about", err)
	}
	var objects []string
	if about.Object != nil {
		objects = []string{about.Object.Base.IRI}
	}
	if _, err := d.node.SendReport(ctx, d.by(), about.Actor, objects, c.FormValue("comment")); err != nil {
		return d.wrongIn(c, reportPage, "comment", err)
	}
	return d.done(c, moderationPath, "moderation.report.sent", plainName(node.HostOf(about.Actor.IRI)))
}

// A rulesView is a part of the rules.
type rulesView struct {
	Rules  []*node.Rule
	Sought string
	Count  int // of all that match
	Closed bool
}

func rulesPage(c echo.Context, d *desk) (head, templ.Component, error) {
	ctx := c.Request().Context()
	all, err := d.node.Rules(ctx)
	if err != nil {
		return head{}, nil, err
	}
	v := &rulesView{Sought: strings.ToLower(strings.TrimSpace(c.QueryParam("q")))}
	for _, r := range all {
		v.Closed = v.Closed || r.Target == node.Everybody
		if r.Allow || r.Target == node.Everybody || !strings.Contains(r.Target, v.Sought) {
			continue
		}
		if v.Count++; len(v.Rules) < rulesShown {
			v.Rules = append(v.Rules, r)
		}
	}
	return unlisted(say(ctx, "rules.title")), rulesBody(d, v), nil
}

// A ruleForm is a rule as it is asked for, and what it would do.
type ruleForm struct {
	Target  string // as typed
	Rule    node.Rule
	Is      bool // there is a rule for it
	Would   *node.RuleChange
	Subject *person // where the rule is about one account
}

// ruleTarget is what a rule for an address is about: a host, or the id of an actor.
func (d *desk) ruleTarget(ctx context.Context, address string) (string, error) {
	address = strings.TrimSpace(address)
	invalid := func(text string) error { return &node.Error{Op: "make rule", Kind: node.Invalid, Text: text} }
	if address == "" || len(address) > maxURIBytes {
		return "", invalid(say(ctx, "rules.target.none"))
	}
	wire := d.ui.opt.Wire
	if host, ok := wire.HostIn(address); ok {
		if is, official := wire.Suffix(host); is && official {
			return "", invalid(say(ctx, "rules.target.suffix", host))
		}
		return host, nil
	}
	who, err := d.someone(ctx, address)
	switch {
	case err == nil:
		return who.IRI, nil
	case strings.Contains(address, "://") && node.KindOf(err) != node.Invalid && node.KindOf(err) != node.Internal:
		return node.RuleTargets(address)[0], nil // it cannot be looked up now, and is taken as the address itself
	}
	return "", err
}

// ruleAsked reads a rule from the form; for a page that was only asked for it is the one that is there.
func (d *desk) ruleAsked(c echo.Context) (*ruleForm, error) {
	ctx := c.Request().Context()
	f := &ruleForm{Target: c.FormValue("target"), Rule: node.Rule{Severity: node.SeverityReject}}
	post := c.Request().Method == http.MethodPost
	if f.Target == "" && !post {
		return f, nil
	}
	target, err := d.ruleTarget(ctx, f.Target)
	if err != nil {
		return f, err
	}
	p, err := d.node.Policy(ctx)
	if err != nil {
		return f, err
	}
	if old := p.Rule(target); old != nil {
		f.Rule, f.Is = *old, true
	}
	f.Rule.Target = target
	if strings.Contains(target, "://") {
		who, err := d.people.of(ctx, target)
		if err != nil {
			return f, err
		}
		f.Subject = &who
	}
	if post {
		f.Rule.Severity = node.Severity(c.FormValue("severity"))
		f.Rule.RejectMedia, f.Rule.RejectReports = c.FormValue("media") != "", c.FormValue("reports") != ""
		f.Rule.Comment, f.Rule.PublicComment = strings.TrimSpace(c.FormValue("comment")), strings.TrimSpace(c.FormValue("public"))
		return f, f.Rule.Validate()
	}
	return f, nil
}

func rulePage(c echo.Context, d *desk) (head, templ.Component, error) {
	ctx := c.Request().Context()
	f, err := d.ruleAsked(c)
	if err != nil && node.KindOf(err) == node.Internal {
		return head{}, nil, err
	}
	if err == nil && c.Request().Method == http.MethodPost { // to look at first
		if f.Would, err = d.node.TryRules(ctx, []*node.Rule{&f.Rule}, nil); err != nil && node.KindOf(err) == node.Internal {
			return head{}, nil, err
		}
	}
	return unlisted(say(ctx, "rules.one")), ruleBody(d, f), nil
}

// makeRule says what a rule would do, and makes it where that was not all that was asked for.
func makeRule(c echo.Context, d *desk) error {
	ctx := c.Request().Context()
	f, err := d.ruleAsked(c)
	if err != nil {
		return d.wrongIn(c, rulePage, "target", err)
	}
	if c.FormValue("try") != "" {
		return shows(rulePage)(c, d)
	}
	if _, err := d.node.TryRules(ctx, []*node.Rule{&f.Rule}, nil); err != nil {
		return d.wrongIn(c, rulePage, "target", err)
	}
	if ok, err := d.confirmed(c); !ok {
		return err
	}
	done, err := d.node.ChangeRules(ctx, d.by(), []*node.Rule{&f.Rule}, nil)
	if err != nil {
		return err
	}
	return d.doneText(c, rulesPath, changeText(ctx, done))
}

// changeText says what a change of the rules did besides.
func changeText(ctx context.Context, c *node.RuleChange) string {
	if c.Set+c.Dropped == 0 {
		return say(ctx, "rules.same")
	}
	return strings.Join(append([]string{say(ctx, "rules.done")}, effects(ctx, c)...), " ")
}

// effects are sentences about what a change of the rules does.
func effects(ctx context.Context, c *node.RuleChange) (list []string) {
	for _, e := range []struct {
		n    int
		word string
	}{
		{c.Followers, "followers"}, {c.Following, "following"}, {c.Deliveries, "deliveries"},
		{c.Shares, "shares"}, {c.Hidden, "hidden"}, {c.Shown, "shown"},
	} {
		if e.n > 0 {
			list = append(list, sayCount(ctx, "rules.effect."+e.word, float64(e.n)))
		}
	}
	return list
}

// kept finds the rule for exactly this target.
func (d *desk) kept(c echo.Context) (*node.Rule, error) {
	p, err := d.node.Policy(c.Request().Context())
	if err != nil {
		return nil, err
	}
	target := c.FormValue("target")
	if r := p.Rule(target); r != nil && target != node.Everybody {
		return r, nil
	}
	return nil, &node.Error{Op: "change rule", Kind: node.NotFound, Subject: target, Text: say(c.Request().Context(), "rules.gone")}
}

func dropRule(c echo.Context, d *desk) error {
	ctx := c.Request().Context()
	r, err := d.kept(c)
	if err != nil {
		return d.again(c, rulesPage, err)
	}
	done, err := d.node.ChangeRules(ctx, d.by(), nil, []*node.Rule{r})
	if err != nil {
		return err
	}
	return d.doneText(c, rulesPath, changeText(ctx, done))
}

// purgeRule deletes for good what is kept of those whom a rule rejects.
func purgeRule(c echo.Context, d *desk) error {
	ctx := c.Request().Context()
	r, err := d.kept(c)
	if err != nil {
		return d.again(c, rulesPage, err)
	}
	if ok, err := d.confirmed(c); !ok {
		return err
	}
	_, objects, err := d.node.Purge(ctx, d.by(), r.Target)
	if err != nil {
		return d.again(c, rulesPage, err)
	}
	return d.doneCount(c, rulesPath, "rules.purged", objects)
}

// ruleWords says what a rule does, in a few words.
func ruleWords(ctx context.Context, r *node.Rule) string {
	parts := []string{}
	if r.Severity != node.SeverityNone {
		parts = append(parts, sayKnown(ctx, "severity.", string(r.Severity)))
	}
	if r.RejectMedia {
		parts = append(parts, say(ctx, "rules.media"))
	}
	if r.RejectReports {
		parts = append(parts, say(ctx, "rules.reports"))
	}
	return list(ctx, parts...)
}

func severityClass(s node.Severity) string {
	switch s {
	case node.SeverityReject:
		return "s-withdrawn"
	case node.SeverityLimit:
		return "s-paused"
	}
	return "s-filled"
}

func allowPage(c echo.Context, d *desk) (head, templ.Component, error) {
	ctx := c.Request().Context()
	all, err := d.node.Rules(ctx)
	if err != nil {
		return head{}, nil, err
	}
	on, hosts := false, []string{}
	for _, r := range all {
		on = on || r.Target == node.Everybody
		if r.Allow {
			hosts = append(hosts, r.Target)
		}
	}
	return unlisted(say(ctx, "allow.title")), allowBody(d, on, hosts, typed(c, "hosts")), nil
}

// changeAllow puts servers on the allow list, or takes one off it.
func changeAllow(c echo.Context, d *desk) error {
	ctx := c.Request().Context()
	var rules []*node.Rule
	for _, word := range strings.Fields(c.FormValue("hosts")) {
		host, ok := d.ui.opt.Wire.HostIn(word)
		if !ok {
			return d.againWith(c, allowPage, fieldErrors{{"hosts", say(ctx, "allow.nohost", plainName(word))}})
		}
		if !slices.ContainsFunc(rules, func(r *node.Rule) bool { return r.Target == host }) {
			rules = append(rules, &node.Rule{Target: host, Allow: true})
		}
	}
	if len(rules) == 0 {
		return d.againWith(c, allowPage, fieldErrors{{"hosts", say(ctx, "allow.none.given")}})
	}
	set, drop := rules, []*node.Rule(nil)
	if c.FormValue("remove") != "" {
		set, drop = nil, rules
	}
	if drop != nil { // with the list on, that ends contact
		if ok, err := d.confirmed(c); !ok {
			return err
		}
	}
	done, err := d.node.ChangeRules(ctx, d.by(), set, drop)
	if err != nil {
		return d.wrongIn(c, allowPage, "hosts", err)
	}
	return d.doneText(c, allowPath, changeText(ctx, done))
}

// setAllowMode makes the allow list count, or not any more.
func setAllowMode(c echo.Context, d *desk) error {
	ctx := c.Request().Context()
	if ok, err := d.confirmed(c); !ok {
		return err
	}
	rules := []*node.Rule{{Target: node.Everybody, Severity: node.SeverityReject}}
	set, drop := rules, []*node.Rule(nil)
	if c.FormValue("on") != "yes" {
		set, drop = nil, rules
	}
	done, err := d.node.ChangeRules(ctx, d.by(), set, drop)
	if err != nil {
		return err
	}
	return d.doneText(c, allowPath, changeText(ctx, done))
}

func moderationViews(ctx context.Context, here string) []leaf {
	return []leaf{
		{say(ctx, "moderation.reports"), moderationPath, 0, here == moderationPath},
		{say(ctx, "rules.title"), rulesPath, 0, here == rulesPath},
		{say(ctx, "allow.title"), allowPath, 0, here == allowPath},
	}
}
