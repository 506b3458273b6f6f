package main

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/coopnode/coopnode/activitypub"
)

// judgeName says whether the name leads here.
func (n *wayIn) judgeName(ctx context.Context, f *findings) {
	if n.house.Dev {
		f.unknown("name", "Nothing has to be done: a node for trying out is on this machine alone.", "made with --dev, so it needs no name in the DNS")
		return
	}
	var heard []activitypub.OwnName
	for _, o := range n.names {
		if o.Err == nil {
			heard = append(heard, o)
		}
	}
	if len(heard) == 0 {
		f.unknown("A", "See whether this machine reaches a name server: /etc/resolv.conf, or [dns] resolvers.", "no name server answers: %v", n.names[0].Err)
		return
	}
	for _, o := range heard[1:] {
		if !sameAddresses(o.V4, heard[0].V4) || !sameAddresses(o.V6, heard[0].V6) {
			f.soon("resolvers", "Wait until the change has reached all of them, or correct the zone at one of its name servers.",
				"name servers disagree: %s says %s, %s says %s", heard[0].Server, addressText(heard[0]), o.Server, addressText(o))
			break
		}
	}
	v4, v6 := heard[0].V4, heard[0].V6
	switch {
	case len(v4)+len(v6) == 0:
		f.broken("A", "Add it where you registered the name: "+n.record("A", false), "%s has no address in the DNS", n.host)
	case len(v4) == 0:
		f.soon("A", "Add it where you registered the name: "+n.record("A", false), "%s has no IPv4 address: many servers reach no others", n.host)
	default:
		n.judgeAddresses(f, "A", v4)
	}
	switch mine := n.public(true); {
	case len(v6) > 0:
		n.judgeAddresses(f, "AAAA", v6)
	case len(v4) == 0:
	case len(mine) > 0:
		f.soon("AAAA", "Add it where you registered the name: "+n.record("AAAA", true), "%s has no IPv6 address in the DNS, and this machine has one", n.host)
	default:
		f.good("AAAA", "none, and this machine has no public IPv6 address")
	}
	if len(v4)+len(v6) > 0 {
		n.judgeIssuers(ctx, f)
		n.judgeHandle(ctx, f)
	}
}

func sameAddresses(a, b []netip.Addr) bool {
	a, b = slices.Clone(a), slices.Clone(b)
	slices.SortFunc(a, netip.Addr.Compare)
	slices.SortFunc(b, netip.Addr.Compare)
	return slices.Equal(a, b)
}

func addressText(o activitypub.OwnName) string {
	var list []string
	for _, ip := range slices.Concat(o.V4, o.V6) {
		list = append(list, ip.String())
	}
	if len(list) == 0 {
		return "nothing"
	}
	return strings.Join(list, ", ")
}

// record is a line for the zone.
func (n *wayIn) record(kind string, six bool) string {
	at := "THE ADDRESS OF THIS MACHINE"
	if mine := n.public(six); len(mine) > 0 {
		at = mine[0]
	}
	return fmt.Sprintf("%s. %s %s", n.host, kind, at)
}

// judgeAddresses says whether the addresses of one kind are this machine's: by what it has, by the mirror, or by what others
// have seen.
func (n *wayIn) judgeAddresses(f *findings, kind string, addresses []netip.Addr) {
	var here, wrong []string
	for _, ip := range addresses {
		at := slices.IndexFunc(n.ways, func(y *activitypub.Way) bool { return y.Address == ip })
		switch {
		case slices.Contains(n.machine, ip):
			here = append(here, ip.String())
		case at < 0: // more than are tried
		case n.ways[at].Ours || n.seenOurs(family(ip)):
			here = append(here, ip.String()+" (not an address of this machine, but it leads here)")
		case len(n.ways[at].Chain) > 0 && n.ways[at].Chain[0].VerifyHostname(n.host) == nil:
			here = append(here, ip.String()+" (not an address of this machine; who answers there has a certificate for this name)")
		case n.cfg.Proxy != "" && !n.ways[at].Listens:
			f.unknown(kind, "See it from outside: coopnode doctor --ask HOST", "%s is not an address of this machine, which goes out through a proxy and cannot go there by itself", ip)
			return
		case !n.runs:
			f.waits(kind, "the server: "+ip.String()+" is not an address of this machine, so only an answer can tell whether it leads here")
			return
		default:
			n.wrong[ip] = true
			wrong = append(wrong, ip.String()+n.whoAnswers(n.ways[at]))
		}
	}
	if len(wrong) > 0 {
		have := "no public address of this kind"
		if mine := n.public(kind == "AAAA"); len(mine) > 0 {
			have = strings.Join(mine, ", ")
		}
		mend := fmt.Sprintf("Correct it where you registered the name: %s. If that address is your router's, let it pass ports 80 and 443 on to this machine.", n.record(kind, kind == "AAAA"))
		if have[0] == 'n' && kind == "AAAA" {
			mend = fmt.Sprintf("Remove the AAAA record of %s, or give this machine that address.", n.host)
		}
		f.broken(kind, mend, "%s leads to %s; this machine has %s", n.host, strings.Join(wrong, ", "), have)
		return
	}
	f.good(kind, "%s", strings.Join(here, ", "))
}

// whoAnswers tells of an address that is not ours what is there.
func (n *wayIn) whoAnswers(y *activitypub.Way) string {
	switch {
	case y.Mirror != nil, len(y.Chain) > 0:
		return ", where another server answers"
	case y.Trouble == activitypub.TroubleClosed:
		return ", where nobody listens"
	}
	return ", where nobody answers"
}

// judgeHandle looks whether the name in the handle sends those who look for it here.
func (n *wayIn) judgeHandle(ctx context.Context, f *findings) {
	us, err := n.house.Profile(ctx)
	if err != nil {
		f.failed("handle", err)
		return
	}
	if us.Host == n.house.Links.Host() {
		return
	}
	const mend = "Let %s redirect /.well-known/webfinger, query included, to %s: coopnode help https"
	err = n.wire.CheckHandleDomain(ctx, us.Host)
	if err == nil {
		f.good("handle", "%s sends those who look for %s here", us.Host, us.Address())
		return
	}
	f.broken("handle", fmt.Sprintf(mend, us.Host, n.house.Links.Base), "%s does not send those who look for %s here: %s", us.Host, us.Address(), problemText(err))
}
