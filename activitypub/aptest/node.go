package aptest

import (
	"context"
	"crypto/tls"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/coopnode/coopnode/activitypub"
	"github.com/coopnode/coopnode/node"
	"github.com/coopnode/coopnode/store"
	"github.com/coopnode/coopnode/ui"
)

// A Node is a coop's node as serve runs it: a store on disk, doors, pages and loops behind a
// server on loopback.
type Node struct {
	*node.Node
	DB   *store.DB
	Wire *activitypub.Wire

	t       testing.TB
	dir     string
	listen  netip.AddrPort
	secure  *Secure  // nil for a node made with --dev
	village *Village // nil for a node on loopback
	pages   atomic.Pointer[echo.Echo]
	faults  faults
	tally   tally
	ahead   atomic.Int64 // of the clock
	rest    func()       // stops the loops and waits for them

	door     sync.Mutex
	shut     bool           // whoever comes finds nobody
	visitors sync.WaitGroup // who came before
}

// NewNode starts a node called name at http://localhost:PORT, open to others and with its loops
// running. It ends with the test.
func NewNode(t testing.TB, name string) *Node { t.Helper(); return newNode(t, name, nil) }

// Secure is what a node needs that speaks https under the address rules of production.
type Secure struct {
	*Certificate
	Ports []int // of the servers on loopback that it may reach
}

// NewSecureNode is NewNode at https://localhost:PORT. It was not made with --dev: it reaches loopback because its
// allow_cidrs and allow_ports say so, and trusts the authority of its certificate by ca_file.
func NewSecureNode(t testing.TB, name string, s Secure) *Node {
	t.Helper()
	return newNode(t, name, &s)
}

func newNode(t testing.TB, name string, secure *Secure) *Node {
	t.Helper()
	n := &Node{t: t, dir: t.TempDir(), secure: secure}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n.listen = netip.MustParseAddrPort(l.Addr().String())
	_, port, _ := net.SplitHostPort(l.Addr().String())
	setup := node.Setup{Base: "http://localhost:" + port, Dev: true, Handle: name, Name: "The " + name}
	if secure != nil {
		setup.Base, setup.Dev = "https://localhost:"+port, false
		l = tls.NewListener(l, secure.Config)
	}
	n.start(setup, l, n)
	return n
}

// start makes the node and serves it until the test ends. h is the node, or what stands in front of it.
func (n *Node) start(setup node.Setup, l net.Listener, h http.Handler) {
	t := n.t
	t.Helper()
	var err error
	n.DB, err = store.Open(t.Context(), store.Options{Dir: n.dir, Create: true})
	n.must(err)
	n.must(node.SetUp(t.Context(), n.DB, activitypub.NewEncoder, setup, time.Now()))
	n.open()
	n.run()

	srv := &http.Server{Handler: h, ErrorLog: log.New(&n.faults, "", 0)}
	go srv.Serve(l)
	t.Cleanup(func() {
		srv.Close()
		n.close()
		for _, f := range n.Faults() {
			t.Errorf("fault of %s: %s", n.Links.Base, f)
		}
	})
}

// ServeHTTP answers as the node's server does.
func (n *Node) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n.door.Lock()
	shut := n.shut
	if !shut {
		n.visitors.Add(1)
		defer n.visitors.Done()
	}
	n.door.Unlock()
	if shut {
		panic(http.ErrAbortHandler) // closes the connection
	}
	n.pages.Load().ServeHTTP(w, r)
}

// setShut shuts the doors or opens them.
func (n *Node) setShut(shut bool) {
	n.door.Lock()
	defer n.door.Unlock()
	n.shut = shut
}

func (n *Node) must(err error) {
	n.t.Helper()
	if err != nil {
		n.t.Fatal(err)
	}
}

// open makes everything above the store.
func (n *Node) open() {
	n.t.Helper()
	ctx := context.Background()
	now := func() time.Time { return time.Now().Add(time.Duration(n.ahead.Load())) }
	nodeOpt := node.Options{Now: now, Markdown: ui.Markdown, Clean: ui.Clean, Redraw: ui.Redraw, Log: slog.New(&n.faults)}
	if n.village != nil {
		nodeOpt.Redraw = nil // hundreds would spend their time on each other's pictures
	}
	var err error
	n.Node, err = node.New(ctx, n.DB, activitypub.NewEncoder, nodeOpt)
	n.must(err)
	opt := activitypub.Options{Version: "0.0.0-test", Listen: []netip.AddrPort{n.listen}, Meter: &n.tally}
	if n.secure != nil {
		opt.AllowCIDRs, opt.AllowPorts, opt.CAFile = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, n.secure.Ports, n.secure.CA
	}
	n.Wire, err = activitypub.New(ctx, n.Node, opt)
	n.must(err)
	if n.village != nil {
		n.village.seams.OverMemory(n.Wire, n.village.net.dial)
	}
	e := echo.New()
	e.HTTPErrorHandler = func(err error, c echo.Context) {
		if activitypub.StatusOf(err) == http.StatusInternalServerError {
			n.faults.add("500 for %s %s: %v", c.Request().Method, c.Request().URL.Path, err)
		}
		activitypub.Problem(c, err)
	}
	n.Wire.Mount(e)
	ui.Mount(e, n.Node, ui.Options{Version: "0.0.0-test", Doorway: n.Wire.Doorway, Wire: ui.Wire{
		Find: n.Wire.Find, HostIn: activitypub.HostIn, Suffix: activitypub.PublicSuffix, ReadRules: activitypub.ReadBlockList, WriteRules: activitypub.WriteBlockList}})
	n.pages.Store(e)
	n.rest = func() {}
}

// Routes are the paths at which anything answers to GET, with their parameters as :name.
func (n *Node) Routes() []string {
	var paths []string
	for _, r := range n.pages.Load().Routes() {
		if r.Method == http.MethodGet && !strings.HasSuffix(r.Path, "*") {
			paths = append(paths, r.Path)
		}
	}
	slices.Sort(paths)
	return slices.Compact(paths)
}

// run starts the loops.
func (n *Node) run() {
	ctx, cancel := context.WithCancel(context.Background())
	var loops sync.WaitGroup
	list := n.Wire.Loops()
	if n.village != nil {
		n.village.seams.Patient(list, villagePoll)
	}
	for _, l := range list {
		loops.Go(func() {
			if err := l.Run(ctx); err != nil {
				n.t.Errorf("loop of %s: %v", n.Links.Base, err)
			}
		})
	}
	n.rest = sync.OnceFunc(func() {
		cancel()
		loops.Wait()
	})
}

func (n *Node) close() {
	n.rest()
	n.Wire.Close()
	if err := n.DB.Close(); err != nil {
		n.t.Errorf("close store: %v", err)
	}
}

// Dir is the data folder.
func (n *Node) Dir() string { return n.dir }

// Rest stops the loops: letters are taken in at the door, but nobody opens or carries any
// until Restart.
func (n *Node) Rest() { n.rest() }

// Sleep is Rest with the doors shut too: whoever comes finds nobody, until Wake. It returns when those have gone who were
// there.
func (n *Node) Sleep() {
	n.rest()
	n.setShut(true)
	n.visitors.Wait()
}

// ShutDoors makes whoever comes find nobody while the loops go on: the node can ask others, and hears nothing by itself.
func (n *Node) ShutDoors() { n.setShut(true) }

// Wake is Restart after Sleep.
func (n *Node) Wake() {
	n.t.Helper()
	n.Restart()
}

// Restart is what happens when the process ends and is started again: nothing is left but
// the data folder.
func (n *Node) Restart() {
	n.t.Helper()
	n.Sleep()
	n.close()
	var err error
	n.DB, err = store.Open(context.Background(), store.Options{Dir: n.dir})
	n.must(err)
	n.open()
	n.run()
	n.setShut(false)
}

// Later moves the node's clock.
func (n *Node) Later(d time.Duration) {
	n.ahead.Add(int64(d))
	n.Ring()
}

// Publish publishes o, which says everything that it needs to say.
func (n *Node) Publish(o node.Object) string {
	n.t.Helper()
	n.must(n.Node.Publish(n.t.Context(), "test", o))
	return o.Common().IRI
}

// Opening publishes an opening with a deadline in four weeks.
func (n *Node) Opening(title string) *node.Opening {
	n.t.Helper()
	o := &node.Opening{Base: node.Base{Type: node.TypeOpening, Texts: []node.Text{{Lang: "en", Title: title, Source: "Six weeks of work."}}}}
	o.Closes = n.Now().Add(28 * 24 * time.Hour).Truncate(time.Second)
	n.Publish(o)
	return o
}

// Post publishes a post.
func (n *Node) Post(text string) *node.Post {
	n.t.Helper()
	p := &node.Post{Base: node.Base{Type: node.TypePost, Texts: []node.Text{{Lang: "en", Source: text}}}}
	n.Publish(p)
	return p
}

// Known is an object that the node knows by its address, nil if it does not.
func (n *Node) Known(iri string) node.Object {
	n.t.Helper()
	o, err := n.Object(n.t.Context(), iri)
	if node.IsNotFound(err) {
		return nil
	}
	n.must(err)
	return o
}

// FollowerState is where a follower stands, "" for one that does not follow.
func (n *Node) FollowerState(actor string) node.FollowState {
	n.t.Helper()
	f, err := n.DB.Follower(n.t.Context(), actor)
	if node.IsNotFound(err) {
		return ""
	}
	n.must(err)
	return f.State
}

// FollowedState is how our own follow of an actor stands, "" for none.
func (n *Node) FollowedState(actor string) node.FollowState {
	n.t.Helper()
	f, err := n.DB.Followed(n.t.Context(), actor)
	if node.IsNotFound(err) {
		return ""
	}
	n.must(err)
	return f.State
}

// Follow follows an address as people write it and waits until the other side has accepted.
func (n *Node) Follow(address string) *node.Actor {
	n.t.Helper()
	a, err := n.Wire.Find(n.t.Context(), address)
	n.must(err)
	_, err = n.Node.Follow(n.t.Context(), "test", a)
	n.must(err)
	Until(n.t, a.IRI+" accepts our follow", func() bool { return n.FollowedState(a.IRI) == node.Accepted })
	return a
}

// Handled waits until every letter that came in has had its effect.
func (n *Node) Handled() {
	n.t.Helper()
	Until(n.t, "all letters are handled", func() bool { return n.queue().Letters == 0 })
}

// Delivered waits until every letter in and out is done with.
func (n *Node) Delivered() {
	n.t.Helper()
	Until(n.t, "all letters are handled and delivered", func() bool { s := n.queue(); return s.Letters == 0 && s.Waiting == 0 })
}

func (n *Node) queue() *node.QueueStatus {
	n.t.Helper()
	s, err := n.QueueStatus(n.t.Context())
	n.must(err)
	return s
}

// Until waits for something that other goroutines bring about, and fails the test where it does not come.
func Until(t testing.TB, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !done(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited a minute in vain until %s", what)
		}
	}
}
