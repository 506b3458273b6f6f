package main

import (
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// A nameServer is a DNS of a test, which knows the names that it is told.
type nameServer struct {
	address string // ip:port

	mu    sync.Mutex
	names map[string][]netip.Addr
	caa   []string // issue values of every name
	asked map[string]int
}

// newNameServer starts one, with port 0 on any free port.
func newNameServer(t testing.TB, address string) *nameServer {
	t.Helper()
	conn, err := net.ListenPacket("udp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	d := &nameServer{address: conn.LocalAddr().String(), names: map[string][]netip.Addr{}, asked: map[string]int{}}
	go func() {
		for buf := make([]byte, 1500); ; {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if m.Unpack(buf[:n]) != nil || len(m.Questions) != 1 {
				continue
			}
			d.answer(&m)
			if out, err := m.Pack(); err == nil {
				conn.WriteTo(out, from)
			}
		}
	}()
	return d
}

// set says where a name leads; nowhere without addresses.
func (d *nameServer) set(name string, addresses ...string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.names, name)
	for _, a := range addresses {
		d.names[name] = append(d.names[name], netip.MustParseAddr(a))
	}
}

// lets says who may give certificates, for every name.
func (d *nameServer) lets(issuers ...string) func() func() {
	set := func(list []string) { d.mu.Lock(); d.caa = list; d.mu.Unlock() }
	return func() func() {
		set(issuers)
		return func() { set(nil) }
	}
}

// times is how often a name was asked for.
func (d *nameServer) times(name string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.asked[name]
}

func (d *nameServer) answer(m *dnsmessage.Message) {
	q := m.Questions[0]
	name := strings.ToLower(strings.TrimSuffix(q.Name.String(), "."))
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked[name]++
	m.Response, m.Authoritative, m.RecursionAvailable, m.Additionals = true, true, true, nil
	list, known := d.names[name]
	if !known {
		m.RCode = dnsmessage.RCodeNameError
	}
	if known && q.Type == 257 {
		for _, issuer := range d.caa { // flags, length of the tag, tag, value (RFC 8659 section 4.1)
			m.Answers = append(m.Answers, dnsmessage.Resource{Header: dnsmessage.ResourceHeader{Name: q.Name, Class: dnsmessage.ClassINET, Type: q.Type},
				Body: &dnsmessage.UnknownResource{Type: q.Type, Data: []byte("\x00\x05issue" + issuer)}})
		}
	}
	for _, ip := range list {
		head := dnsmessage.ResourceHeader{Name: q.Name, Class: dnsmessage.ClassINET, Type: q.Type}
		switch {
		case q.Type == dnsmessage.TypeA && ip.Is4():
			m.Answers = append(m.Answers, dnsmessage.Resource{Header: head, Body: &dnsmessage.AResource{A: ip.As4()}})
		case q.Type == dnsmessage.TypeAAAA && ip.Is6():
			m.Answers = append(m.Answers, dnsmessage.Resource{Header: head, Body: &dnsmessage.AAAAResource{AAAA: ip.As16()}})
		}
	}
}
