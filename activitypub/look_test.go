package activitypub_test

import (
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/coopnode/coopnode/activitypub"
	"github.com/coopnode/coopnode/activitypub/aptest"
	"github.com/coopnode/coopnode/node"
)

// One node looks at another and tells what it sees.
func TestNodesLookAtEachOther(t *testing.T) {
	t.Parallel()
	mill, pine := aptest.NewNode(t, "mill"), aptest.NewNode(t, "pine")
	s, err := mill.Wire.AskToLook(t.Context(), pine.Links.Host())
	if err != nil {
		t.Fatal(err)
	}
	if way := s.Ways["IPv4"]; way == nil || !way.Ours || way.Status != http.StatusOK {
		t.Errorf("over IPv4 it saw %+v", way)
	}
	if way := s.Ways["IPv6"]; way == nil || way.Ours || way.Trouble == "" {
		t.Errorf("over IPv6, which these names have not, it saw %+v", way)
	}
	for name, kind := range map[string]string{"webfinger": "application/jrd+json", "actor": "application/activity+json", "page": "text/html"} {
		if seen := s.Reads[name]; seen == nil || seen.Status != http.StatusOK || !strings.HasPrefix(seen.Type, kind) {
			t.Errorf("%s: it saw %+v", name, seen)
		}
	}
	pine.ShutDoors()
	if _, err := mill.Wire.AskToLook(t.Context(), pine.Links.Host()); node.KindOf(err) != node.Unavailable {
		t.Errorf("of a node that sleeps is said %v", err)
	}
}

// SSRF-1: whoever has a node look is looked at itself, by its key, and nobody else. HTTP-4: ten times an hour.
func TestLookGoesToTheAskerAlone(t *testing.T) {
	t.Parallel()
	n, evil, victim := aptest.NewNode(t, "mill"), aptest.NewStranger(t, "evil"), aptest.NewStranger(t, "victim")
	ana, bea := evil.Person("ana"), victim.Person("bea")
	look := n.Links.Look() + "?pass="

	if a := aptest.Get(t, look+"abc"); a.Status != http.StatusUnauthorized {
		t.Errorf("without a signature: %d", a.Status)
	}
	liar := *ana
	liar.KeyID = bea.KeyID
	if a := liar.Get(look + "abc"); a.Status != http.StatusUnauthorized {
		t.Errorf("with the name of another's key: %d", a.Status)
	}
	for _, pass := range []string{"", url.QueryEscape("../../x"), url.QueryEscape("a/b"), url.QueryEscape("@" + victim.Base), strings.Repeat("a", 101), url.QueryEscape("a b")} {
		if a := ana.Get(look + pass); a.Status != http.StatusBadRequest {
			t.Errorf("pass %q: %d", pass, a.Status)
		}
	}
	victim.Forget()
	for range 10 {
		if a := ana.Get(look + "abc"); a.Status != http.StatusOK {
			t.Fatalf("it does not look: %d %s", a.Status, a.Body)
		}
	}
	if evil.Count(http.MethodGet, "/api/v1/mirror/abc/look") != 10 {
		t.Error("it did not go to the mirror of who asked, once each time")
	}
	for _, r := range evil.Requests() {
		if r.Header.Get("Signature") != "" && strings.HasPrefix(r.Path, "/api/") {
			t.Error("it signs what it sends to a mirror")
		}
	}
	a := ana.Get(look + "abc")
	if a.Status != http.StatusTooManyRequests || a.Header.Get("Retry-After") == "" {
		t.Errorf("the eleventh time: %d, to come again after %q", a.Status, a.Header.Get("Retry-After"))
	}
	if got := victim.Requests(); len(got) != 0 {
		t.Errorf("somebody else got %d requests, the first for %s", len(got), got[0].Path)
	}
	n.Later(7 * time.Minute)
	if a := ana.Get(look + "abc"); a.Status != http.StatusOK {
		t.Errorf("after some minutes one more: %d", a.Status)
	}
}

// MOD-3: who is blocked is neither let in nor looked at.
func TestLookAtTheBlocked(t *testing.T) {
	t.Parallel()
	n, evil := aptest.NewNode(t, "mill"), aptest.NewStranger(t, "evil")
	ana := evil.Person("ana")
	if _, err := n.ChangeRules(t.Context(), "test", []*node.Rule{{Target: "evil.localhost", Severity: node.SeverityReject}}, nil); err != nil {
		t.Fatal(err)
	}
	evil.Forget()
	if a := ana.Get(n.Links.Look() + "?pass=abc"); a.Status != http.StatusForbidden {
		t.Errorf("answer %d", a.Status)
	}
	if got := evil.Requests(); len(got) != 0 {
		t.Errorf("it was asked for %s", got[0].Path)
	}
}

// The mirror shows something only to a pass that was made with the node's own key, for five minutes.
func TestMirrorNeedsAPass(t *testing.T) {
	t.Parallel()
	mill, pine, friend := aptest.NewNode(t, "mill"), aptest.NewNode(t, "pine"), aptest.NewStranger(t, "friend")
	pass := ""
	friend.Front = func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != "/api/v1/look" {
			return false
		}
		pass = r.URL.Query().Get("pass")
		w.Header().Set("Content-Type", "application/json")
		w.Write([]byte(`{"ways":{"IPv4":{"status":200,"proof":"00000000000000000000000000000000"},"<script>":{}},"reads":[]}`))
		return true
	}
	s, err := mill.Wire.AskToLook(t.Context(), activitypub.HostOf(friend.Base))
	if err != nil || len(s.Ways) != 1 || s.Ways["IPv4"].Ours {
		t.Fatalf("a proof that is made up counts: %+v, %v", s, err)
	}
	at := func(n *aptest.Node, pass string) int { return aptest.Get(t, n.Links.Mirror(pass)+"/look").Status }
	swapped := []byte(pass)
	swapped[len(swapped)-1] ^= 1
	for _, tt := range []struct {
		name string
		got  int
		want int
	}{
		{"its own", at(mill, pass), http.StatusOK},
		{"of another node", at(pine, pass), http.StatusNotFound},
		{"made up", at(mill, "9999999999-aaaaaaaaaa-00000000000000000000000000000000"), http.StatusNotFound},
		{"changed", at(mill, string(swapped)), http.StatusNotFound},
		{"of later", at(mill, "9"+pass), http.StatusNotFound},
	} {
		if tt.got != tt.want {
			t.Errorf("a pass %s: %d, want %d", tt.name, tt.got, tt.want)
		}
	}
	mill.Later(6 * time.Minute)
	if got := at(mill, pass); got != http.StatusNotFound {
		t.Errorf("a pass of six minutes ago: %d", got)
	}
}

// Doctor goes to its own public address, and a letter comes back as it was sent, believed in both forms. It never goes to
// another host: the address is made from the base of the node.
func TestMirrorShowsWhatArrives(t *testing.T) {
	t.Parallel()
	n := aptest.NewNode(t, "mill")
	for _, form := range []activitypub.SignatureForm{activitypub.DraftCavage, activitypub.RFC9421} {
		a, err := n.Wire.MirrorSelf(t.Context(), netip.MustParseAddr("127.0.0.1"), form)
		if err != nil {
			t.Fatal(err)
		}
		if r := a.Reflection; r == nil || len(a.Changed) > 0 || r.Signature != "" || r.Form != form || r.Bytes == 0 {
			t.Errorf("%s: %d %s, changed %v", form, a.Status, a.Body, a.Changed)
		}
	}
}
