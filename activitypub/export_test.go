package activitypub

import (
	"context"
	"net"
	"net/netip"
	"time"
)

// Hurry makes a node give up on others after d, which takes a quarter of a minute elsewhere (OUT-1, OUT-2).
func Hurry(w *Wire, d time.Duration) { w.client.getTimeout, w.client.postTimeout = d, d }

// Patient makes loops look for themselves only so often: virtual time in which nothing happens would cost real time
// otherwise. What rings, and letters that become due, do not wait for it.
func Patient(loops []Loop, poll time.Duration) {
	for _, l := range loops {
		switch l := l.(type) {
		case *outgoing:
			l.poll = poll
		case *incoming:
			l.every = poll
		case *chores:
			l.every = poll
		case *pictures:
			l.every = poll
		}
	}
}

// OverMemory makes connect stand in for TCP, so that a node can live in a synctest bubble. What the rules of addresses
// refuse is refused before, as by the dialer that it replaces.
func OverMemory(w *Wire, connect func(context.Context, netip.AddrPort) (net.Conn, error)) {
	w.client.transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		if err := w.client.rules.control(network, address, nil); err != nil {
			return nil, err
		}
		return connect(ctx, netip.MustParseAddrPort(address))
	}
}
