package activitypub

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-fed/activity/streams"
	"github.com/labstack/echo/v4"

	"github.com/coopnode/coopnode/node"
	"github.com/coopnode/coopnode/store/storetest"
	"github.com/coopnode/coopnode/ui"
)

// An inboxNode is a node that follows one actor on each of many hosts and holds their keys, so that
// their letters need no network.
type inboxNode struct {
	testing.TB
	node    *node.Node
	wire    *Wire
	echo    *echo.Echo
	senders []string
	key     *rsa.PrivateKey // of all senders: what differs between keys costs nothing
	sent    int
}

func newInboxNode(t testing.TB, senders int) *inboxNode {
	t.Helper()
	ctx := t.Context()
	n := &inboxNode{TB: t, echo: echo.New()}
	s := storetest.Open(t)
	n.must(node.SetUp(ctx, s, NewEncoder, node.Setup{Base: "http://localhost:8080", Dev: true, Handle: "mill", Name: "Mill"}, time.Now()))
	var err error
	n.node, err = node.New(ctx, s, NewEncoder, node.Options{Markdown: ui.Markdown, Clean: ui.Clean})
	n.must(err)
	n.key, err = rsa.GenerateKey(rand.Reader, 2048)
	n.must(err)
	der, err := x509.MarshalPKIXPublicKey(&n.key.PublicKey)
	n.must(err)
	public := string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	for i := range senders {
		n.senders = append(n.senders, fmt.Sprintf("http://127.30.0.%d:8080/users/ana", i+1))
	}
	n.must(s.Tx(ctx, func(tx node.Tx) error {
		for _, iri := range n.senders {
			a := &node.Actor{IRI: iri, Type: "Person", Handle: "ana", Host: node.HostOf(iri), Inbox: iri + "/inbox",
				KeyID: iri + "#main-key", KeyPEM: public, Fetched: time.Now()}
			if err := tx.SaveActor(ctx, a); err != nil {
				return err
			}
			if err := tx.SaveFollowed(ctx, &node.Following{Actor: iri, State: node.Accepted, FollowIRI: iri + "/follow", Since: time.Now()}); err != nil {
				return err
			}
		}
		return nil
	}))
	wire, err := New(ctx, n.node, Options{Version: "0.0.0-test"})
	n.must(err)
	n.wire = wire
	t.Cleanup(wire.Close)
	n.echo.HTTPErrorHandler = func(err error, c echo.Context) { Problem(c, err) }
	wire.Mount(n.echo)
	ctx, stop := context.WithCancel(context.Background())
	var loops sync.WaitGroup
	for _, l := range wire.Loops() {
		loops.Go(func() {
			if err := l.Run(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	t.Cleanup(func() {
		stop()
		loops.Wait()
	})
	return n
}

func (n *inboxNode) must(err error) {
	n.Helper()
	if err != nil {
		n.Fatal(err)
	}
}

// inboxLetter is a Create of 1.6 KB with three tags, in the form that the largest microblog
// servers send.
const inboxLetter = `{"@context":["https://www.w3.org/ns/activitystreams",{"ostatus":"http://ostatus.org#",` +
	`"atomUri":"ostatus:atomUri","conversation":"ostatus:conversation","sensitive":"as:sensitive","Hashtag":"as:Hashtag"}],` +
	`"id":"ACTOR/statuses/N/activity","type":"Create","actor":"ACTOR","published":"2026-03-04T05:06:07Z",` +
	`"to":["https://www.w3.org/ns/activitystreams#Public"],"cc":["ACTOR/followers","http://localhost:8080/ap/coop"],` +
	`"object":{"id":"ACTOR/statuses/N","type":"Note","summary":null,"inReplyTo":null,"published":"2026-03-04T05:06:07Z",` +
	`"url":"ACTOR/N","attributedTo":"ACTOR","to":["https://www.w3.org/ns/activitystreams#Public"],` +
	`"cc":["ACTOR/followers","http://localhost:8080/ap/coop"],"sensitive":false,"atomUri":"ACTOR/statuses/N","conversation":"tag:N:objectType=Conversation",` +
	`"content":"<p><span class=\"h-card\"><a href=\"http://localhost:8080/\" class=\"u-url mention\">@<span>mill</span></a></span> ` +
	`We bake for three villages and look for a second mill: who grinds rye? ` +
	`<a href=\"http://bread.example/tags/baking\" class=\"mention hashtag\" rel=\"tag\">#<span>baking</span></a> ` +
	`<a href=\"http://bread.example/tags/coops\" class=\"mention hashtag\" rel=\"tag\">#<span>coops</span></a></p>",` +
	`"attachment":[],"tag":[{"type":"Mention","href":"http://localhost:8080/ap/coop","name":"@mill@localhost:8080"},` +
	`{"type":"Hashtag","href":"http://bread.example/tags/baking","name":"#baking"},` +
	`{"type":"Hashtag","href":"http://bread.example/tags/coops","name":"#coops"}]}}`

// letters makes signed requests, each of the next sender.
func (n *inboxNode) letters(count int) []*http.Request {
	n.Helper()
	list := make([]*http.Request, count)
	cpuEach(count, 2, func(i int) {
		sender := n.senders[i%len(n.senders)]
		body := strings.NewReplacer("ACTOR", sender, "statuses/N", fmt.Sprint("statuses/", n.sent+i), "/N", fmt.Sprint("/", n.sent+i)).Replace(inboxLetter)
		r := httptest.NewRequest(http.MethodPost, "/ap/inbox", nil)
		r.Host = "localhost:8080"
		r.Header.Set("Content-Type", typeActivity)
		out, err := http.NewRequest(http.MethodPost, "http://localhost:8080/ap/inbox", nil)
		if err == nil {
			out.Header = r.Header
			err = SignPost(out, []byte(body), sender+"#main-key", n.key, time.Now())
		}
		if err != nil {
			n.Error(err)
		}
		r.Body = io.NopCloser(bytes.NewReader([]byte(body)))
		list[i] = r
	})
	n.sent += count
	return list
}

// take hands letters to the door, as many at once as there are senders, and returns the CPU time of each
// until the desk has stored the effects of all.
func (n *inboxNode) take(list []*http.Request) time.Duration {
	n.Helper()
	before := cpu()
	cpuEach(len(list), len(n.senders), func(i int) {
		answer := httptest.NewRecorder()
		if n.echo.ServeHTTP(answer, list[i]); answer.Code != http.StatusAccepted {
			n.Errorf("answered %d %s, want 202", answer.Code, answer.Body)
		}
	})
	for {
		waiting, err := n.node.Store().Letters(context.Background(), time.Now(), 0, nil, 1)
		n.must(err)
		if len(waiting) == 0 {
			return (cpu() - before) / time.Duration(len(list))
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// least is the CPU time of what cannot be saved for a letter: its signature is verified, it
// is read strictly and by streams, and one row is stored, the commits shared.
func (n *inboxNode) least(s node.Store, list []*http.Request) time.Duration {
	base, err := ParseBaseURL(n.node.Links.Base)
	n.must(err)
	ctx := context.Background()
	return cpuEach(len(list), len(n.senders), func(i int) {
		r := list[i]
		body, err := io.ReadAll(r.Body)
		if err != nil {
			n.Error(err)
		}
		sig, err := ParseSignature(r)
		if err == nil {
			err = sig.Verify(r, body, base, &n.key.PublicKey, time.Now())
		}
		if err != nil {
			n.Error(err)
			return
		}
		doc, err := ReadJSON(body)
		if err == nil {
			_, err = streams.ToType(ctx, doc)
		}
		if err != nil {
			n.Error(err)
			return
		}
		l := &node.Letter{IRI: Str(doc, "id"), Actor: Str(doc, "actor"), Host: HostOf(Str(doc, "actor")),
			Object: IDOf(doc["object"]), Verb: "Create", Raw: body, Received: time.Now()}
		err = s.Tx(ctx, func(tx node.Tx) error {
			_, err := tx.KeepLetter(ctx, l)
			return err
		})
		if err != nil {
			n.Error(err)
		}
	})
}

// BenchmarkInboxLetter: the CPU of a letter from the door until its effects are stored, against what
// cannot be saved. Target 1.5 (issue 2, 8).
func BenchmarkInboxLetter(b *testing.B) {
	asServed(b)
	const most, senders, letters, rounds = 1.5, 64, 1024, 3
	n, other := newInboxNode(b, senders), storetest.Open(b)
	n.take(n.letters(letters)) // warm: prepared statements, keys
	n.least(other, n.letters(letters))
	var got, want time.Duration
	done := 0
	for b.Loop() {
		for range rounds {
			mine, plain := n.letters(letters), n.letters(letters)
			runtime.GC() // what making letters has left behind is not theirs
			got += n.take(mine)
			runtime.GC()
			want += n.least(other, plain)
			done++
		}
	}
	b.StopTimer()
	kept, err := n.node.Timeline(context.Background(), node.TimelineQuery{Limit: 200})
	if err != nil || len(kept) < 200 || len(kept[0].Object.Common().Tags) != 2 {
		b.Fatalf("the letters had no effect: %d entries, %v", len(kept), err)
	}
	ratio := float64(got) / float64(want)
	b.ReportMetric(ratio, "ratio")
	b.ReportMetric(float64((got / time.Duration(done)).Microseconds()), "CPU-µs/letter")
	b.ReportMetric(float64((want / time.Duration(done)).Microseconds()), "CPU-µs/reference")
	if os.Getenv(benchVar) != "" && ratio > most {
		b.Errorf("%.2f times the reference, the target is %.2f", ratio, most)
	}
}
