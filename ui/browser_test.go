package ui_test

import (
	"html"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/coopnode/coopnode/node"
)

// A browser is somebody at a site: it keeps cookies, and sends forms with what stood hidden in them.
type browser struct {
	testing.TB
	site    *site
	person  *node.Person // who is signed in
	cookies map[string]string
	csrf    string
	from    string // address of the visitor; one of always if empty
}

// visitor is a browser of somebody who is not signed in.
func (s *site) visitor(t testing.TB) *browser {
	return &browser{TB: t, site: s, cookies: map[string]string{}}
}

// signedIn is a browser of a new person with that role, who has the password goodPassword.
func (s *site) signedIn(t testing.TB, role node.Role) *browser {
	t.Helper()
	b := s.visitor(t)
	token, p, err := s.node.InvitePerson(t.Context(), "command:test", "Ana "+node.NewID(), node.NewID()+"@toxeira.example", role)
	if err != nil {
		t.Fatal(err)
	}
	b.get("/welcome/" + token)
	res, body := b.post("/welcome/"+token, "name", p.Name, "password", goodPassword)
	if res.StatusCode != http.StatusSeeOther {
		t.Fatalf("the invitation was answered %s: %s", res.Status, body)
	}
	if b.person, err = s.node.Person(t.Context(), p.ID); err != nil {
		t.Fatal(err)
	}
	b.get("/console")
	return b
}

const goodPassword = "violet harbour tractor nine"

var hiddenCSRF = regexp.MustCompile(`name="csrf" value="([^"]*)"`)

func (b *browser) get(path string) (*http.Response, string) {
	b.Helper()
	return b.send(httptest.NewRequest(http.MethodGet, path, nil))
}

// post sends a form; its fields come in pairs.
func (b *browser) post(path string, fields ...string) (*http.Response, string) {
	b.Helper()
	form := url.Values{"csrf": {b.csrf}}
	for i := 0; i+1 < len(fields); i += 2 {
		form.Add(fields[i], fields[i+1])
	}
	return b.postForm(path, form)
}

func (b *browser) postForm(path string, form url.Values, headers ...string) (*http.Response, string) {
	b.Helper()
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return b.send(r)
}

func (b *browser) send(r *http.Request) (*http.Response, string) {
	b.Helper()
	r.Header.Set("Accept", "text/html")
	for name, value := range b.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	if b.from != "" {
		r.RemoteAddr = net.JoinHostPort(b.from, "5000")
	}
	rec := httptest.NewRecorder()
	b.site.echo.ServeHTTP(rec, r)
	res, body := rec.Result(), rec.Body.String()
	for _, c := range res.Cookies() {
		if b.cookies[c.Name] = c.Value; c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		}
	}
	if m := hiddenCSRF.FindStringSubmatch(body); m != nil {
		b.csrf = html.UnescapeString(m[1])
	}
	return res, body
}
