package aptest

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"syscall"
)

// A network joins servers of one process by connections in memory. Nothing of it waits for the world outside, so
// that the time of a synctest bubble can pass.
type network struct {
	mu      sync.Mutex
	servers map[netip.AddrPort]*memoryListener
}

func newNetwork() *network { return &network{servers: map[netip.AddrPort]*memoryListener{}} }

// listen opens a server at an address.
func (n *network) listen(at netip.AddrPort) *memoryListener {
	l := &memoryListener{at: at, calls: make(chan net.Conn), closed: make(chan struct{})}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.servers[at] = l
	return l
}

// dial connects to the server at an address. Where nobody listens it is refused, as by the machine there.
func (n *network) dial(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
	n.mu.Lock()
	l := n.servers[to]
	n.mu.Unlock()
	refused := &net.OpError{Op: "dial", Net: "tcp", Addr: net.TCPAddrFromAddrPort(to), Err: syscall.ECONNREFUSED}
	if l == nil {
		return nil, refused
	}
	here, there := net.Pipe()
	select {
	case l.calls <- there:
		return here, nil
	case <-l.closed:
		return nil, refused
	case <-ctx.Done():
		return nil, errors.Join(refused, context.Cause(ctx))
	}
}

// A memoryListener is a server's end of a network.
type memoryListener struct {
	at     netip.AddrPort
	calls  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

// Accept waits for the next connection.
func (l *memoryListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.calls:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close refuses connections from now on. Those that stand stay.
func (l *memoryListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

// Addr is where it listens.
func (l *memoryListener) Addr() net.Addr { return net.TCPAddrFromAddrPort(l.at) }
