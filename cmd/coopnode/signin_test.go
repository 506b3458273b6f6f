package main

import (
	"context"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	tree "golang.org/x/net/html"
)

// signInLink is a link with which somebody signs in at a node of the demo.
func (s *sample) signInLink(t *testing.T, label string) string {
	t.Helper()
	p := s.beside(t, label)
	link := regexp.MustCompile(`http://\S+`).FindString(p.command("person", "link", "-q", guestName))
	if link == "" {
		t.Fatalf("there is no link to sign in at %s", label)
	}
	return link
}

// beside gives the commands of a node of the demo.
func (s *sample) beside(t *testing.T, label string) *program {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(s.demo.dir, "coopnode-demo-*", label))
	if err != nil || len(found) != 1 {
		t.Fatalf("the data of %s: %v, %v", label, found, err)
	}
	return &program{TB: t, bin: "coopnode", dir: found[0], base: s.nodes[label], log: &quietBuffer{}}
}

// signedIn presses the button behind a link to sign in, and gives the cookie of the session.
func signedIn(t *testing.T, link string) (cookie string) {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	c := &http.Client{Jar: jar, Timeout: time.Minute, Transport: &http.Transport{
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			_, port, err := net.SplitHostPort(address)
			if err != nil {
				return nil, err
			}
			return new(net.Dialer).DialContext(ctx, network, "127.0.0.1:"+port)
		},
	}}
	res, err := c.Get(link)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	doc, err := tree.Parse(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	form := url.Values{}
	for e := range doc.Descendants() {
		at := map[string]string{}
		for _, a := range e.Attr {
			at[a.Key] = a.Val
		}
		if e.Data == "input" && at["type"] == "hidden" {
			form.Set(at["name"], at["value"])
		}
	}
	done, err := c.PostForm(link, form)
	if err != nil {
		t.Fatal(err)
	}
	done.Body.Close()
	for _, k := range jar.Cookies(res.Request.URL) {
		if k.Name == "session" {
			return k.Name + "=" + k.Value
		}
	}
	t.Fatalf("signing in with %s ends at %s: %s", link, done.Request.URL, done.Status)
	return ""
}
