package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/coopnode/coopnode/activitypub"
)

// judgeReach says whether others come as far as this node, and what somebody on the way changes.
func (n *wayIn) judgeReach(ctx context.Context, f *findings) {
	at := strings.Join(n.cfg.listenOn(n.house.Node), ", ")
	if n.runs {
		f.good("server", "listens on %s", at)
	} else {
		f.broken("server", "coopnode serve"+n.app.whereFlags()+", or where systemd runs: systemctl enable --now coopnode", "the server does not run: nobody listens on %s", at)
	}
	n.judgePorts(ctx, f)
	n.judgeNode(ctx, f)
	n.judgeOutside(f)
}

// judgePorts says whether somebody listens at each address.
func (n *wayIn) judgePorts(ctx context.Context, f *findings) {
	port := n.wire.OwnPort()
	for _, way := range n.ways {
		check := "port " + port + " over " + family(way.Address)
		switch {
		case n.wrong[way.Address]:
			f.waits(check, "the name, which leads elsewhere")
		case way.Listens:
			f.good(check, "%s answers", way.Address)
		case n.seenOurs(family(way.Address)):
			f.good(check, "%s answers others, though not this machine itself", way.Address)
		case !n.runs && n.direct():
			f.waits(check, "the server")
		case n.cfg.Proxy != "":
			f.unknown(check, "See it from outside: coopnode doctor --ask HOST", "this machine goes out through a proxy and does not reach %s by itself", way.Address)
		case way.Trouble == activitypub.TroubleClosed:
			f.broken(check, "Start what listens there: the proxy, or this server with listen set to that port.", "%s is closed: nobody listens at port %s", way.Address, port)
		case way.Trouble == activitypub.TroubleUnreachable:
			f.unknown(check, "See it from outside: coopnode doctor --ask HOST", "there is no way to %s from here", way.Address)
		default:
			f.broken(check, "Open port "+port+" in the firewall, and let the router pass it on to this machine.", "%s does not answer at port %s: %v", way.Address, port, way.Err)
		}
	}
	if port == "443" && !n.house.Dev {
		n.judgePlain(ctx, f)
	}
}

// direct says that nothing stands in front of the server, so that what listens at the public port is the server itself.
func (n *wayIn) direct() bool { return n.cfg.TLS != "off" || n.house.Dev }

// judgePlain looks at port 80, to which people come who type the name.
func (n *wayIn) judgePlain(ctx context.Context, f *findings) {
	i := slices.IndexFunc(n.ways, func(y *activitypub.Way) bool { return y.Listens && !n.wrong[y.Address] })
	if i < 0 {
		return
	}
	const check = "port 80"
	status, location, err := n.wire.PlainSelf(ctx, n.ways[i].Address)
	switch {
	case err != nil:
		f.soon(check, "Open port 80: people who type the name come there, and certificates are proved there.", "it is closed: %v", err)
	case status/100 == 3 && strings.HasPrefix(location, n.house.Links.Base):
		f.good(check, "leads to https")
	default:
		f.soon(check, "Let it redirect everything to "+n.house.Links.Base+".", "it answers %d and does not lead to https", status)
	}
}

// judgeNode says whether it is this node that answers, and else who does.
func (n *wayIn) judgeNode(ctx context.Context, f *findings) {
	way := n.answering()
	switch {
	case way == nil:
		f.waits("node", n.before())
	case way.Ours:
		n.judgeProxy(ctx, f, way)
	default:
		n.judgeStranger(ctx, f, way)
	}
}

// before is what has to be mended before anybody can answer.
func (n *wayIn) before() string {
	switch {
	case len(n.ways) == 0:
		return "the name, which has no address"
	case len(n.wrong) == len(n.ways):
		return "the name, which leads elsewhere"
	case !n.runs && n.direct():
		return "the server"
	case slices.ContainsFunc(n.ways, func(y *activitypub.Way) bool { return y.Listens }):
		return "the certificate"
	}
	return "the port"
}

// judgeStranger tells from an answer that is not the node's own what stands in the way.
func (n *wayIn) judgeStranger(ctx context.Context, f *findings, way *activitypub.Way) {
	a := way.Mirror
	server := a.Header.Get("Server")
	if server != "" {
		server = ", " + server
	}
	actor, err := n.wire.AskSelf(ctx, way.Address, http.MethodGet, "/ap/coop", "application/activity+json", nil)
	reads := err == nil && bytes.Contains(actor.Body, []byte(`"`+n.house.Links.Actor()+`"`))
	switch html := a.Type() == "text/html"; {
	case a.Status == http.StatusMisdirectedRequest:
		f.broken("Host", "Let the proxy pass on the Host header: proxy_set_header Host $host; in nginx; Caddy does it by itself.",
			"the proxy passes on another Host than %s, so the node answers 421", n.house.Links.Host())
	case (a.Status == http.StatusBadGateway || a.Status == http.StatusGatewayTimeout || a.Status == http.StatusServiceUnavailable) && !n.runs:
		f.waits("node", "the server")
	case (a.Status == http.StatusBadGateway || a.Status == http.StatusGatewayTimeout || a.Status == http.StatusServiceUnavailable && !html) && !reads:
		f.broken("proxy", "Let it lead to where the server listens: "+strings.Join(n.cfg.listenOn(n.house.Node), ", ")+".", "the proxy answers %d%s: it does not reach the node", a.Status, server)
	case reads && html:
		f.broken("inbox", "Let letters through without a test for people: switch off the challenge for POST, at least for /ap/ and /api/.",
			"a page answers letters instead of the node (%d%s): somebody on the way puts a puzzle before them", a.Status, server)
	case reads:
		f.broken("letters", "See in the proxy what it does with POST: it has to pass letters on as they are.", "programs reach this node, but a letter is answered %d%s by somebody on the way", a.Status, server)
	default:
		f.broken("node", fmt.Sprintf("Let the proxy lead %s to where the server listens: %s. If it does, restart the server.", n.house.Links.Host(), strings.Join(n.cfg.listenOn(n.house.Node), ", ")),
			"another server answers at %s (%d %s%s)", n.house.Links.Host(), a.Status, a.Type(), server)
	}
}

// judgeProxy compares what was sent with what arrived.
func (n *wayIn) judgeProxy(ctx context.Context, f *findings, way *activitypub.Way) {
	f.good("node", "this node answers under its name")
	changed := slices.Clone(way.Mirror.Changed)
	if n.letter != nil {
		for _, c := range n.letter.Changed {
			if !slices.ContainsFunc(changed, func(o activitypub.Change) bool { return o.What == c.What }) {
				changed = append(changed, c)
			}
		}
	}
	take := func(what ...string) (of []activitypub.Change) {
		for _, c := range changed {
			if slices.Contains(what, c.What) {
				of = append(of, c)
			}
		}
		return of
	}
	if len(take("Host")) == 0 {
		f.good("Host", "arrives as it was sent")
	} else {
		f.soon("Host", "Let the proxy pass on the Host header as it came.", "%s", changeText(take("Host")[0]))
	}
	n.judgeVisitor(f, way.Mirror.Reflection)
	if of := take("path", "method"); len(of) > 0 {
		f.broken("path", "Let the proxy pass paths on as they came: proxy_pass in nginx without a path behind the host.", "%s: signatures do not hold", changeText(of[0]))
	} else {
		f.good("path", "arrives as it was sent")
	}
	if of := take("body"); len(of) > 0 {
		f.broken("body", "Switch off what rewrites what is sent here (filters, scanners).", "the text of a letter arrives changed: signatures do not hold")
	} else {
		f.good("body", "arrives as it was sent")
	}
	if of := take("Signature", "Signature-Input", "Digest", "Content-Digest", "Date", "Content-Type", "Accept"); len(of) > 0 {
		var said []string
		for _, c := range of {
			said = append(said, changeText(c))
		}
		f.broken("headers", "Let the proxy pass on every header as it came.", "%s: signatures do not hold", strings.Join(said, "; "))
	} else {
		f.good("headers", "Signature, Digest, Date and Content-Type arrive as they were sent")
	}
	n.judgeCache(ctx, f, way.Address)
	if len(take("Content-Type")) > 0 {
		f.waits("inbox", "the headers, which are changed on the way")
	} else {
		n.judgeInbox(ctx, f, way.Address)
	}
}

func changeText(c activitypub.Change) string {
	if c.Arrived == "" {
		return c.What + " is taken away on the way"
	}
	return fmt.Sprintf("%s %q arrives as %q", c.What, c.Sent, c.Arrived)
}

// judgeVisitor says whether the node can tell visitors apart behind a proxy (HTTP-4).
func (n *wayIn) judgeVisitor(f *findings, r *activitypub.Reflection) {
	const check = "visitors"
	if n.direct() {
		f.good(check, "come by themselves, without a proxy")
		return
	}
	trusted, _ := prefixes(n.cfg.TrustedProxies) // read before
	remote, err := netip.ParseAddr(r.Remote)
	switch {
	case len(r.Header["X-Forwarded-For"]) == 0:
		f.broken(check, "Let the proxy add X-Forwarded-For: proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; in nginx; Caddy does it by itself.",
			"the proxy does not say who visits: all count as one, and soon get 429")
	case err == nil && !contained(trusted, remote):
		f.broken(check, fmt.Sprintf("Set trusted_proxies = [%q], and start the server again.", networkOf(remote)), "the proxy at %s says who visits, and is not believed: all visitors count as one, and soon get 429", remote)
	default:
		f.good(check, "the proxy says who visits: %s", strings.Join(r.Header["X-Forwarded-For"], ", "))
	}
}

// judgeCache asks for the same address as a person and as a program.
func (n *wayIn) judgeCache(ctx context.Context, f *findings, at netip.Addr) {
	const check = "HTML and JSON"
	want := [][2]string{{"text/html", "text/html"}, {"application/activity+json", "application/activity+json"}, {"text/html", "text/html"}}
	for _, w := range want {
		a, err := n.wire.AskSelf(ctx, at, http.MethodGet, "/", w[0], nil)
		if err != nil {
			f.failed(check, err)
			return
		}
		if a.Type() != w[1] {
			f.broken(check, "Let the proxy keep what the node answers apart by the header Accept (Vary), or keep nothing.",
				"who asks for %s gets %s (%d): a cache on the way mixes them up", w[0], a.Type(), a.Status)
			return
		}
	}
	f.good(check, "are kept apart")
}

// judgeInbox knocks without a signature, as a puzzle would be put to everybody.
func (n *wayIn) judgeInbox(ctx context.Context, f *findings, at netip.Addr) {
	const check = "inbox"
	a, err := n.wire.AskSelf(ctx, at, http.MethodPost, "/ap/inbox", "application/json", strings.NewReader("{}"))
	switch {
	case err != nil:
		f.failed(check, err)
	case a.Status == http.StatusUnauthorized && a.Type() == "application/problem+json":
		f.good(check, "asks letters for their signature, and for nothing else")
	default:
		f.broken(check, "Let letters through without a test for people: switch off the challenge, at least for /ap/inbox and /ap/coop/inbox.",
			"somebody on the way answers letters with %d %s: a puzzle that servers cannot solve", a.Status, a.Type())
	}
}

// judgeOutside tells what others have seen.
func (n *wayIn) judgeOutside(f *findings) {
	const check = "from outside"
	if len(n.sights) == 0 {
		f.unknown(check, "Follow a coop that runs coopnode, or name one: coopnode doctor --ask HOST", "%s", n.blind)
		return
	}
	for _, s := range n.sights {
		n.judgeSight(f, check+" ("+s.By+")", s)
	}
}

// troubles are the words of the wire for people.
var troubles = map[activitypub.Trouble]string{
	activitypub.TroubleName: "the name has no address there", activitypub.TroubleClosed: "the port is closed", activitypub.TroubleSilent: "nothing comes back",
	activitypub.TroubleUnreachable: "there is no way here", activitypub.TroubleExpired: "the certificate has ended",
	activitypub.TroubleOtherName: "the certificate is for another name", activitypub.TroubleAuthority: "the certificate is not of an authority that is known there",
	activitypub.TroubleRefused: "it does not go to such an address", activitypub.TroubleOther: "there is no usable answer",
}

func (n *wayIn) judgeSight(f *findings, check string, s *activitypub.Sight) {
	var reached, wrong []string
	for _, family := range []string{"IPv4", "IPv6"} {
		way := s.Ways[family]
		switch {
		case way == nil, way.Trouble == activitypub.TroubleName, way.Trouble == activitypub.TroubleUnreachable:
		case way.Ours:
			reached = append(reached, family)
		case way.Trouble != "":
			wrong = append(wrong, family+": "+troubles[way.Trouble])
		default:
			wrong = append(wrong, fmt.Sprintf("%s: another server answers (%d)", family, way.Status))
		}
	}
	if len(reached) > 0 {
		for name, kind := range map[string]string{"webfinger": "json", "actor": "application/activity+json", "page": "text/html"} {
			if seen := s.Reads[name]; seen != nil && (seen.Status != http.StatusOK || !strings.Contains(seen.Type, kind)) {
				wrong = append(wrong, fmt.Sprintf("%s: %d %s", name, seen.Status, seen.Type))
			}
		}
	}
	slices.Sort(wrong)
	const mend = "Open port 443 in the firewall and at the router for this family, and look at the certificate and the proxy."
	switch {
	case len(wrong) == 0 && len(reached) > 0:
		f.good(check, "reached this node over %s; WebFinger, actor and page are right", strings.Join(reached, " and "))
	case n.ours() == nil && len(reached) == 0:
		f.unknown(check, "Mend that first.", "waits for %s; it says: %s", n.before(), dash(strings.Join(wrong, "; ")))
	case len(wrong) == 0:
		f.unknown(check, "Ask another one: coopnode doctor --ask HOST", "has no way here")
	default:
		f.broken(check, mend, "%s", strings.Join(wrong, "; "))
	}
}
