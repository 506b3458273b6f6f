package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/coopnode/coopnode/activitypub"
)

// judgeTLS looks at the certificates that were shown.
func (n *wayIn) judgeTLS(ctx context.Context, f *findings) {
	if n.house.Dev {
		f.unknown("certificate", "Nothing has to be done: a node for trying out speaks plain http.", "made with --dev, so it has none")
		return
	}
	n.judgeRenewal(ctx, f)
	looked := false
	for _, way := range n.ways {
		if n.wrong[way.Address] || len(way.Chain) == 0 {
			continue
		}
		if looked && way.Trouble == "" {
			continue // as good as the first
		}
		n.judgeCertificate(f, way)
		looked = true
	}
	if looked {
		return
	}
	if i := slices.IndexFunc(n.ways, func(y *activitypub.Way) bool { return y.Trouble == activitypub.TroubleOther }); i >= 0 && !n.wrong[n.ways[i].Address] {
		f.broken("certificate", `Let the proxy speak TLS at port `+n.wire.OwnPort()+`, or set tls = "auto" or "files".`, "who answers at %s does not speak TLS: %v", n.ways[i].Address, n.ways[i].Err)
		return
	}
	f.waits("certificate", "the way here: nobody showed one")
}

// judgeRenewal tells how the certificates stand that the node gets by itself.
func (n *wayIn) judgeRenewal(ctx context.Context, f *findings) {
	if n.cfg.TLS != "auto" {
		return
	}
	list, err := n.house.Certificates(ctx)
	if err != nil {
		f.failed("renewal", err)
		return
	}
	now := n.house.Now()
	for _, c := range list {
		check := "renewal for " + c.Name
		switch {
		case c.Trouble == "" && c.Held(now):
			f.good(check, "from %s, good until %s", c.Issuer, moment(c.Until))
		case c.Trouble == "":
			f.unknown(check, "Wait a minute, and look into the log of the server.", "the authority has not been asked yet")
		case c.Held(now):
			f.soon(check, "Mend what it says; the server asks again by itself: coopnode help https", "asked at %s, without success: %s", moment(c.Tried), c.Trouble)
		default:
			f.broken(check, "Mend what it says; the server asks again by itself: coopnode help https", "there is no certificate; asked at %s, without success: %s", moment(c.Tried), c.Trouble)
		}
	}
}

func (n *wayIn) judgeCertificate(f *findings, way *activitypub.Way) {
	leaf, now := way.Chain[0], n.house.Now()
	mend := "Renew it where HTTPS is done: in the proxy, or in the files that cert and key name."
	if n.cfg.TLS == "auto" {
		mend = "See in the log why the authority gives no new one; ports 80 and 443 must be open for it: coopnode help https"
	}
	issuer := leaf.Issuer.CommonName
	if issuer == "" {
		issuer = leaf.Issuer.String()
	}
	var authority x509.UnknownAuthorityError
	var name x509.HostnameError
	switch {
	case way.Trouble == activitypub.TroubleExpired && now.After(leaf.NotAfter):
		f.broken("certificate", mend, "it ended on %s: no other server connects", leaf.NotAfter.UTC().Format("2 January 2006"))
	case way.Trouble == activitypub.TroubleExpired:
		f.broken("certificate", mend, "it, or one above it, is not valid now: %v", way.Err)
	case errors.As(way.Err, &name):
		f.broken("certificate", "Get one for "+n.host+", and look which of its certificates the server chooses.", "it is for %s, not for %s", namesText(leaf), n.host)
	case errors.As(way.Err, &authority) && !selfSigned(way.Chain[len(way.Chain)-1]):
		last := way.Chain[len(way.Chain)-1]
		f.broken("chain", "Give the server the whole chain (fullchain.pem), not the certificate alone.",
			"the chain is not complete: %s comes without the certificate of who signed it, %s", subjectText(last), last.Issuer.CommonName)
	case errors.As(way.Err, &authority):
		f.broken("certificate", `Get one from an authority that others know: tls = "auto", or the proxy's own way.`, "it was signed by %s, which other servers do not know", issuer)
	case way.Trouble != "" && way.Mirror == nil && !n.sawOnlyAfter(way):
		f.broken("certificate", mend, "%v", way.Err)
	default:
		n.judgeDays(f, leaf, mend, issuer, now)
		f.good("chain", "%d certificates, up to an authority that is known here", len(way.Chain))
		n.judgeVersions(f, way)
	}
}

// sawOnlyAfter says that what went wrong came after the handshake.
func (n *wayIn) sawOnlyAfter(way *activitypub.Way) bool { return way.TLS12 || way.TLS13 }

// judgeDays tells how long a certificate is still good. One that lives for days is renewed late.
func (n *wayIn) judgeDays(f *findings, leaf *x509.Certificate, mend, issuer string, now time.Time) {
	left, life := leaf.NotAfter.Sub(now), leaf.NotAfter.Sub(leaf.NotBefore)
	text := fmt.Sprintf("for %s, by %s, until %s", n.host, issuer, leaf.NotAfter.UTC().Format("2 January 2006 15:04 UTC"))
	if left < min(14*24*time.Hour, life/4) {
		f.soon("certificate", mend, "%s: it ends in %s and was not renewed", text, spanText(left))
		return
	}
	f.good("certificate", "%s", text)
}

func (n *wayIn) judgeVersions(f *findings, way *activitypub.Way) {
	const mend = "Let the proxy speak TLS 1.2 and 1.3."
	switch {
	case way.TLS12 && way.TLS13:
		f.good("versions", "TLS 1.2 and 1.3")
	case way.TLS13:
		f.soon("versions", mend, "TLS 1.3 alone: older servers cannot connect")
	default:
		f.soon("versions", mend, "TLS 1.2 without 1.3")
	}
}

func selfSigned(c *x509.Certificate) bool { return string(c.RawIssuer) == string(c.RawSubject) }

func subjectText(c *x509.Certificate) string {
	if c.Subject.CommonName != "" {
		return c.Subject.CommonName
	}
	return namesText(c)
}

func namesText(c *x509.Certificate) string {
	if len(c.DNSNames) == 0 {
		return "no name"
	}
	return few(c.DNSNames)
}
