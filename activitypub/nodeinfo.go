package activitypub

import (
	"context"
	"encoding/json"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/coopnode/coopnode/node"
)

// SoftwareName is how a coopnode names itself in NodeInfo: by it others know that they speak to
// one of theirs.
const SoftwareName = "coopnode"

// nodeInfoSchema is the name of a version of NodeInfo; nothing is fetched from there.
func nodeInfoSchema(version string) string {
	return "http://nodeinfo.diaspora.software/ns/schema/" + version
}

// nodeInfoLinks handles GET /.well-known/nodeinfo (FEP-f1d5).
func (w *Wire) nodeInfoLinks(c echo.Context) error {
	var links []jrdLink
	for _, version := range []string{"2.0", "2.1"} {
		links = append(links, jrdLink{Rel: nodeInfoSchema(version), Href: w.node.Links.Base + "/nodeinfo/" + version})
	}
	return w.sendJSON(c, "application/json", cacheFixed, map[string]any{"links": links})
}

// nodeInfo handles GET /nodeinfo/{version}.
func (w *Wire) nodeInfo(version string) echo.HandlerFunc {
	mime := `application/json; profile="` + nodeInfoSchema(version) + `#"`
	return func(c echo.Context) error {
		a, err := w.kept(c.Request().Context(), "nodeinfo "+version, func(ctx context.Context) (*answer, error) {
			usage, name, err := w.usage(ctx)
			if err != nil {
				return nil, err
			}
			body, err := json.Marshal(map[string]any{
				"version":           version,
				"software":          map[string]any{"name": SoftwareName, "version": w.version},
				"protocols":         []string{"activitypub"},
				"services":          map[string]any{"inbound": []string{}, "outbound": []string{"atom1.0"}},
				"openRegistrations": false,
				"usage":             usage,
				"metadata":          map[string]any{"nodeName": name},
			})
			if err != nil {
				return nil, err
			}
			a := newAnswerOf(mime, cacheDocument, body)
			a.until = w.node.Now().Add(openFor)
			return a, nil
		})
		if err != nil {
			return err
		}
		allowAnyOrigin(c)
		return w.send(c, a)
	}
}

// usage counts what everybody may see and nothing else (HTTP-7): drafts, messages to some and
// closed openings stay out. There is one user, the coop.
func (w *Wire) usage(ctx context.Context) (usage map[string]any, name string, err error) {
	coop, err := w.node.Profile(ctx)
	if err != nil {
		return nil, "", err
	}
	now := w.node.Now()
	count := func(q node.ObjectQuery) (n int) {
		q.Local, q.Listed = true, true
		if err == nil {
			n, err = w.node.Count(ctx, q)
		}
		return n
	}
	all := count(node.ObjectQuery{Type: node.TypePost})
	alone := count(node.ObjectQuery{Posts: true})
	posts := alone + count(node.ObjectQuery{Type: node.TypeProject}) +
		count(node.ObjectQuery{Type: node.TypeOpening, OpenAt: now})
	if err != nil {
		return nil, "", err
	}
	newest, err := w.node.Store().Acts(ctx, node.ActQuery{Outbox: true, Limit: 1})
	if err != nil {
		return nil, "", err
	}
	active := func(within time.Duration) int {
		if len(newest) > 0 && now.Sub(newest[0].At) <= within {
			return 1
		}
		return 0
	}
	const day = 24 * time.Hour
	return map[string]any{
		"users":         map[string]any{"total": 1, "activeMonth": active(30 * day), "activeHalfyear": active(180 * day)},
		"localPosts":    posts,
		"localComments": all - alone,
	}, coop.Name, nil
}
