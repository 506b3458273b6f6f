package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coopnode/coopnode/activitypub"
	"github.com/coopnode/coopnode/activitypub/aptest"
	"github.com/coopnode/coopnode/node"
)

// A witness is other servers and a browser of a program, and keeps every acknowledgement that it gets (T-5): what was answered
// with 202, or led on to the next page, must be there whatever happens to the program afterwards.
type witness struct {
	*program
	servers      *crowd
	cookie, csrf string
	ours         string // address of a post of ours, which letters answer
	count        atomic.Int64
	backup       string // of all that was acknowledged, once one was made

	mu    sync.Mutex
	again []func() int        // letters that had no answer, for which other servers try again
	acked map[string][]string // ids of letters and texts of posts, by kind
	sent  map[string]int      // how often, by id: a Follow that comes again is accepted again (decisions 23)
	other map[int]int         // answers that were no acknowledgement, by status
}

// The kinds of acknowledgement.
const (
	ackLetter = "inbox"   // a letter that answers a post of ours
	ackFollow = "accept"  // a Follow, which the node accepts
	ackPost   = "publish" // a post written in the console
)

// newWitness makes one for a program that does not serve yet. The letters come from so many servers.
func newWitness(t testing.TB, p *program, hosts int) *witness {
	t.Helper()
	w := &witness{program: p, servers: newCrowd(t, hosts, 0), acked: map[string][]string{}, sent: map[string]int{}, other: map[int]int{}}
	h, ctx := p.house(), context.Background()
	token, _, err := h.InvitePerson(ctx, "command:test", "Antía", "", node.RoleSteward)
	if err != nil {
		t.Fatal(err)
	}
	cookie, session, _, err := h.RedeemPass(ctx, token, node.Guest{})
	if err != nil {
		t.Fatal(err)
	}
	w.cookie, w.csrf = "session="+cookie, session.CSRF
	post := &node.Post{Base: node.Base{Type: node.TypePost, Texts: []node.Text{{Lang: "en", Source: "Who bakes?"}}}}
	if err := h.Publish(ctx, "command:test", post); err != nil {
		t.Fatal(err)
	}
	w.ours = post.IRI
	return w
}

// fromManyNetworks asks from a network of its own every forty dials, so that the measure of one network is not met (HTTP-4).
var fromManyNetworks = func() *http.Client {
	var dials atomic.Int64
	return &http.Client{
		Timeout:       time.Minute,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DisableKeepAlives: true,
			DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
				k := dials.Add(1) / 40
				from := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 67, byte(k>>8), byte(k))}}
				return from.DialContext(ctx, network, strings.Replace(address, "localhost", "127.0.0.1", 1))
			},
		},
	}
}()

// note keeps how something was answered; 0 is no answer at all.
func (w *witness) note(kind, id string, status int) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	if status == http.StatusAccepted || status == http.StatusSeeOther {
		w.acked[kind] = append(w.acked[kind], id)
	} else {
		w.other[status]++
	}
	return status
}

// answered gives the acknowledgements of a kind so far.
func (w *witness) answered(kind string) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.acked[kind])
}

// letter sends an answer to our post, each from the next server; the status is 0 where no answer came.
func (w *witness) letter() int {
	n := w.count.Add(1)
	host := w.servers.hosts[int(n)%len(w.servers.hosts)]
	id := fmt.Sprint(host, "/notes/", n)
	note := aptest.M{"id": id, "type": "Note", "attributedTo": host + "/actor", "content": fmt.Sprint("<p>We bake, number ", n, "</p>"),
		"inReplyTo": w.ours, "published": time.Now().UTC().Format(time.RFC3339), "to": []any{aptest.Public}, "cc": []any{w.base + "/ap/coop"}}
	return w.mail(ackLetter, id, host, aptest.M{"id": id + "/create", "type": "Create", "object": note, "to": note["to"], "cc": note["cc"]})
}

// follow sends a Follow from the next server.
func (w *witness) follow() int {
	n := w.count.Add(1)
	host := w.servers.hosts[int(n)%len(w.servers.hosts)]
	id := fmt.Sprint(host, "/follows/", n)
	return w.mail(ackFollow, id, host, aptest.M{"id": id, "type": "Follow", "object": w.base + "/ap/coop"})
}

// mail sends a letter, and before it one that had no answer.
func (w *witness) mail(kind, id, host string, letter aptest.M) int {
	w.mu.Lock()
	again := w.again
	w.again = nil
	w.sent[id]++
	w.mu.Unlock()
	for _, try := range again {
		try()
	}
	status := w.note(kind, id, w.send(host, letter))
	if status == 0 || status == http.StatusServiceUnavailable || status == http.StatusTooManyRequests {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.again = append(w.again, func() int { return w.mail(kind, id, host, letter) })
	}
	return status
}

// send posts a letter of a host, signed, and gives the status.
func (w *witness) send(host string, letter aptest.M) int {
	letter["@context"], letter["actor"] = aptest.Context, host+"/actor"
	body, err := json.Marshal(letter)
	if err != nil {
		w.Fatal(err)
	}
	r, err := http.NewRequest(http.MethodPost, w.base+"/ap/inbox", bytes.NewReader(body))
	if err != nil {
		w.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/activity+json")
	if err := activitypub.SignPost(r, body, host+"/actor#key", w.servers.key, time.Now()); err != nil {
		w.Fatal(err)
	}
	status, _ := w.do(r)
	return status
}

// do sends a request and reads the answer to its end; 0 where there is none.
func (w *witness) do(r *http.Request) (status int, header http.Header) {
	res, err := fromManyNetworks.Do(r)
	if err != nil {
		return 0, nil
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		return 0, nil
	}
	return res.StatusCode, res.Header
}

// publish writes a post in the console.
func (w *witness) publish() int {
	text := fmt.Sprint("Bread of batch ", w.count.Add(1))
	form := url.Values{"csrf": {w.csrf}, "do": {"publish"}, "kind": {"post"}, "lang.0": {"en"}, "text.0": {text}, "audience": {"public"}}
	status, _ := w.form("/console/posts/new", "application/x-www-form-urlencoded", []byte(form.Encode()))
	return w.note(ackPost, text, status)
}

// upload brings a picture to the console, where 200 is the form with the picture in it.
func (w *witness) upload(picture []byte) int {
	var b bytes.Buffer
	m := multipart.NewWriter(&b)
	for name, value := range map[string]string{"csrf": w.csrf, "for": "post", "lang.0": "en", "text.0": "Look", "description": "A loaf"} {
		m.WriteField(name, value)
	}
	file, _ := m.CreateFormFile("file", "loaf.png") // a bytes.Buffer takes everything
	file.Write(picture)
	m.Close()
	status, _ := w.form("/console/pictures", m.FormDataContentType(), b.Bytes())
	return status
}

func (w *witness) form(path, kind string, body []byte) (int, http.Header) {
	r, err := http.NewRequest(http.MethodPost, w.base+path, bytes.NewReader(body))
	if err != nil {
		w.Fatal(err)
	}
	r.Header.Set("Content-Type", kind)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	r.Header.Set("Cookie", w.cookie)
	return w.do(r)
}

// get is the status of a page, for somebody who is signed in.
func (w *witness) get(path string, headers ...string) int {
	w.Helper()
	res, _ := w.ask(w.base+path, append(headers, "Cookie", w.cookie)...)
	return res.StatusCode
}

// kept waits until every letter was handled, then compares what was acknowledged with what is there: each once.
func (w *witness) kept() (lost, twice int) {
	w.Helper()
	ctx, h := context.Background(), w.house()
	w.until("every letter is handled", func() bool {
		q, err := h.QueueStatus(ctx)
		return err == nil && q.Letters == 0
	})
	for _, id := range w.answered(ackLetter) {
		if _, err := h.db.Object(ctx, id); node.IsNotFound(err) {
			lost++
		} else if err != nil {
			w.Fatal(err)
		}
	}
	posts, _ := w.published(h)
	return lost + posts.lost, posts.doubled
}
