package ui_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"
	"golang.org/x/net/html"

	"github.com/coopnode/coopnode/node"
)

var htmlLang = regexp.MustCompile(`<html lang="([^"]*)" dir="([^"]*)"`)

// In this order: the address, the cookie, the browser, the node's own.
func TestLanguageOfAVisit(t *testing.T) {
	s := newSite(t)
	for _, tt := range []struct{ name, query, cookie, accepts, want string }{
		{"the node's own", "", "", "", "en"},
		{"the browser's", "", "", "gl, en;q=0.5", "gl"},
		{"the best that we speak", "", "", "sv, de;q=0.9, fr;q=0.5", "fr"},
		{"of a region", "", "", "es-AR, en;q=0.5", "es"},
		{"of another region", "", "", "pt-BR", "pt"},
		{"Asturian reads Spanish", "", "", "ast", "es"},
		{"Asturian that names another", "", "", "ast, gl;q=0.9", "gl"},
		{"Basque reads Spanish", "", "", "eu", "es"},
		{"Catalan reads Spanish", "", "", "ca", "es"},
		{"Occitan reads French", "", "", "oc", "fr"},
		{"Mirandese reads Portuguese", "", "", "mwl", "pt"},
		{"none that we speak", "", "", "sv, ar", "en"},
		{"any", "", "", "*", "en"},
		{"nonsense", "", "", ";;q=", "en"},
		{"the cookie comes before the browser", "", "ja", "gl", "ja"},
		{"a cookie of no language of ours", "", "sv", "gl", "gl"},
		{"a cookie of nonsense", "", "%%%", "gl", "gl"},
		{"the address comes before the cookie", "es", "ja", "gl", "es"},
		{"an address that names none of ours", "ar", "ja", "gl", "ja"},
		{"an address of nonsense", "<b>", "", "fr", "fr"},
		{"no language for tests on a node of its own name", "en-XA", "", "ar-XB", "en"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			res, body := s.get("/about?lang="+url.QueryEscape(tt.query), "Accept-Language", tt.accepts, "Cookie", "__Host-language="+tt.cookie)
			m := htmlLang.FindStringSubmatch(body)
			if m == nil || m[1] != tt.want || m[2] != "ltr" || res.Header.Get("Content-Language") != tt.want {
				t.Errorf("the page is in %q, Content-Language %q, want %q", m, res.Header.Get("Content-Language"), tt.want)
			}
			vary := ", " + res.Header.Get("Vary") + ","
			if !strings.Contains(vary, ", Accept-Language,") || !strings.Contains(vary, ", Cookie,") {
				t.Errorf("Vary %q lacks what the language depends on", vary)
			}
			if res.Header.Get("Set-Cookie") != "" {
				t.Error("a cookie is set before a choice")
			}
		})
	}
	// An error speaks it too.
	if _, body := s.get("/nothing", "Accept-Language", "gl"); !strings.Contains(body, "Aquí non hai nada") {
		t.Error("a page of trouble is not in the visitor's language")
	}
}

// The node's own language is that in which the coop says who it is.
func TestNodesOwnLanguage(t *testing.T) {
	s := newSite(t)
	for _, tt := range []struct {
		summary   []node.Text
		languages []string
		want      string
	}{
		{[]node.Text{{Lang: "gl", Source: "Catorce persoas."}, {Lang: "en", Source: "Fourteen people."}}, []string{"en"}, "gl"},
		{[]node.Text{{Lang: "sv", Source: "Fjorton personer."}}, []string{"sv", "fr-CA"}, "fr"},
		{nil, []string{"ja"}, "ja"},
		{nil, nil, "en"},
	} {
		if _, err := s.node.SaveProfile(t.Context(), "test", func(a *node.Actor) error {
			a.Summary, a.Coop.Languages = tt.summary, tt.languages
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if _, body := s.get("/"); htmlLang.FindStringSubmatch(body)[1] != tt.want {
			t.Errorf("%v, %v: %s, want %s", tt.summary, tt.languages, htmlLang.FindString(body), tt.want)
		}
		if f := readFeed(t, s, "/openings.atom"); f.Lang != tt.want {
			t.Errorf("%v, %v: the feed is in %q", tt.summary, tt.languages, f.Lang)
		}
	}
}

// send posts a form as a browser does from a page of ours; headers come in pairs.
func (s *site) send(path string, form url.Values, headers ...string) *http.Response {
	req := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form.Encode()))
	req.Header.Set("Content-Type", echo.MIMEApplicationForm)
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	rec := httptest.NewRecorder()
	s.echo.ServeHTTP(rec, req)
	return rec.Result()
}

// The choice of a language is kept in a cookie that is for this host alone (SES-1), and goes back to a page of ours only
// (WEB-1). No other site can choose (CSRF-1).
func TestChoosingALanguage(t *testing.T) {
	s := newSite(t)
	_, body := s.get("/openings?kind=job&lang=fr")
	if !strings.Contains(body, `<input type="hidden" name="next" value="/openings?kind=job">`) {
		t.Error("the menu does not lead back to the page that it stands on")
	}
	for _, want := range []string{`value="gl"><span lang="gl">Galego</span>`, `<span lang="ja">日本語</span> <small>ébauche</small>`, `value="fr" aria-current="true"`} {
		if !strings.Contains(body, want) {
			t.Errorf("the menu lacks %s", want)
		}
	}
	if strings.Contains(body, `value="gl"><span lang="gl">Galego</span> <small>`) {
		t.Error("Galician is called a draft")
	}
	res := s.send("/language", url.Values{"language": {"gl"}, "next": {"/openings?kind=job"}})
	cookies := res.Cookies()
	if res.StatusCode != http.StatusSeeOther || res.Header.Get("Location") != "/openings?kind=job" || len(cookies) != 1 {
		t.Fatalf("%s to %q, cookies %v", res.Status, res.Header.Get("Location"), cookies)
	}
	if c := cookies[0]; c.Name != "__Host-language" || c.Value != "gl" || !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" || c.MaxAge < 1000 {
		t.Errorf("cookie %+v", c)
	}
	if res, body := s.get("/about", "Cookie", cookies[0].String(), "Accept-Language", "en"); res.Header.Get("Content-Language") != "gl" || !strings.Contains(body, "Sobre este sitio") {
		t.Error("the choice is not kept")
	}
	for _, next := range []string{"", "//evil.example/", `/\evil.example`, "https://evil.example/", "///evil.example/", "/not/here", "/console/sessions/end", "openings", "/a\r\nb", "/" + strings.Repeat("x", 3000)} {
		if res := s.send("/language", url.Values{"language": {"gl"}, "next": {next}}); res.Header.Get("Location") != "/" {
			t.Errorf("%q leads to %q", next, res.Header.Get("Location"))
		}
	}
	for name, res := range map[string]*http.Response{
		"403 from another site":         s.send("/language", url.Values{"language": {"gl"}}, "Sec-Fetch-Site", "cross-site"),
		"403 from another origin":       s.send("/language", url.Values{"language": {"gl"}}, "Sec-Fetch-Site", "", "Origin", "https://evil.example"),
		"415 as JSON":                   s.send("/language", url.Values{"language": {"gl"}}, "Content-Type", "application/json"),
		"400 of a language unknown":     s.send("/language", url.Values{"language": {"tlh"}}),
		"400 of a language for tests":   s.send("/language", url.Values{"language": {"en-XA"}}),
		"400 of no language":            s.send("/language", nil),
		"400 of a language in capitals": s.send("/language", url.Values{"language": {"GL"}}),
	} {
		if !strings.HasPrefix(name, res.Status[:3]) || len(res.Cookies()) > 0 {
			t.Errorf("%s: %s, cookies %v", name, res.Status, res.Cookies())
		}
	}
	if res, _ := s.get("/language"); res.StatusCode != http.StatusSeeOther || len(res.Cookies()) > 0 {
		t.Errorf("GET: %s, cookies %v", res.Status, res.Cookies())
	}
}

// A node made with init --dev speaks the languages for tests: none of the texts of a page stands outside the language
// files, and the other one runs from right to left.
func TestLanguagesForTests(t *testing.T) {
	s := devSite(t)
	if err := membersOf(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	_, body := s.get("/about?lang=en-XA")
	if !strings.Contains(body, `<html lang="en-XA" dir="ltr">`) || !strings.Contains(body, "[Àƀöûţ ţĥîš šîţé") {
		t.Errorf("the long language: %.300s", body)
	}
	if res := s.send("/language", url.Values{"language": {"ar-XB"}}); res.StatusCode != http.StatusSeeOther || res.Cookies()[0].Name != "language" || res.Cookies()[0].Secure {
		t.Errorf("choosing on a node without TLS: %s, %v", res.Status, res.Cookies())
	}
	coop, err := s.node.Profile(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	people, err := json.Marshal([]any{coop, s.stall}) // what they say, and not the pages
	if err != nil {
		t.Fatal(err)
	}
	// Names of languages and countries come from CLDR, those of programs and formats are the same in every language.
	known := string(people) + "English Español Galego Português Français Japanese Galician Spanish Spain Pseudo RTL UTC coopnode coop.example social.example Trama Liga Ponte Quebracho"
	for _, p := range []string{"/", "/openings", path(s.Dated), path(s.Opening), path(s.Filled), path(s.Paused), "/projects", path(s.Project), "/posts", path(s.Post), path(s.Question),
		"/directory", "/search", "/numbers", "/about", "/tags/maps", "/interact", "/authorize_interaction?uri=https://x.example/", "/nothing", "/federations/ponte.example"} {
		_, body := s.get(p, "Cookie", "language=ar-XB")
		if !strings.Contains(body, `<html lang="ar-XB" dir="rtl">`) {
			t.Errorf("%s does not run from right to left: %.100s", p, body)
		}
		for _, word := range unspoken(t, body) {
			if !strings.Contains(known, word) {
				t.Errorf("%s says %q, which is in no language file", p, word)
			}
		}
	}
}

var latinWord = regexp.MustCompile(`\p{Latin}{3,}`)

// said says whether somebody said a text, in whatever language, or is to type it.
func said(n *html.Node) bool {
	for e := range n.Ancestors() {
		if e.Data == "code" || e.Data == "bdi" || e.Data == "title" || e.Data == "script" {
			return true
		}
		for _, a := range e.Attr {
			if a.Key == "lang" && e.Data != "html" {
				return true
			}
		}
	}
	return false
}

// unspoken are the words in Latin letters that a page itself shows or tells.
func unspoken(t *testing.T, body string) (words []string) {
	t.Helper()
	root, err := html.Parse(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for n := range root.Descendants() {
		if n.Type == html.TextNode && !said(n) {
			words = append(words, latinWord.FindAllString(n.Data, -1)...)
		}
		for _, a := range n.Attr {
			switch a.Key {
			case "alt", "aria-label", "placeholder", "title":
				words = append(words, latinWord.FindAllString(a.Val, -1)...)
			}
		}
	}
	return words
}
