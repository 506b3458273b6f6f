package activitypub_test

import (
	"crypto"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coopnode/coopnode/activitypub"
	"github.com/coopnode/coopnode/activitypub/aptest"
	"github.com/coopnode/coopnode/node"
	"github.com/coopnode/coopnode/store"
)

// A keeper is a server that keeps every key under its id for ever, as GoToSocial does; an id that it does not
// know it looks up in the publicKey of the owner's document alone, as most do. It notes the key and the answer
// of every letter.
type keeper struct {
	*aptest.Stranger
	us   string // the actor that writes to it
	kept map[string]crypto.PublicKey
	mu   sync.Mutex
	got  []string // "Update main-key 202"
}

func newKeeper(t testing.TB, name string, mill *aptest.Node) *keeper {
	k := &keeper{Stranger: aptest.NewStranger(t, name), us: mill.Links.Actor(), kept: map[string]crypto.PublicKey{}}
	k.Answer = k.take
	p := k.Person("ana")
	follow := p.Do("Follow", k.us)
	p.Want(http.StatusAccepted, mill.Links.Inbox(), follow)
	k.Letter("Accept", follow["id"].(string))
	mill.Delivered()
	return k
}

// forget makes it one that knows no key.
func (k *keeper) forget() {
	k.mu.Lock()
	defer k.mu.Unlock()
	clear(k.kept)
}

func (k *keeper) take(r *http.Request, letter m) int {
	k.mu.Lock()
	defer k.mu.Unlock()
	status, id := http.StatusUnauthorized, ""
	if sig, err := activitypub.ParseSignature(r); err == nil {
		id = sig.KeyID
		if k.believes(r, sig) == nil {
			status = http.StatusAccepted
		}
	}
	_, name, _ := strings.Cut(id, "#")
	k.got = append(k.got, fmt.Sprint(letter["type"], " ", name, " ", status))
	return status
}

func (k *keeper) believes(r *http.Request, sig *activitypub.Signature) error {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	key := k.kept[sig.KeyID]
	if key == nil {
		if key, err = lookUpKey(k.us, sig.KeyID); err != nil {
			return err
		}
		k.kept[sig.KeyID] = key
	}
	base, err := activitypub.ParseBaseURL("http://" + r.Host)
	if err != nil {
		return err
	}
	return sig.Verify(r, body, base, key, time.Now())
}

// lookUpKey reads a key from an actor's document, unsigned.
func lookUpKey(actor, keyID string) (crypto.PublicKey, error) {
	req, err := http.NewRequest(http.MethodGet, actor, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/activity+json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	var doc struct {
		PublicKey struct{ ID, PublicKeyPem string }
	}
	if err := json.NewDecoder(res.Body).Decode(&doc); err != nil {
		return nil, err
	}
	if doc.PublicKey.ID != keyID {
		return nil, fmt.Errorf("%s shows no key %s", actor, keyID)
	}
	return activitypub.ParsePublicKeyPEM(doc.PublicKey.PublicKeyPem)
}

func (k *keeper) letters() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.got)
}

// shown are the ids of the keys in our document: the one that signs, and those that end.
func shownKeys(t *testing.T, mill *aptest.Node) (main string, ending []string) {
	t.Helper()
	var doc struct {
		PublicKey       struct{ ID, Owner string }
		AssertionMethod []struct{ ID, Type, Controller, PublicKeyMultibase string }
	}
	if err := json.Unmarshal(aptest.GetDocument(t, mill.Links.Actor()).Body, &doc); err != nil {
		t.Fatal(err)
	}
	for _, k := range doc.AssertionMethod {
		if _, err := activitypub.ParseMultikey(k.PublicKeyMultibase); err != nil || k.Type != "Multikey" || k.Controller != mill.Links.Actor() {
			t.Errorf("the document shows %+v, %v", k, err)
		}
		ending = append(ending, k.ID)
	}
	return doc.PublicKey.ID, ending
}

// KEY-3: letters from before a change, and the news of it, are signed by the old key at their first try, all
// others by the new one; whoever cannot verify either gets the letter again at once. Nothing is refused for good, and the old
// key goes when the letters from before are done.
func TestRotateKeys(t *testing.T) {
	mill := aptest.NewNode(t, "mill")
	long, fresh := newKeeper(t, "long", mill), newKeeper(t, "fresh", mill)
	fresh.forget()
	mill.Rest()
	for i := range 5 {
		mill.Post(fmt.Sprint("Before ", i))
	}
	key, err := mill.RotateKeys(t.Context(), "test")
	if err != nil {
		t.Fatal(err)
	}
	_, name, _ := strings.Cut(key.ID, "#")
	for i := range 3 {
		mill.Post(fmt.Sprint("After ", i))
	}
	main, ending := shownKeys(t, mill)
	if main != key.ID || !slices.Equal(ending, []string{mill.Links.Key()}) {
		t.Errorf("the document shows %s and %v", main, ending)
	}
	if _, err := mill.RotateKeys(t.Context(), "test"); node.KindOf(err) != node.Busy {
		t.Errorf("a second change: %v, want Busy", err)
	}
	mill.Later(2 * time.Minute)
	if waiting, err := mill.RetireKeys(t.Context()); !waiting || err != nil {
		t.Errorf("the old key is put away while letters wait (%v)", err)
	}
	mill.Restart() // what is in memory of the keys is gone
	mill.Delivered()

	want := append(slices.Repeat([]string{"Create main-key 202"}, 5), "Update main-key 202")
	want = append(want, slices.Repeat([]string{"Create " + name + " 202"}, 3)...)
	if got := long.letters()[1:]; !slices.Equal(got, want) {
		t.Errorf("one who keeps keys got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	believed, refused := 0, 0
	for _, l := range fresh.letters()[1:] {
		switch {
		case strings.HasSuffix(l, " 202"):
			believed++
		case strings.HasSuffix(l, " main-key 401"):
			refused++
		default:
			t.Errorf("one who knew no key got %s", l)
		}
	}
	if believed != 9 || refused > 6 {
		t.Errorf("one who knew no key believed %d of 9 letters and refused %d", believed, refused)
	}
	acts, err := mill.DB.Acts(t.Context(), node.ActQuery{})
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range acts {
		if a.Refused > 0 {
			t.Errorf("%s did not reach %d", a.IRI, a.Refused)
		}
	}

	aptest.Until(t, "the old key is put away", func() bool { _, ending := shownKeys(t, mill); return len(ending) == 0 })
	if keys, err := mill.Keys(t.Context()); err != nil || len(keys) != 1 || keys[0].ID != key.ID {
		t.Errorf("keys %v, %v", keys, err)
	}
	if _, err := mill.RotateKeys(t.Context(), "test"); err != nil {
		t.Errorf("a later change: %v", err)
	}
}

// KEY-3: a dead follower does not keep the old key alive for more than a day.
func TestOldKeyEndsAfterADay(t *testing.T) {
	mill := aptest.NewNode(t, "mill")
	away := newKeeper(t, "away", mill)
	away.Down()
	mill.Post("Nobody hears.")
	if _, err := mill.RotateKeys(t.Context(), "test"); err != nil {
		t.Fatal(err)
	}
	mill.Later(23 * time.Hour)
	if waiting, err := mill.RetireKeys(t.Context()); !waiting || err != nil {
		t.Errorf("after 23 hours it is put away (%v)", err)
	}
	mill.Later(2 * time.Hour)
	aptest.Until(t, "the old key is put away", func() bool { _, ending := shownKeys(t, mill); return len(ending) == 0 })
}

// KEY-4: after a theft nothing is signed by the old key, not even what waited, and nobody is shown it.
func TestRevokeKeys(t *testing.T) {
	mill := aptest.NewNode(t, "mill")
	long := newKeeper(t, "long", mill)
	mill.Rest()
	mill.Post("Before.")
	if _, err := mill.RotateKeys(t.Context(), "test"); err != nil {
		t.Fatal(err)
	}
	key, err := mill.RevokeKeys(t.Context(), "test")
	if err != nil {
		t.Fatal(err)
	}
	if main, ending := shownKeys(t, mill); main != key.ID || ending != nil {
		t.Errorf("the document shows %s and %v", main, ending)
	}
	if keys, err := mill.Keys(t.Context()); err != nil || len(keys) != 1 || keys[0].ID != key.ID {
		t.Errorf("keys %v, %v", keys, err)
	}
	mill.Restart()
	mill.Delivered()
	_, name, _ := strings.Cut(key.ID, "#")
	if got, want := long.letters()[1:], []string{"Create " + name + " 202", "Update " + name + " 202", "Update " + name + " 202"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// KEY-4: what another program revokes beside the running node signs nothing more, not even the next letter of a visit
// that is under way, though nobody has told the node. Whoever asks at once whose the new key is finds it in the profile.
func TestRevokeKeysBesideTheNode(t *testing.T) {
	mill := aptest.NewNode(t, "mill")
	long := newKeeper(t, "long", mill)
	mill.Rest()
	for i := range 3 {
		mill.Post(fmt.Sprint("Before ", i))
	}
	arrived, release := make(chan struct{}), make(chan struct{})
	first := sync.OnceFunc(func() { close(arrived); <-release })
	long.Front = func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPost {
			first()
		}
		return false
	}
	mill.Restart()
	<-arrived
	shownKeys(t, mill) // which keeps the profile's document in memory
	key, err := beside(t, mill).RevokeKeys(t.Context(), "test")
	if err != nil {
		t.Fatal(err)
	}
	close(release)
	mill.Delivered()
	_, name, _ := strings.Cut(key.ID, "#")
	want := []string{"Create main-key 202", "Create " + name + " 202", "Create " + name + " 202", "Update " + name + " 202"}
	if got := long.letters()[1:]; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// beside is the node as a command opens it, in a program of its own.
func beside(t *testing.T, mill *aptest.Node) *node.Node {
	t.Helper()
	db, err := store.Open(t.Context(), store.Options{Dir: mill.Dir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	n, err := node.New(t.Context(), db, activitypub.NewEncoder, node.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// SIG-8, SIG-11: while the new key of a stranger is being fetched, letters that it has signed wait for it; one fetch
// serves them all. None is refused, and the old key is worthless afterwards.
func TestKeyRotatedInMidFlight(t *testing.T) {
	mill, away := aptest.NewNode(t, "mill"), aptest.NewStranger(t, "away")
	ana := away.Person("ana")
	post := mill.Post("Hello.")
	ana.Want(http.StatusAccepted, mill.Links.Inbox(), ana.Do("Like", post.IRI))
	old := *ana
	const letters = 50
	var flying, before sync.WaitGroup
	send := func(flying *sync.WaitGroup, p *aptest.Person, form aptest.Form) {
		flying.Go(func() { p.Want(http.StatusAccepted, mill.Links.Inbox(), ana.Do("Like", post.IRI), aptest.In(form)) })
	}
	for range letters / 2 {
		send(&before, &old, aptest.Draft)
	}
	before.Wait()

	ana.Key = aptest.NewKey()
	away.Serve(ana.ID, ana.Document("ana"))
	away.Forget()
	release := away.Hold()
	for i := range letters {
		send(&flying, ana, aptest.Form(i%2))
		if i%5 == 0 { // the key that is held still proves these, until the new one is here
			send(&before, &old, aptest.Draft)
		}
	}
	before.Wait()
	aptest.Until(t, "the new key is asked for", func() bool { return away.Count(http.MethodGet, "/users/ana") > 0 })
	release()
	flying.Wait()
	if n := away.Count(http.MethodGet, "/users/ana"); n != 1 {
		t.Errorf("%d requests for one new key", n)
	}
	old.Want(http.StatusUnauthorized, mill.Links.Inbox(), ana.Do("Like", post.IRI))
}

// SIG-11: a key whose id its owner shows no more is worthless at once.
func TestKeyReplacedUnderANewID(t *testing.T) {
	mill, away := aptest.NewNode(t, "mill"), aptest.NewStranger(t, "away")
	ana := away.Person("ana")
	post := mill.Post("Hello.")
	ana.Want(http.StatusAccepted, mill.Links.Inbox(), ana.Do("Like", post.IRI))
	old := *ana
	ana.KeyID, ana.Key = ana.ID+"#key-2", aptest.NewKey()
	away.Serve(ana.ID, ana.Document("ana"))
	ana.Want(http.StatusAccepted, mill.Links.Inbox(), ana.Do("Like", post.IRI))
	old.Want(http.StatusUnauthorized, mill.Links.Inbox(), ana.Do("Like", post.IRI))
	ana.Want(http.StatusAccepted, mill.Links.Inbox(), ana.Do("Like", post.IRI))
}
