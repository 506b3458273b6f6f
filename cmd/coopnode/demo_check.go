package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"

	"github.com/coopnode/coopnode/node"
)

// checkAll looks at everything on every node.
func (v *village) checkAll(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for _, n := range v.coops {
		v.step(ctx, n.label+" has everything as it should be, once", func() error { return v.complete(ctx, n) })
		v.checkDoors(ctx, n)
	}
	question, answer, opening := v.said[0], v.said[1], v.said[2]
	v.step(ctx, "the answer stands under the question", func() error {
		doc, err := v.document(ctx, question.by, "/ap/posts/"+question.id+"/replies")
		if err := firstError(err, wants(doc, "totalItems", float64(1))); err != nil {
			return err
		}
		page, err := v.get(ctx, question.by, "/posts/"+question.id, "text/html", http.StatusOK)
		return firstError(err, mustHave("the page of the question", page, "one vote on a loan"), mustHave("the page of the question", page, answer.by.name))
	})
	v.step(ctx, "the filled opening says so", func() error {
		doc, err := v.document(ctx, opening.by, "/ap/openings/"+opening.id)
		if err := firstError(err, wants(doc, "coop:status", "filled")); err != nil {
			return err
		}
		_, err = v.get(ctx, opening.by, "/openings/"+opening.id, "text/html", http.StatusOK)
		return err
	})
	for _, s := range v.said {
		if s.typ == node.TypeOpening && s.status == node.Open {
			for _, n := range v.coops {
				v.step(ctx, fmt.Sprintf("%s has in its feed what it knows to be open", n.label), func() error {
					feed, err := v.get(ctx, n, "/openings.atom", "", http.StatusOK)
					if err == nil && strings.Contains(feed, s.title) != v.expects(n, s) {
						err = fmt.Errorf("the feed of %s has “%s”: %v, not %v", n.short, s.title, !v.expects(n, s), v.expects(n, s))
					}
					return err
				})
			}
		}
		if s.deleted {
			v.step(ctx, "what was deleted is 410", func() error {
				_, err := v.get(ctx, s.by, "/ap/posts/"+s.id, "application/activity+json", http.StatusGone)
				if err == nil {
					_, err = v.get(ctx, s.by, "/posts/"+s.id, "text/html", http.StatusGone)
				}
				return err
			})
		}
	}
}

// checkDoors looks at what a node answers to those who look for it.
func (v *village) checkDoors(ctx context.Context, n *villager) {
	v.step(ctx, n.label+" answers WebFinger", func() error { return v.checkWebFinger(ctx, n) })
	v.step(ctx, n.label+" serves its actor", func() error {
		doc, err := v.document(ctx, n, "/ap/coop")
		return firstError(err, wants(doc, "type", "Organization"), wants(doc, "id", n.links().Actor()), wants(doc, "name", n.name))
	})
	v.step(ctx, n.label+" shows its page", func() error {
		page, err := v.get(ctx, n, "/", "text/html", http.StatusOK)
		return firstError(err, mustHave(n.base()+"/", page, n.name))
	})
}

// expects says whether a node should hold what was said: its own, from those whom it follows, and answers to its own.
func (v *village) expects(n *villager, s *saying) bool {
	return s.by == n || slices.Contains(n.follows, s.by) || s.answers != nil && s.answers.by == n
}

// complete says what is wrong with all that a node holds; nil if nothing is.
func (v *village) complete(ctx context.Context, n *villager) error {
	times := map[string]int{}
	replies := map[string]int{}
	for _, t := range []node.ObjectType{node.TypePost, node.TypeOpening, node.TypeProject} {
		all, err := n.h.objects(ctx, node.ObjectQuery{Type: t, Drafts: true}, 0)
		if err != nil {
			return err
		}
		for _, o := range all {
			times[o.Common().IRI]++
			replies[o.Common().IRI] = o.Common().Replies
		}
	}
	held := 0
	for _, s := range v.said {
		want := 0
		if v.expects(n, s) {
			if err := v.holds(ctx, n, s); err != nil {
				return err
			}
			if !s.deleted {
				want, held = 1, held+1
			}
		}
		if times[s.iri] != want {
			return fmt.Errorf("%s has %s %d times, not %d", n.short, s.iri, times[s.iri], want)
		}
		answers := 0
		for _, a := range v.said {
			if a.answers == s && v.expects(n, a) {
				answers++
			}
		}
		if want > 0 && replies[s.iri] != answers {
			return fmt.Errorf("%s counts %d answers to %s, not %d", n.short, replies[s.iri], s.iri, answers)
		}
	}
	if len(times) != held {
		return fmt.Errorf("%s holds %d objects, not %d", n.short, len(times), held)
	}
	following, err := n.h.CountFollowing(ctx)
	if err == nil && following != len(n.follows) {
		err = fmt.Errorf("%s follows %d, not %d", n.short, following, len(n.follows))
	}
	return err
}

func (v *village) checkWebFinger(ctx context.Context, n *villager) error {
	body, err := v.get(ctx, n, "/.well-known/webfinger?resource=acct:"+n.label+"@"+n.host, "", http.StatusOK)
	if err != nil {
		return err
	}
	var doc struct {
		Subject string
		Links   []struct{ Rel, Type, Href string }
	}
	if err := json.Unmarshal([]byte(body), &doc); err != nil {
		return err
	}
	for _, l := range doc.Links {
		if l.Rel == "self" && l.Href == n.links().Actor() && doc.Subject == "acct:"+n.label+"@"+n.host {
			return nil
		}
	}
	return fmt.Errorf("WebFinger of %s does not lead to %s: %s", n.short, n.links().Actor(), body)
}

func (v *village) document(ctx context.Context, n *villager, path string) (map[string]any, error) {
	body, err := v.get(ctx, n, path, "application/activity+json", http.StatusOK)
	if err != nil {
		return nil, err
	}
	var doc map[string]any
	return doc, json.Unmarshal([]byte(body), &doc)
}

func wants(doc map[string]any, key string, want any) error {
	if doc != nil && doc[key] != want {
		return fmt.Errorf("%s of %v is %v, not %v", key, doc["id"], doc[key], want)
	}
	return nil
}

func mustHave(what, text, want string) error {
	if !strings.Contains(text, want) {
		return fmt.Errorf("%s does not contain “%s”", what, want)
	}
	return nil
}

// mistakes looks in the numbers and the log of a node for answers with 500, panics and errors (HTTP-2, HTTP-3), and for data
// races where the program is built to find them.
func (v *village) mistakes(ctx context.Context, n *villager) error {
	c := &http.Client{Timeout: visitor.Timeout, Transport: &http.Transport{DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", n.metrics())
		}}}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, n.base()+"/metrics", nil)
	if err != nil {
		return err
	}
	numbers, err := answered(c, r, http.StatusOK)
	if err != nil {
		return err
	}
	for _, name := range []string{"coopnode_http_bugs_total", "coopnode_panics_total"} {
		if !strings.Contains(numbers, "\n"+name+" 0\n") {
			return fmt.Errorf("%s of %s is not 0:\n%s", name, n.short, numbers)
		}
	}
	log, err := os.ReadFile(n.log())
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(log)) {
		if strings.Contains(line, `"level":"ERROR"`) || strings.Contains(line, "panic") || strings.Contains(line, "DATA RACE") {
			return fmt.Errorf("%s has logged: %s", n.short, strings.TrimSpace(line))
		}
	}
	return nil
}
