package activitypub

import (
	"context"
	"crypto"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coopnode/coopnode/node"
	"github.com/coopnode/coopnode/store"
)

// queueBytes is an encoder for tests of the carrier, which does not look into letters.
type queueBytes struct{}

func (queueBytes) EncodeActor(*node.Actor) ([]byte, error)  { return []byte(`{}`), nil }
func (queueBytes) EncodeObject(node.Object) ([]byte, error) { return []byte(`{}`), nil }
func (queueBytes) EncodeAct(a *node.Act) ([]byte, error) {
	return json.Marshal(map[string]string{"id": a.IRI})
}

// A queueNode is a node with a real store whose carrier is started by the test.
type queueNode struct {
	testing.TB
	db    *store.DB
	node  *node.Node
	wire  *Wire
	out   *outgoing
	ahead atomic.Int64 // of the clock
}

// newQueueNode opens the node in dir, or makes it.
func newQueueNode(t testing.TB, dir string, opt Options) *queueNode {
	t.Helper()
	q := &queueNode{TB: t}
	ctx := context.Background()
	var err error
	q.db, err = store.Open(ctx, store.Options{Dir: dir, Create: true})
	q.must(err)
	t.Cleanup(func() { q.db.Close() })
	coder := func(node.Links) node.Encoder { return queueBytes{} }
	if _, err = q.db.Setting(ctx, "base"); node.IsNotFound(err) {
		err = node.SetUp(ctx, q.db, coder, node.Setup{Base: "http://localhost:8080", Dev: true, Handle: "mill", Name: "Mill"}, time.Now())
	}
	q.must(err)
	now := func() time.Time { return time.Now().Add(time.Duration(q.ahead.Load())) }
	q.node, err = node.New(ctx, q.db, coder, node.Options{Now: now})
	q.must(err)
	q.wire, err = New(ctx, q.node, opt)
	q.must(err)
	t.Cleanup(q.wire.Close)
	q.out = newOutgoing(q.wire)
	return q
}

func (q *queueNode) must(err error) {
	q.Helper()
	if err != nil {
		q.Fatal(err)
	}
}

// key is the one that signs.
func (q *queueNode) key() *rsa.PrivateKey {
	q.Helper()
	keys, err := q.wire.signer.current()
	q.must(err)
	return keys[0].private
}

func (q *queueNode) tx(f func(tx node.Tx) error) {
	q.Helper()
	q.must(q.db.Tx(context.Background(), f))
}

// follow makes one accepted follower for each inbox and returns their addresses.
func (q *queueNode) follow(inboxes ...string) []string {
	q.Helper()
	actors := make([]string, len(inboxes))
	q.tx(func(tx node.Tx) error {
		for i, inbox := range inboxes {
			actors[i] = inbox + "/actor"
			a := &node.Actor{IRI: actors[i], Type: "Organization", Handle: fmt.Sprintf("f%d", i), Host: node.HostOf(inbox), Inbox: inbox}
			if err := tx.SaveActor(context.Background(), a); err != nil {
				return err
			}
			f := &node.Following{Actor: a.IRI, State: node.Accepted, FollowIRI: a.IRI + "/follow", Since: time.Now()}
			if err := tx.SaveFollower(context.Background(), f); err != nil {
				return err
			}
		}
		return nil
	})
	return actors
}

// say makes an act about object for all followers and returns its id.
func (q *queueNode) say(name, object string) string {
	q.Helper()
	rec := &node.ActRecord{IRI: q.node.Links.Activity(name), Verb: node.Update, Object: object, At: q.node.Now()}
	rec.Raw = queueLetter(rec.IRI)
	q.tx(func(tx node.Tx) error {
		if err := tx.SaveAct(context.Background(), rec); err != nil {
			return err
		}
		_, err := tx.Enqueue(context.Background(), rec, node.Recipients{Followers: true})
		return err
	})
	q.out.Wake()
	return rec.IRI
}

// queueLetter is a letter of an ordinary size, 1.5 KB.
func queueLetter(id string) []byte {
	b, _ := json.Marshal(map[string]string{"id": id, "content": fmt.Sprintf("%01400d", 0)})
	return b
}

// run starts the carrier and returns a function that stops it and waits.
func (q *queueNode) run() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- q.out.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		q.must(<-ended)
	})
	q.Cleanup(stop)
	return stop
}

// later moves the clock and rings.
func (q *queueNode) later(d time.Duration) {
	q.ahead.Add(int64(d))
	q.out.Wake()
}

func (q *queueNode) waiting() []*node.Delivery {
	q.Helper()
	list, err := q.db.Deliveries(context.Background(), node.DeliveryQuery{Limit: 100_000})
	q.must(err)
	return list
}

// peer is the one with letters waiting at host; nil if none wait.
func (q *queueNode) peer(host string) *node.Peer {
	q.Helper()
	list, err := q.db.Peers(context.Background(), 1000)
	q.must(err)
	for _, p := range list {
		if p.Host == host {
			return p
		}
	}
	return nil
}

func (q *queueNode) act(iri string) *node.ActRecord {
	q.Helper()
	a, err := q.db.Act(context.Background(), iri)
	q.must(err)
	return a
}

// until waits for something that has to happen soon.
func (q *queueNode) until(what string, f func() bool) {
	q.Helper()
	for end := time.Now().Add(20 * time.Second); !f(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			q.Fatalf("waited in vain: %s", what)
		}
	}
}

// An arrival is one request that reached a queueSink.
type arrival struct {
	inbox, act string
	status     int
	at         time.Time
}

// A queueSink is the inboxes of many hosts, each with an address of its own in 127.0.0.0/8.
type queueSink struct {
	t      testing.TB
	server *http.Server
	key    crypto.PublicKey // to verify with, if set

	mu     sync.Mutex
	answer func(a arrival) int // 202 if nil; hang below if 0
	got    []arrival
	busy   map[string]int // requests under way at each host
	most   int            // of them at one host, ever
	hang   chan struct{}  // closed when hanging requests shall end
	header http.Header    // sent with each answer
}

func newQueueSink(t testing.TB) *queueSink {
	s := &queueSink{t: t, busy: map[string]int{}, hang: make(chan struct{}), header: http.Header{}}
	s.server = &http.Server{Handler: s, ErrorLog: log.New(io.Discard, "", 0)}
	t.Cleanup(func() {
		s.release()
		s.server.Close()
	})
	return s
}

func (s *queueSink) release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.hang:
	default:
		close(s.hang)
	}
}

// host opens one more host and returns its base address, http://127.x.y.z:port.
func (s *queueSink) host(n int) string {
	s.t.Helper()
	l, err := net.Listen("tcp", fmt.Sprintf("127.%d.%d.%d:0", 10+n>>16, n>>8&255, n&255))
	if err != nil {
		s.t.Fatal(err)
	}
	go s.server.Serve(l)
	return "http://" + l.Addr().String()
}

// hosts opens n hosts.
func (s *queueSink) hosts(n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = s.host(i + 1)
	}
	return list
}

func (s *queueSink) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	var letter struct{ ID string }
	json.Unmarshal(body, &letter)
	a := arrival{inbox: "http://" + r.Host + r.URL.Path, act: letter.ID, status: http.StatusAccepted, at: time.Now()}
	s.mu.Lock()
	s.busy[r.Host]++
	s.most = max(s.most, s.busy[r.Host])
	answer, hang := s.answer, s.hang
	s.mu.Unlock()
	if s.key != nil {
		if err := verifyLetter(r, body, s.key); err != nil {
			s.t.Errorf("letter to %s: %v", a.inbox, err)
		}
	}
	if answer != nil {
		a.status = answer(a)
	}
	s.mu.Lock()
	s.got = append(s.got, a)
	s.mu.Unlock()
	if a.status == 0 {
		select {
		case <-r.Context().Done():
		case <-hang:
		}
	}
	s.mu.Lock()
	s.busy[r.Host]--
	for k, v := range s.header {
		w.Header()[k] = v
	}
	s.mu.Unlock()
	if a.status != 0 {
		w.WriteHeader(a.status)
	}
}

func verifyLetter(r *http.Request, body []byte, key crypto.PublicKey) error {
	base, err := ParseBaseURL("http://" + r.Host)
	if err != nil {
		return err
	}
	sig, err := ParseSignature(r)
	if err != nil {
		return err
	}
	return sig.Verify(r, body, base, key, time.Now())
}

// decide sets how requests are answered from now on.
func (s *queueSink) decide(answer func(a arrival) int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = answer
}

// say sets a header of all answers; an empty value removes it.
func (s *queueSink) say(key, value string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.header = http.Header{}
	if value != "" {
		s.header.Set(key, value)
	}
}

// arrivals are the requests so far that were answered with status, 0 for those that hung; -1 for all.
func (s *queueSink) arrivals(status int) (list []arrival) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.got {
		if status < 0 || a.status == status {
			list = append(list, a)
		}
	}
	return list
}

func (s *queueSink) count(status int) int { return len(s.arrivals(status)) }

// queueInboxes are n inboxes spread over hosts.
func queueInboxes(hosts []string, n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf("%s/u%d/inbox", hosts[i%len(hosts)], i)
	}
	return list
}

// queueLog keeps what was logged.
type queueLog struct {
	mu  sync.Mutex
	all []slog.Record
}

func (l *queueLog) Enabled(context.Context, slog.Level) bool { return true }
func (l *queueLog) WithAttrs([]slog.Attr) slog.Handler       { return l }
func (l *queueLog) WithGroup(string) slog.Handler            { return l }
func (l *queueLog) Handle(_ context.Context, r slog.Record) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, r)
	return nil
}

func (l *queueLog) has(level slog.Level, start string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.ContainsFunc(l.all, func(r slog.Record) bool { return r.Level == level && strings.HasPrefix(r.Message, start) })
}

func (l *queueLog) count(level slog.Level) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range l.all {
		if r.Level == level {
			n++
		}
	}
	return n
}
