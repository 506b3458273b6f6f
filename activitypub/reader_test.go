package activitypub

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"testing"

	"github.com/coopnode/coopnode/node"
)

// TestSignedGetMakesAReader: who fetched an object under its own signature hears of its changes,
// without following us (decisions 16); who only says so does not.
func TestSignedGetMakesAReader(t *testing.T) {
	s := newSite(t)
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	s.must(err)
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	s.must(err)
	ana := &node.Actor{
		IRI: "http://bakery.localhost:8080/users/ana", Type: "Person", Handle: "ana", Host: "bakery.localhost:8080",
		Inbox: "http://bakery.localhost:8080/users/ana/inbox", KeyID: "http://bakery.localhost:8080/users/ana#main-key",
		KeyPEM: string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})),
	}
	s.must(s.node.KeepActor(t.Context(), ana))
	read, unread := s.opening(nil), s.opening(nil)

	fetch := func(iri string, spoil bool) {
		req, err := http.NewRequest(http.MethodGet, iri, nil)
		s.must(err)
		req.Header.Set("Accept", acceptActivity)
		s.must(SignGet(req, ana.KeyID, key, s.node.Now()))
		if spoil {
			req.Header.Set("Date", s.node.Now().Add(1e9).Format(http.TimeFormat))
		}
		resp, err := http.DefaultClient.Do(req)
		s.must(err)
		resp.Body.Close()
		if resp.StatusCode != 200 {
			t.Errorf("GET %s = %d: a signature, good or bad, keeps nobody from what is public", iri, resp.StatusCode)
		}
		s.wire.notes.Wait()
	}
	fetch(read.IRI, false)
	fetch(unread.IRI, true)
	for _, o := range []*node.Opening{read, unread} {
		_, err := s.node.SetOpeningStatus(t.Context(), "test", o.ID, node.Paused)
		s.must(err)
		letters, err := s.node.Deliveries(t.Context(), node.DeliveryQuery{Object: o.IRI})
		s.must(err)
		if heard := len(letters) == 1 && letters[0].Inbox == ana.Inbox; heard != (o == read) {
			t.Errorf("%s was paused, and the reader's inbox gets %d letters", o.IRI, len(letters))
		}
	}
}
