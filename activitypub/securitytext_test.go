package activitypub

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coopnode/coopnode/node"
)

// SUP-5: who finds a hole reads whom to tell, in the form of RFC 9116.
func TestSecurityText(t *testing.T) {
	s := newSite(t)
	read := func() map[string]string {
		t.Helper()
		fields := map[string]string{}
		for line := range strings.Lines(string(s.ask(http.MethodGet, "/.well-known/security.txt").want(200).wantType("text/plain; charset=utf-8").body)) {
			name, value, ok := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
			if !ok || fields[name] != "" {
				t.Errorf("line %q", line)
			}
			fields[name] = value
		}
		return fields
	}
	if got, want := read()["Contact"], s.node.Links.Profile(); got != want {
		t.Errorf("without a public address the contact is %q, want %s", got, want)
	}
	_, err := s.node.SaveProfile(t.Context(), "test", func(us *node.Actor) error {
		us.Coop.Contacts = []node.Contact{{URL: "https://chat.example/"}, {Email: "safe@coop.example"}}
		us.Coop.Languages = []string{"gl", "es"}
		return nil
	})
	s.must(err)
	fields := read()
	if fields["Contact"] != "mailto:safe@coop.example" || fields["Preferred-Languages"] != "gl, es" || fields["Canonical"] != s.node.Links.Base+"/.well-known/security.txt" {
		t.Errorf("%v", fields)
	}
	if ends, err := time.Parse(time.RFC3339, fields["Expires"]); err != nil || ends.Before(s.node.Now()) || ends.After(s.node.Now().AddDate(1, 0, 0)) {
		t.Errorf("expires %q, %v: want within a year", fields["Expires"], err)
	}
}
