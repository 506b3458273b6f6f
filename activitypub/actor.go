package activitypub

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/labstack/echo/v4"

	"github.com/coopnode/coopnode/node"
)

// getActor handles GET /ap/coop. It is served to anyone, signed or not: the key with which we
// sign our own requests stands in it (decisions 21).
func (w *Wire) getActor(c echo.Context) (*answer, error) { return w.actor(c.Request().Context()) }

func (w *Wire) actor(ctx context.Context) (*answer, error) {
	return w.kept(ctx, w.node.Links.Actor(), func(ctx context.Context) (*answer, error) {
		coop, err := w.node.Profile(ctx)
		if err != nil {
			return nil, err
		}
		return newAnswer(coop.Raw), nil
	})
}

const typeLinkedData = "application/ld+json"

// getContext handles GET /ns/coop/v1.jsonld: all our terms, for who wants to look them up. Nobody
// has to, since each document carries those that it uses.
func (w *Wire) getContext(c echo.Context) error {
	a, err := contextAnswer()
	if err != nil {
		return err
	}
	allowAnyOrigin(c)
	return w.send(c, a)
}

var contextAnswer = sync.OnceValues(func() (*answer, error) {
	body, err := Context()
	if err != nil {
		return nil, err
	}
	return newAnswerOf(typeLinkedData, cacheFixed, body), nil
})

// getSkill handles GET /ns/skills/{key}: what openings name when they ask for a skill. Every
// well-formed key is one, for anyone may use new ones (vocabulary 2.1).
func (w *Wire) getSkill(c echo.Context) error {
	key := strings.TrimPrefix(c.Request().URL.Path, node.Links{}.Skill("")) // decoded, unlike c.Param
	if !node.ValidSkill(key) {
		return echo.ErrNotFound
	}
	addVary(c)
	switch wanted(c.Request().Header["Accept"]) {
	case asPage:
		return c.Redirect(http.StatusSeeOther, w.node.Links.Board()+"?skill="+url.QueryEscape(key))
	case asNothing:
		return &statusError{http.StatusNotAcceptable, "This is to be had as " + typeLinkedData + ", and as a page in text/html."}
	}
	body, err := json.Marshal(map[string]any{
		"@context": map[string]any{
			"id": "@id", "type": "@type", "sdo": "http://schema.org/",
			"DefinedTerm": "sdo:DefinedTerm", "termCode": "sdo:termCode", "name": "sdo:name",
		},
		"id": w.node.Links.Skill(key), "type": "DefinedTerm",
		"termCode": key, "name": node.Skill{Key: key}.Label(),
	})
	if err != nil {
		return err
	}
	return w.send(c, newAnswerOf(typeLinkedData, cacheFixed, body))
}

// allowAnyOrigin lets scripts of other sites read the answer, as is usual for what is found
// under /.well-known (RFC 7033 5).
func allowAnyOrigin(c echo.Context) {
	c.Response().Header().Set(echo.HeaderAccessControlAllowOrigin, "*")
}
