package ui

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/coopnode/coopnode/node"
)

// numbers handles GET /numbers: what this node has seen of the network.
func (u *ui) numbers(c echo.Context, v *visit) (view, error) {
	ctx := c.Request().Context()
	seen, err := u.node.Numbers(ctx)
	if err != nil {
		return view{}, err
	}
	var by []person
	for _, f := range seen.By {
		who, err := v.people.of(ctx, f.IRI)
		if err != nil {
			return view{}, err
		}
		by = append(by, who)
	}
	h := head{Title: say(ctx, "numbers.title"), Description: say(ctx, "numbers.lead", day(ctx, seen.Since)), Kind: "website", Canonical: u.node.Links.Numbers(),
		Document: u.node.Links.Actor(), Section: "/numbers"}
	return view{head: h, body: numbersBody(v, seen, by)}, nil
}

// numbersJSON handles GET /numbers.json: the same for programs.
func (u *ui) numbersJSON(c echo.Context) error {
	seen, err := u.node.Numbers(c.Request().Context())
	if err != nil {
		return err
	}
	told := *seen
	told.Since, told.At = told.Since.UTC().Truncate(time.Second), told.At.Truncate(time.Second)
	if told.By == nil {
		told.By = []*node.FederationNumbers{}
	}
	body, err := json.MarshalIndent(struct {
		SeenBy string `json:"seenBy"` // the node whose numbers these are
		node.Numbers
	}{u.node.Links.Actor(), told}, "", "  ")
	if err != nil {
		return err
	}
	fileHeaders(c)
	return send(c, http.StatusOK, echo.MIMEApplicationJSON, "no-cache", append(body, '\n'))
}
