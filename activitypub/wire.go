package activitypub

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"runtime"
	"sync"

	"golang.org/x/time/rate"

	"github.com/coopnode/coopnode/node"
)

// Options are the things a Wire can live without.
type Options struct {
	Version    string         // of the program, for the user agent and NodeInfo
	Log        *slog.Logger   // the node's if nil
	AllowCIDRs []netip.Prefix // addresses that may be reached besides the public ones (SSRF-3)
	AllowPorts []int          // ports besides 443 (SSRF-4)
	CAFile     string         // certificates to trust besides the system's
	Proxy      string         // outgoing proxy (SSRF-7)
	Resolvers  []string       // name servers; the system's if empty
	Listen     []netip.AddrPort
	Meter      Meter // counts nothing if nil
}

// A Wire is a node's side of the network: the doors through which letters come in, the desk
// where they are opened, the loop that carries ours, and the documents that others read.
type Wire struct {
	node    *node.Node
	log     *slog.Logger
	meter   Meter
	version string
	base    BaseURL
	rules   AddressRules
	client  *Client
	ready   readyLetters // what the doors have read, for the desk
	out     *outgoing    // nil where nothing is carried: in a command beside the server

	signer   *signer
	forms    *peerForms
	visitors Gate // whose servers are being asked

	noting  Gate // signed GETs whose reader waits to be noted
	readers Gate // those that are looked at now
	notes   sync.WaitGroup
	ending  context.Context // ends with Close
	end     context.CancelFunc

	keys      keyring     // how the doors prove letters
	unproved  complaints  // letters that were not
	signers   *hostLimits // how many of them each host may send
	askers    *hostLimits // whose keys are fetched after a GET of theirs
	allAskers *rate.Limiter

	lookers    *hostLimits // which have this node look at them
	allLookers *rate.Limiter
	looking    Gate

	documents *node.Cache[*answer] // what others GET, made ready
}

// New opens the network side of n. Errors name the setting that cannot be used.
func New(ctx context.Context, n *node.Node, opt Options) (*Wire, error) {
	base, err := ParseBaseURL(n.Links.Base)
	if err != nil {
		return nil, fmt.Errorf("base address: %w", err)
	}
	if opt.Log == nil {
		opt.Log = n.Log()
	}
	if opt.Meter == nil {
		opt.Meter = unmetered{}
	}
	home, err := Origin(n.Links.Base)
	if err != nil {
		return nil, fmt.Errorf("base address: %w", err)
	}
	w := &Wire{
		documents: node.NewCache[*answer](maxKept, maxKeptBytes),
		node:      n, log: opt.Log, meter: opt.Meter, version: opt.Version, base: base,
		rules: AddressRules{Dev: n.Dev, AllowCIDRs: opt.AllowCIDRs, AllowPorts: opt.AllowPorts, Home: home, Own: opt.Listen},
	}
	w.signer = &signer{node: n}
	w.forms = newPeerForms(n.Store(), n.Now, opt.Log)
	w.client, err = NewClient(ClientOptions{
		Rules: w.rules, UserAgent: fmt.Sprintf("coopnode/%s (+%s/)", opt.Version, n.Links.Base),
		Sign: w.signer.sign, KeyID: w.signer.keyID, forms: w.forms, Gate: NewGate(runtime.NumCPU()), Permit: w.permit,
		CAFile: opt.CAFile, Proxy: opt.Proxy, Resolvers: opt.Resolvers, Now: n.Now, Log: opt.Log,
	})
	if err != nil {
		return nil, err
	}
	w.visitors = NewGate(doorwaysAtOnce)
	w.noting, w.readers = NewGate(readersWaiting), NewGate(readersAtOnce)
	w.ending, w.end = context.WithCancel(context.WithoutCancel(ctx))
	w.keys.init(w)
	w.signers = newHostLimits(lettersPerSecond, letterBurst, maxSigningHosts)
	w.askers = newHostLimits(askersPerSecond, askerBurst, maxLimitedHosts)
	w.allAskers = rate.NewLimiter(allAskersASec, allAskersBurst)
	w.initLooks()
	return w, nil
}

// Close ends what is in hand and idle connections.
func (w *Wire) Close() {
	w.end()
	w.notes.Wait()
	w.client.Close()
}

// A Loop is background work with an owner: Run returns when ctx ends, having put back what it
// had claimed.
type Loop interface {
	Run(ctx context.Context) error
}

// Loops are what a serving node runs: letters out, letters in, what nobody waits for, pictures, and the
// bell that wakes them. Call it once.
func (w *Wire) Loops() []Loop {
	in, chores, pictures := newIncoming(w), newChores(w), newPictures(w)
	w.out = newOutgoing(w)
	return []Loop{w.out, in, chores, pictures, bell{w.node, []func(){w.out.Wake, in.Wake, chores.Wake, pictures.Wake}}}
}

// heardFrom lets the carrier know that a peer lives.
func (w *Wire) heardFrom(host string) {
	if w.out != nil {
		w.out.HeardFrom(host)
	}
}

// bell passes the node's ring on to every loop, for a ring of the node wakes one reader alone.
type bell struct {
	node  *node.Node
	wakes []func()
}

// Run passes rings on until ctx ends.
func (b bell) Run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-b.node.Bell:
			for _, wake := range b.wakes {
				wake()
			}
		}
	}
}
