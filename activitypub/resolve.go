package activitypub

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"strings"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/coopnode/coopnode/node"
)

// An OwnName is what one name server says of the name of this node.
type OwnName struct {
	Server string // "" for the system's
	V4, V6 []netip.Addr
	Err    error // why it said nothing
}

// LookUpSelf asks every name server that is set, else the system's, for the addresses of this node's name.
func (w *Wire) LookUpSelf(ctx context.Context) []OwnName {
	servers := w.client.opt.Resolvers
	if len(servers) == 0 {
		servers = []string{""}
	}
	all := make([]OwnName, len(servers))
	done := make(chan struct{}, len(servers))
	for i, server := range servers {
		go func() {
			defer func() { done <- struct{}{} }()
			all[i] = lookUp(ctx, server, node.HostName(w.base.Host))
		}()
	}
	for range servers {
		<-done
	}
	return all
}

func lookUp(ctx context.Context, server, name string) OwnName {
	o := OwnName{Server: server}
	var servers []string
	if server != "" {
		servers = []string{server}
	}
	resolver, err := NewResolver(servers)
	if err != nil {
		o.Err = err
		return o
	}
	ctx, cancel := context.WithTimeout(ctx, 3*resolverTimeout)
	defer cancel()
	for network, to := range map[string]*[]netip.Addr{"ip4": &o.V4, "ip6": &o.V6} {
		ips, err := resolver.LookupNetIP(ctx, network, name+".")
		var dns *net.DNSError
		var none *net.AddrError
		if err != nil && !(errors.As(err, &dns) && dns.IsNotFound) && !errors.As(err, &none) {
			o.Err = err
		}
		for _, ip := range ips {
			*to = append(*to, ip.Unmap())
		}
	}
	return o
}

// typeCAA is the record that says which authorities may give certificates (RFC 8659).
const typeCAA = dnsmessage.Type(257)

// IssuersOf gives the authorities that may give certificates for a name, from the nearest name above it that says so
// (RFC 8659 section 3), and that name. Nil where anybody may; not nil and empty where nobody may.
func (w *Wire) IssuersOf(ctx context.Context, name string) (issuers []string, at string, err error) {
	for name = strings.TrimSuffix(name, "."); strings.Contains(name, "."); {
		records, err := w.queryCAA(ctx, name)
		if err != nil {
			return nil, name, err
		}
		if len(records) > 0 {
			return issuersIn(records), name, nil
		}
		_, name, _ = strings.Cut(name, ".")
	}
	return nil, "", nil
}

// issuersIn reads the properties of CAA records: one octet of flags, a tag behind its length, and a value.
func issuersIn(records [][]byte) (issuers []string) {
	for _, r := range records {
		if len(r) < 2 || len(r) < 2+int(r[1]) {
			continue
		}
		if tag := string(r[2 : 2+int(r[1])]); !strings.EqualFold(tag, "issue") {
			continue
		}
		if issuers == nil {
			issuers = []string{}
		}
		domain, _, _ := strings.Cut(string(r[2+int(r[1]):]), ";")
		if domain = strings.ToLower(strings.TrimSpace(domain)); domain != "" {
			issuers = append(issuers, domain)
		}
	}
	return issuers
}

// queryCAA asks the first name server that answers.
func (w *Wire) queryCAA(ctx context.Context, name string) (records [][]byte, err error) {
	servers := w.client.opt.Resolvers
	if len(servers) == 0 {
		servers = systemResolvers("/etc/resolv.conf")
	}
	err = errors.New("no name server is known")
	for _, server := range servers {
		if ip, e := netip.ParseAddr(server); e == nil {
			server = netip.AddrPortFrom(ip, 53).String()
		}
		for _, network := range []string{"udp", "tcp"} {
			var cut bool
			if records, cut, err = exchangeCAA(ctx, network, server, name); err == nil && !cut {
				return records, nil
			} else if err != nil {
				break
			}
		}
	}
	return nil, err
}

func systemResolvers(file string) (servers []string) {
	f, err := os.Open(file)
	if err != nil {
		return nil
	}
	defer func() { _ = f.Close() }()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if words := strings.Fields(lines.Text()); len(words) == 2 && words[0] == "nameserver" {
			servers = append(servers, words[1])
		}
	}
	return servers
}

// exchangeCAA asks one server. cut says that the answer did not fit and has to be asked for over TCP.
func exchangeCAA(ctx context.Context, network, server, name string) (records [][]byte, cut bool, err error) {
	asked, err := dnsmessage.NewName(name + ".")
	if err != nil {
		return nil, false, fmt.Errorf("ask for CAA of %s: %w", name, err)
	}
	id := uint16(rand.Uint32())
	question := dnsmessage.Message{Header: dnsmessage.Header{ID: id, RecursionDesired: true},
		Questions: []dnsmessage.Question{{Name: asked, Type: typeCAA, Class: dnsmessage.ClassINET}}}
	b, err := question.Pack()
	if err != nil {
		return nil, false, err
	}
	d := net.Dialer{Timeout: resolverTimeout}
	conn, err := d.DialContext(ctx, network, server)
	if err != nil {
		return nil, false, err
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(resolverTimeout))
	if network == "tcp" {
		b = append(binary.BigEndian.AppendUint16(nil, uint16(len(b))), b...)
	}
	if _, err := conn.Write(b); err != nil {
		return nil, false, err
	}
	answer := make([]byte, 1<<16)
	n := 0
	if network == "tcp" {
		var size [2]byte
		if _, err = io.ReadFull(conn, size[:]); err == nil {
			n, err = io.ReadFull(conn, answer[:binary.BigEndian.Uint16(size[:])])
		}
	} else {
		n, err = conn.Read(answer)
	}
	if err != nil {
		return nil, false, err
	}
	return readCAA(answer[:n], id, asked)
}

// readCAA reads the CAA records of an answer, also those behind a CNAME.
func readCAA(b []byte, id uint16, asked dnsmessage.Name) (records [][]byte, cut bool, err error) {
	var p dnsmessage.Parser
	h, err := p.Start(b)
	if err != nil {
		return nil, false, err
	}
	if h.ID != id || !h.Response {
		return nil, false, errors.New("the name server answers something else")
	}
	if h.RCode != dnsmessage.RCodeSuccess && h.RCode != dnsmessage.RCodeNameError {
		return nil, false, fmt.Errorf("the name server says %s to %s", h.RCode, asked)
	}
	if err := p.SkipAllQuestions(); err != nil {
		return nil, false, err
	}
	for len(records) < 50 {
		head, err := p.AnswerHeader()
		if errors.Is(err, dnsmessage.ErrSectionDone) {
			break
		} else if err != nil {
			return nil, false, err
		}
		if head.Type != typeCAA {
			if err := p.SkipAnswer(); err != nil {
				return nil, false, err
			}
			continue
		}
		r, err := p.UnknownResource()
		if err != nil {
			return nil, false, err
		}
		records = append(records, r.Data)
	}
	return records, h.Truncated, nil
}
