package main

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/coopnode/coopnode/activitypub"
	"github.com/coopnode/coopnode/node"
)

// maxWays is how many addresses of the name are tried.
const maxWays = 8

// A wayIn is what doctor has learned of the way from outside to the node, before it judges.
type wayIn struct {
	*examination
	wire   *activitypub.Wire
	host   string // of the node, without the port
	names  []activitypub.OwnName
	ways   []*activitypub.Way
	runs   bool // somebody listens where the server should
	sights []*activitypub.Sight
	blind  string // why nobody has looked from outside
	wrong  map[netip.Addr]bool
	letter *activitypub.SelfAnswer // by RFC 9421
}

// checkNetwork looks at name, reach, TLS and what other servers see. Each needs the one before it.
func (x *examination) checkNetwork(ctx context.Context, w *activitypub.Wire, name, reach, tls, fediverse *findings) {
	n := &wayIn{examination: x, wire: w, host: node.HostName(x.house.Links.Host()), wrong: map[netip.Addr]bool{}}
	if n.machine == nil {
		n.machine = machineAddresses()
	}
	n.learn(ctx)
	n.judgeName(ctx, name)
	n.judgeReach(ctx, reach)
	n.judgeTLS(ctx, tls)
	n.judgeFediverse(ctx, fediverse)
}

// learn does what takes time, side by side.
func (n *wayIn) learn(ctx context.Context) {
	var all sync.WaitGroup
	all.Go(func() { n.runs = n.serverListens(ctx) })
	all.Go(func() { n.lookFromOutside(ctx) })
	if n.house.Dev {
		n.names = []activitypub.OwnName{{V4: []netip.Addr{netip.MustParseAddr("127.0.0.1")}}}
	} else {
		n.names = n.wire.LookUpSelf(ctx)
	}
	var addresses []netip.Addr
	for _, o := range n.names {
		for _, ip := range slices.Concat(o.V4, o.V6) {
			if !slices.Contains(addresses, ip) && len(addresses) < maxWays {
				addresses = append(addresses, ip)
			}
		}
	}
	n.ways = make([]*activitypub.Way, len(addresses))
	for i, ip := range addresses {
		all.Go(func() { n.ways[i] = n.wire.Visit(ctx, ip) })
	}
	all.Wait()
	if way := n.ours(); way != nil {
		n.letter, _ = n.wire.MirrorSelf(ctx, way.Address, activitypub.RFC9421) // nil is told where it is judged
	}
}

// ours is a way on which this node answers, nil if there is none.
func (n *wayIn) ours() *activitypub.Way {
	for _, way := range n.ways {
		if way.Ours {
			return way
		}
	}
	return nil
}

// answering is a way on which somebody answers with a certificate for this name, nil if there is none.
func (n *wayIn) answering() *activitypub.Way {
	if way := n.ours(); way != nil {
		return way
	}
	for _, way := range n.ways {
		if way.Mirror != nil && !n.wrong[way.Address] {
			return way
		}
	}
	return nil
}

// machineAddresses are those of this machine.
func machineAddresses() (list []netip.Addr) {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return nil
	}
	for _, a := range addrs {
		if p, err := netip.ParsePrefix(a.String()); err == nil {
			list = append(list, p.Addr().Unmap().WithZone(""))
		}
	}
	return list
}

// public are the addresses of this machine that others can reach.
func (n *wayIn) public(six bool) (list []string) {
	for _, ip := range n.machine {
		if ip.Is6() == six && ip.IsGlobalUnicast() && !ip.IsPrivate() {
			list = append(list, ip.String())
		}
	}
	return list
}

// serverListens says whether somebody listens where the configuration says that the server does.
func (x *examination) serverListens(ctx context.Context) bool {
	for _, at := range x.cfg.listenOn(x.house.Node) {
		network, at := wayTo(at)
		d := net.Dialer{Timeout: 3 * time.Second}
		if conn, err := d.DialContext(ctx, network, at); err == nil {
			conn.Close()
			return true
		}
	}
	return false
}

// Bounds of looking from outside: coops that are tried, those that shall answer, and how long that may take.
const (
	maxLookers = 9
	lookers    = 3
	lookWithin = 20 * time.Second
)

// lookFromOutside asks others to look at this node: the one that was named, or up to three coops that it follows.
func (n *wayIn) lookFromOutside(ctx context.Context) {
	if n.opt.noAsk {
		n.blind = "nobody was asked"
		return
	}
	hosts := []string{canonicalHost(n.opt.ask)}
	if n.opt.ask == "" {
		hosts = n.followedHosts(ctx, maxLookers, func(a *node.Actor) bool { return a.Coop != nil })
	}
	if len(hosts) == 0 {
		n.blind = "this node follows no coop that could look"
		return
	}
	ctx, cancel := context.WithTimeout(ctx, lookWithin)
	defer cancel()
	var mu sync.Mutex
	for wave := range slices.Chunk(hosts, lookers) {
		var all sync.WaitGroup
		for _, host := range wave {
			all.Go(func() {
				sight, err := n.wire.AskToLook(ctx, host)
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					n.sights = append(n.sights, sight)
				} else {
					n.blind = fmt.Sprintf("%s does not look: %s", host, firstText(err))
				}
			})
		}
		all.Wait()
		if len(n.sights) >= lookers || ctx.Err() != nil {
			return
		}
	}
}

// followedHosts are the servers of those whom this node follows, the newest first.
func (x *examination) followedHosts(ctx context.Context, most int, wanted func(*node.Actor) bool) (hosts []string) {
	list, err := x.house.Following(ctx, node.FollowQuery{State: node.Accepted, Limit: 200})
	if err != nil {
		return nil
	}
	for _, f := range list {
		a, err := x.house.ActorOf(ctx, f.Actor)
		if host := activitypub.HostOf(f.Actor); err == nil && wanted(a) && !a.Sample && !slices.Contains(hosts, host) && len(hosts) < most {
			hosts = append(hosts, host)
		}
	}
	return hosts
}

// seenOurs says whether somebody outside has reached this node over a family.
func (n *wayIn) seenOurs(family string) bool {
	return slices.ContainsFunc(n.sights, func(s *activitypub.Sight) bool { return s.Ways[family] != nil && s.Ways[family].Ours })
}

func family(ip netip.Addr) string {
	if ip.Is6() {
		return "IPv6"
	}
	return "IPv4"
}

// Bounds of the clock: some servers take letters whose time is at most half a minute off, and this node an hour.
const (
	clockSoon   = 5 * time.Second
	clockBroken = 30 * time.Second
	clockPeers  = 5
)

// checkClock compares the clock with those of servers that this node follows.
func (x *examination) checkClock(ctx context.Context, w *activitypub.Wire, f *findings) {
	const check, mend = "clock", "Let the system keep the time: timedatectl set-ntp true, or install chrony."
	hosts := x.followedHosts(ctx, clockPeers, func(*node.Actor) bool { return true })
	if len(hosts) == 0 {
		f.unknown(check, "Follow somebody: the clocks of those servers are then compared.", "there is no server that could be asked")
		return
	}
	var mu sync.Mutex
	var offs []time.Duration
	var all sync.WaitGroup
	for _, host := range hosts {
		all.Go(func() {
			off, most, trouble := w.ClockOf(ctx, host)
			mu.Lock()
			defer mu.Unlock()
			if trouble == "" && most < clockSoon {
				offs = append(offs, off)
			}
		})
	}
	all.Wait()
	if len(offs) == 0 {
		f.unknown(check, "Look whether this machine reaches others: coopnode inspect "+hosts[0], "none of %d servers says what time it is there", len(hosts))
		return
	}
	slices.Sort(offs)
	off := offs[len(offs)/2]
	where := offText(off) + " by the clock of a server that it follows"
	if len(offs) > 1 {
		where = fmt.Sprintf("%s by the clocks of %d servers that it follows", offText(off), len(offs))
	}
	switch {
	case off.Abs() > clockBroken:
		f.broken(check, mend, "%s: some servers refuse letters that are 30 seconds off, all of them letters that are an hour off", where)
	case off.Abs() > clockSoon:
		f.soon(check, mend, "%s: some servers refuse letters that are 30 seconds off", where)
	default:
		f.good(check, "%s; signatures hold within an hour, with some servers within 30 seconds", where)
	}
}

func offText(off time.Duration) string {
	switch {
	case off.Abs() < 2*time.Second: // they say the time in whole seconds
		return "right"
	case off > 0:
		return spanText(off) + " ahead"
	}
	return spanText(-off) + " behind"
}
