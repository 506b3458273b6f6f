package activitypub

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
	"time"
)

// HTTP-5, HTTP-6: what a document says depends on what is asked for, never on who asks or on what a request says of its host.
// So one kept answer is right for everybody, and nobody can have another host written into what others read. SIG-12: all of it
// is given to who does not sign, the actor first of all.
func TestAnswersAreTheSameForEverybody(t *testing.T) {
	s := newSite(t)
	o := s.opening(nil)
	signed := func(address string) []string {
		r, err := http.NewRequest(http.MethodGet, address, nil)
		s.must(err)
		s.must(SignGet(r, "https://evil.example/actor#main-key", testKeys().rsa, time.Now()))
		return []string{"Date", r.Header.Get("Date"), "Signature", r.Header.Get("Signature")}
	}
	l := s.node.Links
	for _, address := range []string{
		l.Actor(), l.Key(), o.IRI, l.Actor() + "/outbox", l.Actor() + "/outbox?page=true", l.Actor() + "/followers",
		l.Base + "/.well-known/webfinger?resource=" + l.Actor(), l.Base + "/.well-known/host-meta", l.Base + "/.well-known/nodeinfo", l.Base + "/nodeinfo/2.1",
	} {
		plain := s.ask(http.MethodGet, address, "Accept", acceptActivity).want(http.StatusOK)
		for who, header := range map[string][]string{
			"a signer":           signed(address),
			"a visitor":          {"Cookie", "session=1", "Authorization", "Bearer x"},
			"somebody with lies": {"X-Forwarded-Host", "evil.example", "X-Forwarded-Proto", "gopher", "Forwarded", "host=evil.example;proto=gopher", "X-Original-URL", "/evil.example", "Origin", "https://evil.example"},
		} {
			again := s.ask(http.MethodGet, address, append([]string{"Accept", acceptActivity}, header...)...)
			if again.status != http.StatusOK || !bytes.Equal(again.body, plain.body) || again.header.Get("Etag") != plain.header.Get("Etag") {
				t.Errorf("%s gives %s: %d %s", address, who, again.status, again.body)
			}
			for name, values := range again.header {
				if v := strings.Join(values, ", "); strings.Contains(v, "evil.example") {
					t.Errorf("%s repeats to %s in %s: %s", address, who, name, v)
				}
			}
		}
	}
}
