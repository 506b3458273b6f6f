package aptest

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/coopnode/coopnode/node"
)

// A Clerk is a person of a coop at a browser without scripts: signed in to the node's console, over HTTP.
type Clerk struct {
	t       testing.TB
	home    *Node
	cookies map[string]string
	csrf    string
}

// Clerk invites a person with that role, who accepts.
func (n *Node) Clerk(role node.Role) *Clerk {
	n.t.Helper()
	token, p, err := n.InvitePerson(n.t.Context(), "command:test", "Ana "+node.NewID(), node.NewID()+"@coop.example", role)
	n.must(err)
	c := &Clerk{n.t, n, map[string]string{}, ""}
	c.Get("/welcome/" + token)
	if a := c.Post("/welcome/"+token, url.Values{"name": {p.Name}, "password": {"violet harbour tractor nine"}}); a.Status != http.StatusSeeOther {
		n.t.Fatalf("the invitation was answered %d: %s", a.Status, a.Body)
	}
	c.Get("/console")
	return c
}

// Get asks for a page.
func (c *Clerk) Get(path string) Answer {
	c.t.Helper()
	return c.kept(Get(c.t, c.home.Links.Base+path, "Accept", "text/html", "Cookie", c.cookie()))
}

// Post sends a form, with the token of the last page.
func (c *Clerk) Post(path string, form url.Values) Answer {
	c.t.Helper()
	form.Set("csrf", c.csrf)
	return c.kept(PostForm(c.t, c.home.Links.Base+path, form, "Cookie", c.cookie(), "Sec-Fetch-Site", "same-origin"))
}

func (c *Clerk) cookie() string {
	var pairs []string
	for name, value := range c.cookies {
		pairs = append(pairs, name+"="+value)
	}
	return strings.Join(pairs, "; ")
}

var hiddenToken = regexp.MustCompile(`name="csrf" value="([^"]*)"`)

func (c *Clerk) kept(a Answer) Answer {
	for _, cookie := range (&http.Response{Header: a.Header}).Cookies() {
		if c.cookies[cookie.Name] = cookie.Value; cookie.MaxAge < 0 {
			delete(c.cookies, cookie.Name)
		}
	}
	if m := hiddenToken.FindSubmatch(a.Body); m != nil {
		c.csrf = html.UnescapeString(string(m[1]))
	}
	return a
}
