package activitypub

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"github.com/coopnode/coopnode/node"
)

// getOutbox handles GET /ap/coop/outbox: our public Creates and Announces, newest first, twenty
// to a page (ActivityPub 5.1, interop.md 4.1). max_id gives the page of what is older than an act,
// min_id the page of the oldest from an act on.
func (w *Wire) getOutbox(c echo.Context) (*answer, error) {
	ctx, params := c.Request().Context(), c.QueryParams()
	if params.Get("page") != "true" {
		return w.kept(ctx, w.node.Links.Outbox(), w.outbox)
	}
	q := node.ActQuery{Outbox: true}
	at, cursor := &q.Before, params.Get("max_id")
	if cursor == "" {
		at, cursor = &q.From, params.Get("min_id")
	}
	if cursor == "" {
		return w.kept(ctx, firstPage(w.node.Links.Outbox()), func(ctx context.Context) (*answer, error) { return w.outboxPage(ctx, q) })
	}
	var err error
	if *at, err = strconv.ParseInt(cursor, 10, 64); err != nil || *at < 1 {
		return nil, &statusError{http.StatusBadRequest, "max_id and min_id are numbers from the pages of this outbox."}
	}
	return w.outboxPage(ctx, q)
}

func (w *Wire) outbox(ctx context.Context) (*answer, error) {
	n, err := w.node.Store().CountOutbox(ctx)
	if err != nil {
		return nil, err
	}
	id := w.node.Links.Outbox()
	return written(newCollection(id, n, firstPage(id), firstPage(id)+"&min_id=1"))
}

func (w *Wire) outboxPage(ctx context.Context, q node.ActQuery) (*answer, error) {
	q.Limit = pageOfActs + 1
	acts, err := w.node.Store().Acts(ctx, q)
	if err != nil {
		return nil, err
	}
	whole := w.node.Links.Outbox()
	id := firstPage(whole)
	older, newer := len(acts) > pageOfActs, q.Before != 0
	switch {
	case q.Before != 0:
		id += fmt.Sprint("&max_id=", q.Before)
	case q.From != 0:
		// The one too many is the newest here, and there may be older ones before the first.
		id += fmt.Sprint("&min_id=", q.From)
		older, newer = q.From > 1, older
		if newer {
			acts = acts[1:]
		}
	}
	acts = acts[:min(len(acts), pageOfActs)]
	var next, prev string
	if len(acts) > 0 {
		if older {
			next = fmt.Sprint(firstPage(whole), "&max_id=", acts[len(acts)-1].Seq)
		}
		if newer {
			prev = fmt.Sprint(firstPage(whole), "&min_id=", acts[0].Seq+1)
		}
	}
	p, err := newPage(id, whole, next, prev)
	if err != nil {
		return nil, err
	}
	doc, err := p.Serialize()
	if err != nil {
		return nil, fmt.Errorf("write page of outbox: %w", err)
	}
	body, err := finishPage(doc, acts)
	if err != nil {
		return nil, err
	}
	return newAnswer(body), nil
}

// finishPage is finish for a page of acts. They go in as they are stored, with the order of
// languages that was meant, under one @context that serves all of them.
func finishPage(doc map[string]any, acts []*node.ActRecord) ([]byte, error) {
	used := map[string]bool{}
	items := make([]map[string]json.RawMessage, len(acts))
	for i, a := range acts {
		if err := json.Unmarshal(a.Raw, &items[i]); err != nil {
			return nil, fmt.Errorf("read stored act %s: %w", a.IRI, err)
		}
		var context any
		if err := json.Unmarshal(items[i]["@context"], &context); err != nil {
			return nil, fmt.Errorf("read context of stored act %s: %w", a.IRI, err)
		}
		for _, part := range List(context) {
			if part == contextSecurity {
				used["publicKey"] = true
			}
			for name := range Obj(part) {
				used[name] = true
			}
		}
		delete(items[i], "@context")
	}
	walk(doc, used)
	doc["orderedItems"] = items
	doc["@context"] = contextOf(used)
	body, err := json.Marshal(doc)
	if err != nil {
		return nil, fmt.Errorf("write page of outbox: %w", err)
	}
	return body, nil
}
