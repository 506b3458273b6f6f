package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"

	"golang.org/x/net/publicsuffix"

	"github.com/coopnode/coopnode/activitypub"
	"github.com/coopnode/coopnode/node"
)

// leadName is the third step: the name has to lead to this machine, and the domain of the handle to the name.
func (s *setup) leadName(ctx context.Context) error {
	s.begin("Name in the DNS")
	if s.nn.offline {
		s.open("nobody was asked", "for --offline was given")
		return nil
	}
	name := node.HostName(s.nn.host)
	ours, private := reachable()
	resolvers, err := s.resolvers()
	if err != nil {
		return err
	}
	look := func(ctx context.Context) error { return s.nameLeads(ctx, name, resolvers, ours) }
	if err := look(ctx); err != nil {
		s.more("Add this where you registered %s:", registered(name))
		s.tell("")
		for _, ip := range ours {
			s.more("  %s.    %-7s %s", name, recordType(ip), ip)
		}
		if len(ours) == 0 {
			s.more("  %s.    A       the address under which the world reaches this machine", name)
			s.tell("")
			s.more("This machine itself has %s. Whoever gave you the machine, or your", privateText(private))
			s.more("router, knows its public address, and has to pass on the ports 80 and 443.")
		}
		s.tell("")
		if err := s.wait(ctx, "the world sees it", look); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			s.open(oneLine(err.Error()), "")
			s.more("The node can start without; others find it as soon as its name leads here.")
		} else {
			s.leads(ours, len(resolvers))
		}
	} else {
		s.leads(ours, len(resolvers))
	}
	return s.leadHandle(ctx)
}

func (s *setup) leads(ours []netip.Addr, asked int) {
	what := "the name leads here"
	if len(ours) == 0 || s.cfg.TLS == "off" {
		what = "the name leads somewhere" // a router or a proxy, which this machine cannot tell from a mistake
	}
	from := "(asked one resolver)"
	if asked > 1 {
		from = fmt.Sprintf("(asked %d resolvers)", asked)
	}
	s.done(what, from)
}

// resolvers are each of the configuration, for the world does not see a change all at once, or that of the system.
func (s *setup) resolvers() (list []*net.Resolver, err error) {
	for _, address := range s.cfg.Resolvers {
		r, err := activitypub.NewResolver([]string{address})
		if err != nil {
			return nil, wrongUse("%v", err)
		}
		list = append(list, r)
	}
	if len(list) == 0 {
		list = append(list, net.DefaultResolver)
	}
	return list, nil
}

// nameLeads says what is wrong with the name; nil where all see it lead to this machine. Behind a proxy or a router it leads
// elsewhere, and rightly so.
func (s *setup) nameLeads(ctx context.Context, name string, resolvers []*net.Resolver, ours []netip.Addr) error {
	for _, r := range resolvers {
		found, err := r.LookupNetIP(ctx, "ip", name)
		if dns, ok := errors.AsType[*net.DNSError](err); ok && dns.IsNotFound {
			return fmt.Errorf("%s does not lead anywhere yet", name)
		} else if err != nil {
			return fmt.Errorf("the DNS does not answer: %w", err)
		}
		if len(ours) == 0 || s.cfg.TLS == "off" {
			continue
		}
		for _, ip := range found {
			if ip = ip.Unmap(); !slices.Contains(ours, ip) {
				return fmt.Errorf("%s leads to %s, and this machine is %s", name, ip, joinAddresses(ours))
			}
		}
	}
	return nil
}

func joinAddresses(list []netip.Addr) string {
	texts := make([]string, len(list))
	for i, ip := range list {
		texts[i] = ip.String()
	}
	return strings.Join(texts, ", ")
}

// reachable splits the addresses of this machine into those that the world can reach, IPv4 first, and the others but loopback.
func reachable() (public, private []netip.Addr) {
	for _, ip := range machineAddresses() {
		switch {
		case ip.IsLoopback() || ip.IsLinkLocalUnicast():
		case (activitypub.AddressRules{}).CheckDial(netip.AddrPortFrom(ip, 443)) == nil:
			public = append(public, ip)
		default:
			private = append(private, ip)
		}
	}
	slices.SortStableFunc(public, func(a, b netip.Addr) int { return a.BitLen() - b.BitLen() })
	return public, private
}

func privateText(private []netip.Addr) string {
	if len(private) == 0 {
		return "no address but its own"
	}
	return "only private addresses (" + joinAddresses(private) + ")"
}

func recordType(ip netip.Addr) string {
	if ip.Is4() {
		return "A"
	}
	return "AAAA"
}

// registered is where a person would look for the records of a name.
func registered(name string) string {
	if domain, err := publicsuffix.EffectiveTLDPlusOne(name); err == nil {
		return domain
	}
	return name
}

// leadHandle sees that the domain of the handle sends WebFinger here.
func (s *setup) leadHandle(ctx context.Context) error {
	_, domain, _ := strings.Cut(strings.TrimPrefix(s.m.Handle, "@"), "@")
	if domain == s.nn.host {
		return nil
	}
	look := func(ctx context.Context) error {
		return s.visit(ctx, func(h *house) error {
			wire, err := h.wire(ctx, s.commandLog())
			if err != nil {
				return err
			}
			defer wire.Close()
			return wire.CheckHandleDomain(ctx, domain)
		})
	}
	err := look(ctx)
	if err != nil {
		s.tell("")
		s.more("%s", oneLine(problemText(err)))
		s.more("The web server of %s has to send WebFinger here. One of these, for Caddy, nginx, Apache:", domain)
		s.tell("")
		for _, redirect := range handleRedirects(s.m.Address) {
			s.more("  %s", redirect)
		}
		s.tell("")
		err = s.wait(ctx, "it does", look)
	}
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		s.open(s.m.Handle+" is not found yet", "")
		s.more("%s", oneLine(problemText(err)))
	default:
		s.done(s.m.Handle+" leads here", "(asked https://"+domain+"/.well-known/webfinger)")
	}
	return nil
}

// handleRedirects are the one line that a web server needs which has the domain of the handle: for Caddy, nginx and Apache. Each
// keeps path and question.
func handleRedirects(base string) []string {
	return []string{
		"redir /.well-known/webfinger " + base + "{uri} 308",
		"location = /.well-known/webfinger { return 308 " + base + "$request_uri; }",
		"Redirect 308 /.well-known/webfinger " + base + "/.well-known/webfinger",
	}
}
