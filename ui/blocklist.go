package ui

import (
	"bytes"
	"context"
	"net/http"
	"strings"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"github.com/coopnode/coopnode/node"
)

const (
	maxRuleList  = 6 << 20 // bytes of a list in Mastodon's CSV
	previewShown = 20      // rules and rows of each kind in a preview
)

// A rulePreview is what a list from elsewhere would change. Nothing of it is kept here: List travels in the form.
type rulePreview struct {
	List    string // the rows that make a rule, in the same form
	Replace bool
	Rows    int // that make a rule
	Rules   []*node.Rule
	Skipped []node.SkippedRow
	Would   *node.RuleChange
}

func importPage(c echo.Context, d *desk) (head, templ.Component, error) {
	ctx := c.Request().Context()
	return unlisted(say(ctx, "blocklist.title")), importBody(d, typed(c, "list")), nil
}

// preview reads a list and says what taking it over would change.
func (d *desk) preview(c echo.Context, text string) (*rulePreview, error) {
	ctx := c.Request().Context()
	p := &rulePreview{Replace: c.FormValue("replace") != ""}
	read, err := d.ui.opt.Wire.ReadRules(strings.NewReader(text), d.self.IRI)
	if err != nil {
		return nil, err
	}
	p.Rows, p.Skipped = len(read.Rules), read.Skipped
	if p.Rules, err = d.node.MergeRules(ctx, read.Rules, p.Replace); err != nil {
		return nil, err
	}
	if p.Would, err = d.node.TryRules(ctx, p.Rules, nil); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := d.ui.opt.Wire.WriteRules(&b, read.Rules); err != nil {
		return nil, err
	}
	p.List = b.String()
	return p, nil
}

func previewRules(c echo.Context, d *desk) error {
	ctx := c.Request().Context()
	text, err := formText(c, "file", maxRuleList)
	if err != nil {
		return d.wrongIn(c, importPage, "file", err)
	}
	if text == "" {
		text = c.FormValue("list")
	}
	if strings.TrimSpace(text) == "" {
		return d.againWith(c, importPage, fieldErrors{{"file", say(ctx, "blocklist.none")}})
	}
	p, err := d.preview(c, text)
	if err != nil {
		return d.wrongIn(c, importPage, "file", err)
	}
	return d.show(c, unlisted(say(ctx, "blocklist.preview")), previewBody(d, p))
}

func takeRules(c echo.Context, d *desk) error {
	ctx := c.Request().Context()
	p, err := d.preview(c, c.FormValue("list"))
	if err != nil {
		return d.wrongIn(c, importPage, "list", err)
	}
	if ok, err := d.confirmed(c); !ok {
		return err
	}
	done, err := d.node.ChangeRules(ctx, d.by(), p.Rules, nil)
	if err != nil {
		return d.wrongIn(c, importPage, "list", err)
	}
	return d.doneText(c, rulesPath, changeText(ctx, done))
}

// exportRules gives the rules for servers as Mastodon reads them.
func exportRules(c echo.Context, d *desk) error {
	rules, err := d.node.Rules(c.Request().Context())
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := d.ui.opt.Wire.WriteRules(&b, rules); err != nil {
		return err
	}
	return download(c, "blocked-servers.csv", "text/csv; charset=utf-8", b.Bytes())
}

// download gives a file to who is signed in.
func download(c echo.Context, name, contentType string, body []byte) error {
	downloadHeaders(c, name)
	return c.Blob(http.StatusOK, contentType, body)
}

// downloadHeaders are those of a file that only its reader may keep.
func downloadHeaders(c echo.Context, name string) {
	fileHeaders(c)
	h := c.Response().Header()
	h.Set("Cache-Control", "private, no-store")
	h.Set(echo.HeaderContentDisposition, `attachment; filename="`+name+`"`)
}

// skips are the reasons for which rows of a list make no rule, and the ends of the keys of what people are told.
var skips = map[string]string{
	"it is no line of CSV":               "csv",
	"its name was made unreadable":       "unreadable",
	"it is no host name":                 "nohost",
	"it would be about this node itself": "own",
	"everybody can have a name under it": "suffix",
	"it asks for nothing":                "nothing",
}

func skipText(ctx context.Context, why string) string {
	if word, known := skips[why]; known {
		return say(ctx, "blocklist.skip."+word)
	}
	return plainName(why)
}
