package main

import (
	"fmt"
	"html"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/coopnode/coopnode/activitypub"
	"github.com/coopnode/coopnode/node"
	"github.com/coopnode/coopnode/store"
	"github.com/coopnode/coopnode/ui"
)

// A gate is everything that a node answers, with somebody of each role.
type gate struct {
	*testing.T
	node   *node.Node
	house  *house
	counts *counters
	echo   *echo.Echo
	asked  int
	tokens map[node.Role]string // cookies of sessions
	csrf   map[node.Role]string
}

func newGate(t *testing.T) *gate {
	t.Helper()
	return newGateLogging(t, slog.New(slog.DiscardHandler))
}

func newGateLogging(t *testing.T, log *slog.Logger) *gate {
	t.Helper()
	db, err := store.Open(t.Context(), store.Options{Dir: t.TempDir(), Create: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	if err := node.SetUp(t.Context(), db, activitypub.NewEncoder, node.Setup{Base: "https://mill.example", Handle: "mill", Name: "Mill"}, time.Now()); err != nil {
		t.Fatal(err)
	}
	n, err := node.New(t.Context(), db, activitypub.NewEncoder, node.Options{Markdown: ui.Markdown, Clean: ui.Clean, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	counts := newCounters()
	h := &house{Node: n, cfg: &Config{Listen: []string{"127.0.0.1:0"}}, db: db, meter: counts}
	wire, err := h.wire(t.Context(), log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(wire.Close)
	g := &gate{T: t, node: n, house: h, counts: counts, echo: mountAll(h, wire, nil, counts, log), tokens: map[node.Role]string{}, csrf: map[node.Role]string{}}
	for _, role := range node.Roles() {
		token, _, err := n.InvitePerson(t.Context(), "command:test", string(role), "", role)
		if err != nil {
			t.Fatal(err)
		}
		if g.tokens[role], _, _, err = n.RedeemPass(t.Context(), token, node.Guest{}); err != nil {
			t.Fatal(err)
		}
		res := g.ask(http.MethodGet, "/console", role, nil)
		m := regexp.MustCompile(`name="csrf" value="([^"]+)"`).FindStringSubmatch(res.Body.String())
		if m == nil {
			t.Fatalf("the dashboard of a %s has no form: %d", role, res.Code)
		}
		g.csrf[role] = html.UnescapeString(m[1])
	}
	return g
}

// ask sends a request as somebody with a role, "" for a stranger; each comes from a network of its own, for limits are not what
// is tried here. Headers come in pairs.
func (g *gate) ask(method, path string, as node.Role, form url.Values, headers ...string) *httptest.ResponseRecorder {
	g.Helper()
	g.asked++
	r := httptest.NewRequest(method, "https://mill.example"+path, strings.NewReader(form.Encode()))
	r.RemoteAddr = fmt.Sprintf("10.%d.%d.1:5000", g.asked/250, g.asked%250)
	r.Header.Set("Accept", "text/html")
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	if as != "" {
		r.AddCookie(&http.Cookie{Name: "__Host-session", Value: g.tokens[as]})
	}
	rec := httptest.NewRecorder()
	g.echo.ServeHTTP(rec, r)
	return rec
}

var parameter = regexp.MustCompile(`:[a-z]+|\*`)

// pathOf is a path that a route answers.
func pathOf(r *echo.Route) string { return parameter.ReplaceAllString(r.Path, "aaaaaaaaaa") }

// Without a session: these forms, and the doors for letters, which are signed.
var openForms = []string{"/sign-in", "/welcome/:token", "/reset", "/language", "/interact"}

// Forms that may bring a file.
var withFiles = []string{"/console/pictures", "/console/start/2", "/console/network/follow-many", "/console/moderation/rules/import", "/console/moderation/rules/import/take"}

// AUTHZ-1: every route says who may use it, and who may not does not get in: strangers are asked to sign in, people with a
// lesser role are refused. Everything below /console needs a role, and nothing outside but signing out.
func TestEveryRouteHasARole(t *testing.T) {
	t.Parallel()
	g := newGate(t)
	console := 0
	for _, r := range g.echo.Routes() {
		role := node.Role(r.Name)
		need := slices.Index(node.Roles(), role)
		inside := r.Path == "/console" || strings.HasPrefix(r.Path, "/console/") || r.Path == "/sign-out"
		switch {
		case role == node.ForAll && inside:
			t.Errorf("%s %s is for all", r.Method, r.Path)
		case role == node.ForAll:
			if slices.Contains([]string{http.MethodPut, http.MethodPatch, http.MethodDelete}, r.Method) {
				if res := g.ask(r.Method, pathOf(r), "", nil); res.Code != http.StatusMethodNotAllowed && res.Code != http.StatusNotFound {
					t.Errorf("%s %s answers %d to a stranger", r.Method, r.Path, res.Code)
				}
			}
		case role == node.ForNobody:
			if r.Method == http.MethodConnect || r.Method == http.MethodTrace {
				break // never come to a handler
			}
			if res := g.ask(r.Method, pathOf(r), node.RoleSteward, nil); res.Code != http.StatusMethodNotAllowed {
				t.Errorf("%s %s is for nobody and answers %d", r.Method, r.Path, res.Code)
			}
		case need < 0:
			t.Errorf("%s %s does not say who may use it: %q", r.Method, r.Path, r.Name)
		case !inside:
			t.Errorf("%s %s needs a role outside of the console", r.Method, r.Path)
		default:
			console++
			res := g.ask(r.Method, pathOf(r), "", formFor(r, ""))
			if at := res.Header().Get("Location"); res.Code != http.StatusSeeOther || at != "/sign-in" && !strings.HasPrefix(at, "/sign-in?next=") {
				t.Errorf("%s %s answers a stranger %d %s", r.Method, r.Path, res.Code, at)
			}
			for _, lesser := range node.Roles()[:need] {
				if res := g.ask(r.Method, pathOf(r), lesser, formFor(r, g.csrf[lesser])); res.Code != http.StatusForbidden {
					t.Errorf("%s %s needs a %s and answers a %s %d", r.Method, r.Path, role, lesser, res.Code)
				}
			}
			if r.Method == http.MethodGet {
				res := g.ask(r.Method, pathOf(r), role, nil)
				if kept := res.Header().Get("Cache-Control"); res.Code == http.StatusForbidden || res.Code == http.StatusOK && kept != "private, no-store" {
					t.Errorf("%s %s answers a %s %d, Cache-Control: %s", r.Method, r.Path, role, res.Code, kept)
				}
			}
		}
	}
	if console < 20 {
		t.Errorf("only %d routes of the console were tried", console)
	}
	t.Logf("%d routes, %d of them of the console, %d requests", len(g.echo.Routes()), console, g.asked)
}

func formFor(r *echo.Route, csrf string) url.Values {
	if r.Method != http.MethodPost {
		return nil
	}
	return url.Values{"csrf": {csrf}}
}

// CSRF-1: every POST is refused that does not come from a form of this session on a page of ours: without its token, with another
// one, from another site, or as something that is no form; and what is larger than any form of ours. The inboxes take signed
// letters alone.
func TestEveryPostHasACheck(t *testing.T) {
	t.Parallel()
	g := newGate(t)
	tried := 0
	for _, r := range g.echo.Routes() {
		role := node.Role(r.Name)
		if r.Method != http.MethodPost || role == node.ForNobody {
			continue
		}
		path, csrf := pathOf(r), g.csrf[role]
		if role == node.ForAll {
			if !slices.Contains(openForms, r.Path) {
				if res := g.ask(http.MethodPost, path, "", url.Values{}); res.Code != http.StatusMethodNotAllowed && res.Code != http.StatusNotFound && !strings.HasSuffix(r.Path, "/inbox") {
					t.Errorf("POST %s is for all and answers %d; is it a form without a check?", r.Path, res.Code)
				}
				continue
			}
			role = ""
		}
		tried++
		own := []string{"Sec-Fetch-Site", "same-origin"}
		for _, tt := range []struct {
			name    string
			form    url.Values
			headers []string
			want    int
		}{
			{"no token", url.Values{"x": {"y"}}, own, http.StatusForbidden},
			{"a wrong token", url.Values{"csrf": {strings.Repeat("a", 43)}}, own, http.StatusForbidden},
			{"another session's token", url.Values{"csrf": {g.csrf[someElse(role)]}}, own, http.StatusForbidden},
			{"another site", url.Values{"csrf": {csrf}}, []string{"Sec-Fetch-Site", "cross-site"}, http.StatusForbidden},
			{"a sister host", url.Values{"csrf": {csrf}}, []string{"Sec-Fetch-Site", "same-site"}, http.StatusForbidden},
			{"another site, of an old browser", url.Values{"csrf": {csrf}}, []string{"Origin", "https://evil.example"}, http.StatusForbidden},
			{"plain text", url.Values{"csrf": {csrf}}, append([]string{"Content-Type", "text/plain"}, own...), http.StatusUnsupportedMediaType},
			{"JSON", url.Values{"csrf": {csrf}}, append([]string{"Content-Type", "application/json"}, own...), http.StatusUnsupportedMediaType},
		} {
			// Nothing is known of who chooses a language or looks for the way home, and nothing changes here by it.
			if (r.Path == "/language" || r.Path == "/interact") && strings.Contains(tt.name, "token") {
				continue
			}
			if res := g.ask(http.MethodPost, path, role, tt.form, tt.headers...); res.Code != tt.want {
				t.Errorf("POST %s, %s: %d, want %d", r.Path, tt.name, res.Code, tt.want)
			}
		}
		large := 300 << 10
		if slices.Contains(withFiles, r.Path) {
			large = 13 << 20
		}
		if res := g.ask(http.MethodPost, path, role, url.Values{"csrf": {csrf}, "x": {strings.Repeat("x", large)}}, own...); res.Code != http.StatusRequestEntityTooLarge {
			t.Errorf("POST %s, %d bytes: %d, want 413", r.Path, large, res.Code)
		}
	}
	if tried < 12 {
		t.Errorf("only %d forms were tried", tried)
	}
	t.Logf("%d forms, %d requests", tried, g.asked)
}

// LOGIN-3: nobody has failures counted for other networks by naming them in X-Forwarded-For.
func TestFailuresBehindForgedAddresses(t *testing.T) {
	t.Parallel()
	g := newGate(t)
	first := g.ask(http.MethodGet, "/sign-in", "", nil)
	m := regexp.MustCompile(`name="csrf" value="([^"]+)"`).FindStringSubmatch(first.Body.String())
	if m == nil {
		t.Fatalf("no form to sign in: %d", first.Code)
	}
	token := html.UnescapeString(m[1])
	for k := range 21 {
		form := url.Values{"csrf": {token}, "who": {fmt.Sprint("name", k)}, "password": {"wrong"}}
		r := httptest.NewRequest(http.MethodPost, "https://mill.example/sign-in", strings.NewReader(form.Encode()))
		r.RemoteAddr = "203.0.113.7:5000"
		r.AddCookie(&http.Cookie{Name: "__Host-form", Value: token})
		for name, value := range map[string]string{"Accept": "text/html", "Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin",
			"X-Forwarded-For": fmt.Sprintf("198.51.100.%d", k), "X-Real-IP": fmt.Sprintf("198.51.100.%d", k)} {
			r.Header.Set(name, value)
		}
		rec := httptest.NewRecorder()
		g.echo.ServeHTTP(rec, r)
		if want := map[bool]int{true: http.StatusUnprocessableEntity, false: http.StatusTooManyRequests}[k < 20]; rec.Code != want {
			t.Errorf("failure %d: %d, want %d", k+1, rec.Code, want)
		}
	}
}

// someElse is a role that is not this one.
func someElse(r node.Role) node.Role {
	if r == node.RoleSteward {
		return node.RoleReader
	}
	return node.RoleSteward
}
