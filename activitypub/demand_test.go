package activitypub_test

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coopnode/coopnode/activitypub"
	"github.com/coopnode/coopnode/activitypub/aptest"
	"github.com/coopnode/coopnode/node"
)

// SIG-12: a server that shows nothing to those who do not sign, and reads our key only from our actor's document,
// is found, read, believed and written to, in whichever form it wants signatures: at the redirects to its actor, at
// keys that have documents of their own, at pages of its outbox. Its refusals cost one more request in all.
func TestSignedFetchesDemanded(t *testing.T) {
	for _, form := range []activitypub.SignatureForm{activitypub.DraftCavage, activitypub.RFC9421} {
		t.Run(string(form), func(t *testing.T) {
			mill, away := aptest.NewNode(t, "mill"), aptest.NewStranger(t, "away")
			ana, ben := away.Person("ana"), away.Person("ben")
			ben.KeyID = ben.ID + "/key?of=ben"
			away.Serve(ben.ID, ben.Document("ben"))
			away.Serve(ben.KeyID, aptest.With(ben.Document("ben")["publicKey"].(m), m{"@context": "https://w3id.org/security/v1"}))
			note := ana.Note("<p>Before you came.</p>", nil)
			away.Serve(ana.ID+"/outbox", m{"@context": aptest.Context, "id": ana.ID + "/outbox", "type": "OrderedCollection", "first": ana.ID + "/outbox?page=1"})
			away.Serve(ana.ID+"/outbox?page=1", m{"@context": aptest.Context, "id": ana.ID + "/outbox?page=1", "type": "OrderedCollectionPage",
				"orderedItems": []any{ana.Create(note)}})
			var refused atomic.Int32
			away.Front = func(w http.ResponseWriter, r *http.Request) bool {
				if strings.HasPrefix(r.URL.Path, "/.well-known/") {
					return false
				}
				body, err := io.ReadAll(r.Body)
				if err == nil {
					err = believes(r, body, form, mill.Links.Actor())
				}
				switch {
				case err != nil:
					refused.Add(1)
					w.WriteHeader(http.StatusUnauthorized)
				case r.URL.Path == "/@ana":
					http.Redirect(w, r, ana.ID, http.StatusFound)
				default:
					return false
				}
				return true
			}
			if a, err := mill.Wire.Find(t.Context(), away.Base+"/@ana"); err != nil || a.IRI != ana.ID {
				t.Fatalf("found %v, %v", a, err)
			}
			follow := ben.Do("Follow", mill.Links.Actor())
			ben.Want(http.StatusAccepted, mill.Links.Inbox(), follow)
			away.Letter("Accept", follow["id"].(string))
			a, err := mill.ActorOf(t.Context(), ana.ID)
			if err != nil {
				t.Fatal(err)
			}
			f, err := mill.Node.Follow(t.Context(), "test", a)
			if err != nil {
				t.Fatal(err)
			}
			away.Letter("Follow", ana.ID)
			ana.Want(http.StatusAccepted, mill.Links.Inbox(), ana.Do("Accept", f.FollowIRI))
			aptest.Until(t, "her outbox is read back", func() bool { return mill.Known(note["id"].(string)) != nil })
			mill.Post("Hello.")
			mill.Delivered()
			if n := len(away.Letters("Create")); n == 0 {
				t.Error("the post has not come")
			}
			want := int32(0)
			if form == activitypub.RFC9421 {
				want = 1
			}
			if got := refused.Load(); got != want {
				t.Errorf("%d requests were refused, want %d", got, want)
			}
		})
	}
}

// believes verifies a request in one form alone, by the key that the actor shows to anybody.
func believes(r *http.Request, body []byte, form activitypub.SignatureForm, actor string) error {
	sig, err := activitypub.ParseSignature(r)
	if err != nil {
		return err
	}
	if sig.Form != form {
		return io.ErrUnexpectedEOF
	}
	key, err := lookUpKey(actor, sig.KeyID)
	if err != nil {
		return err
	}
	base, err := activitypub.ParseBaseURL("http://" + r.Host)
	if err != nil {
		return err
	}
	return sig.Verify(r, body, base, key, time.Now())
}

// Followers by hand: a Follow waits until a person answers it, however often it comes; an accepted one gets its
// Accept again; one that is removed hears so, gets nothing more, and has to ask anew.
func TestFollowersByHand(t *testing.T) {
	d := newDesk(t)
	if _, err := d.SaveProfile(t.Context(), "test", func(a *node.Actor) error { a.ApprovesFollowers = true; return nil }); err != nil {
		t.Fatal(err)
	}
	if doc := string(aptest.GetDocument(t, d.Links.Actor()).Body); !strings.Contains(doc, `"manuallyApprovesFollowers":true`) {
		t.Errorf("the document does not say that followers are approved: %s", doc)
	}
	ana := d.away.Person("ana")
	follow := ana.Do("Follow", d.Links.Actor())
	d.send(ana, follow, follow, ana.Do("Follow", d.Links.Actor()))
	d.Post("Not for her yet.")
	d.Delivered()
	if got := d.FollowerState(ana.ID); got != node.Pending || len(d.away.Letters("")) != 0 {
		t.Errorf("before the answer she is %q and has %d letters", got, len(d.away.Letters("")))
	}
	if err := d.AnswerFollower(t.Context(), "test", ana.ID, true); err != nil {
		t.Fatal(err)
	}
	d.Delivered()
	d.send(ana, follow)
	d.Delivered()
	if n := len(d.away.Letters("Accept")); n != 2 || d.FollowerState(ana.ID) != node.Accepted {
		t.Errorf("%d Accepts, she is %q, want 2 and accepted", n, d.FollowerState(ana.ID))
	}
	d.Post("For her.")
	d.Delivered()
	if err := d.AnswerFollower(t.Context(), "test", ana.ID, false); err != nil {
		t.Fatal(err)
	}
	d.away.Letter("Reject", follow["id"].(string))
	d.Post("No more for her.")
	d.Delivered()
	if n := len(d.away.Letters("Create")); n != 1 {
		t.Errorf("she got %d posts, want the one while she followed", n)
	}
	d.send(ana, ana.Do("Follow", d.Links.Actor()))
	if got := d.FollowerState(ana.ID); got != node.Pending {
		t.Errorf("after asking anew she is %q, want pending", got)
	}
}

// Doubt, decisions 29: a follower whose inbox is not there stays until its actor answers 410 or with a Tombstone, or 404 on
// three days; an actor that answers again is believed.
func TestDoubtfulFollowers(t *testing.T) {
	gone := m{"@context": aptest.Context, "type": "Tombstone"}
	for _, tt := range []struct {
		name   string
		status int
		doc    m
		inbox  int
		days   int // after which it is gone, 0 for never
	}{
		{"410", http.StatusGone, m{}, http.StatusGone, 1},
		{"410 with a Tombstone", http.StatusGone, gone, http.StatusNotFound, 1},
		{"Tombstone with 200", http.StatusOK, gone, http.StatusNotFound, 1},
		{"404 on three days", http.StatusNotFound, m{}, http.StatusNotFound, 3},
		{"an inbox that was taken away", http.StatusOK, nil, http.StatusNotFound, 0},
		{"down", http.StatusBadGateway, m{}, http.StatusNotFound, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := newDesk(t)
			ana := d.away.Person("ana")
			d.send(ana, ana.Do("Follow", d.Links.Actor()))
			d.Delivered()
			d.away.Answer = func(*http.Request, m) int { return tt.inbox }
			if tt.doc != nil {
				d.away.ServeStatus(ana.ID, tt.status, tt.doc)
			}
			d.away.Forget()
			for day := 1; day <= 4; day++ {
				d.Post("Hello.")
				if tt.days > 0 && day > tt.days {
					break
				}
				aptest.Until(t, "she is asked for", func() bool { return d.away.Count(http.MethodGet, "/users/ana") > 0 })
				if day == tt.days {
					aptest.Until(t, "she is forgotten", func() bool { return d.FollowerState(ana.ID) == "" })
				} else if got := d.FollowerState(ana.ID); got != node.Accepted {
					t.Errorf("on day %d she is %q, want accepted", day, got)
				}
				aptest.Until(t, "the next look is for tomorrow", func() bool {
					tasks, err := d.Store().Tasks(t.Context(), node.TaskDoubt)
					return err == nil && !slices.ContainsFunc(tasks, func(task *node.Task) bool { return !task.Due.After(d.Now()) })
				})
				d.Delivered()
				d.away.Forget() // before the next day, on which she may be asked for at once
				d.Later(25 * time.Hour)
			}
			d.Delivered()
			if tt.days > 0 && d.away.Count(http.MethodPost, "/") != 0 {
				t.Error("who is gone still gets letters")
			}
		})
	}
}
