package activitypub

import (
	"encoding/xml"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/coopnode/coopnode/node"
)

func finger(resources ...string) string {
	return "/.well-known/webfinger?" + url.Values{"resource": resources}.Encode()
}

// TestWebFinger: every form and casing of the coop's names gives the one answer (interop.md 1.1).
func TestWebFinger(t *testing.T) {
	s := newSite(t)
	l := s.node.Links
	host := l.Host()
	var first reply
	for _, resource := range []string{
		"acct:mill@" + host, "ACCT:Mill@" + host, "acct:@mill@" + host, "mill@" + host, "@MILL@" + host,
		l.Actor(), l.Profile(), l.Base, l.Base + "/@mill", l.Base + "/@Mill", strings.Replace(l.Actor(), "http://", "HTTP://", 1),
	} {
		r := s.ask(http.MethodGet, finger(resource)).want(200).wantType("application/jrd+json").wantHeader("Access-Control-Allow-Origin", "*")
		if first.body == nil {
			first = r
		}
		if string(r.body) != string(first.body) {
			t.Errorf("%s: %s, want %s", resource, r.body, first.body)
		}
		h := s.ask(http.MethodHead, finger(resource)).want(200).wantType("application/jrd+json").wantHeader("ETag", r.header.Get("ETag"))
		if len(h.body) > 0 {
			t.Error("HEAD has a body")
		}
	}
	var doc jrd
	first.into(&doc)
	if want := "acct:mill@" + host; doc.Subject != want {
		t.Errorf("subject %q, want %q", doc.Subject, want)
	}
	if want := []string{l.Profile(), l.Base + "/@mill", l.Actor()}; !slices.Equal(doc.Aliases, want) {
		t.Errorf("aliases %v, want %v", doc.Aliases, want)
	}
	for _, alias := range doc.Aliases {
		if r := s.get(alias).want(200).doc(); Str(r, "id") != l.Actor() {
			t.Errorf("alias %s is %v", alias, r["id"])
		}
	}
	self := slices.IndexFunc(doc.Links, func(link jrdLink) bool { return link.Rel == "self" })
	if self < 0 || doc.Links[self] != (jrdLink{Rel: "self", Type: "application/activity+json", Href: l.Actor()}) {
		t.Errorf("links %v: no self that is the id byte for byte", doc.Links)
	}
	if !slices.Contains(doc.Links, jrdLink{Rel: "http://webfinger.net/rel/profile-page", Type: "text/html", Href: l.Profile()}) ||
		!slices.Contains(doc.Links, jrdLink{Rel: "http://webfinger.net/rel/avatar", Type: "image/png", Href: l.Icon()}) {
		t.Errorf("links %v: no profile page or no picture", doc.Links)
	}
	for rel, variable := range map[string]string{"http://ostatus.org/schema/1.0/subscribe": "{uri}", "https://w3id.org/fep/3b86/Follow": "{object}", "https://w3id.org/fep/3b86/Object": "{object}"} {
		if !slices.Contains(doc.Links, jrdLink{Rel: rel, Template: l.Base + "/authorize_interaction?uri=" + variable}) {
			t.Errorf("links %v: no %s", doc.Links, rel)
		}
	}
	s.ask(http.MethodGet, finger("acct:mill@"+host), "If-None-Match", first.header.Get("ETag")).want(304)

	// Only what is asked for (RFC 7033 4.3).
	s.ask(http.MethodGet, finger("acct:mill@"+host)+"&rel=self&rel=other").want(200).into(&doc)
	if len(doc.Links) != 1 || doc.Links[0].Rel != "self" {
		t.Errorf("with rel=self: %v", doc.Links)
	}
	s.ask(http.MethodGet, finger("acct:mill@"+host)+"&rel=other").want(200).into(&doc)
	if doc.Links == nil || len(doc.Links) != 0 {
		t.Errorf("with rel=other: %v, want an empty list", doc.Links)
	}
}

// TestWebFingerRefuses: unknown names are 404, what is no name at all 400 (LIM).
func TestWebFingerRefuses(t *testing.T) {
	s := newSite(t)
	host := s.node.Links.Host()
	for _, unknown := range []string{
		"acct:baker@" + host, "acct:mill@elsewhere.example", "https://elsewhere.example/", s.node.Links.Base + "/other",
		s.node.Links.Actor() + "/", s.node.Links.Actor() + "?x", s.node.Links.Base + "/@baker", "https://" + host + "/", "acct:mill@127.0.0.1:1",
	} {
		s.ask(http.MethodGet, finger(unknown)).problem(404, "not-found").wantHeader("Access-Control-Allow-Origin", "*")
	}
	long := "acct:mill@" + host
	long = "acct:" + strings.Repeat("m", MaxResourceBytes-len(long)+len("mill")+1) + "@" + host
	longPage := s.node.Links.Base + "/"
	longPage += strings.Repeat("m", MaxResourceBytes+1-len(longPage))
	for _, garbled := range []string{
		"", "mill", "acct:", "acct:mill", "acct:@", "acct:mill@", "acct:@" + host, "acct:mi ll@" + host, "acct:mill@" + host + "@x", "acct:mill@" + host + "/x",
		"acct:mill@ho st", "mailto:mill@" + host, "acct:\x00@" + host, "acct:mill\xff@" + host, "ftp://" + host + "/", long, longPage, "acct:mill@" + host + "\n",
	} {
		s.ask(http.MethodGet, finger(garbled)).problem(400, "malformed")
	}
	for _, query := range []string{"", "?", "?resource", "?resource=", "?Resource=acct:mill@" + host, "?resource=%zz", "?rel=self",
		"?resource=acct:mill@" + host + "&resource=acct:mill@" + host, "?resource=acct:mill@" + host + ";x=%"} {
		s.ask(http.MethodGet, "/.well-known/webfinger"+query).problem(400, "malformed")
	}
	if len(long) != MaxResourceBytes+1 {
		t.Errorf("the long resource has %d bytes", len(long))
	}
	s.ask(http.MethodPost, finger("acct:mill@"+host)).problem(405, "method")
}

// TestWebFingerNamesAreNormalised: hosts in any casing, with the usual port, and in letters.
func TestWebFingerNamesAreNormalised(t *testing.T) {
	coop := &node.Actor{IRI: "https://xn--mhle-0ra.example/ap/coop", Handle: "mill", Host: "xn--mhle-0ra.example"}
	base, err := ParseBaseURL("https://xn--mhle-0ra.example")
	if err != nil {
		t.Fatal(err)
	}
	l := node.Links{Base: "https://xn--mhle-0ra.example"}
	for resource, want := range map[string]bool{
		"acct:mill@XN--mhle-0RA.example": true, "acct:mill@mühle.example": true, "acct:Mill@xn--mhle-0ra.example:443": true,
		"https://MÜHLE.example/ap/coop": true, "https://xn--mhle-0ra.example:443/": true,
		"acct:mill@xn--mhle-0ra.example:8443": false, "acct:mill@muhle.example": false, "https://xn--mhle-0ra.example/AP/coop": false,
		"http://xn--mhle-0ra.example/": false,
	} {
		r, ok := readResource(resource, base.Scheme)
		if got := ok && r.names(coop, base, l); got != want {
			t.Errorf("%s names the coop: %v, want %v (%+v)", resource, got, want, r)
		}
	}
}

// FuzzWebFingerResource (T-1): only names of the coop are taken for it, whatever is asked.
func FuzzWebFingerResource(f *testing.F) {
	coop := &node.Actor{IRI: "https://mill.example/ap/coop", Handle: "mill", Host: "mill.example"}
	base := BaseURL{Scheme: "https", Host: "mill.example"}
	l := node.Links{Base: "https://mill.example"}
	for _, s := range []string{"acct:mill@mill.example", "@mill@MILL.example:443", "https://mill.example/@mill", "https://mill.example", "acct:a@b@c", "://", "acct:mill@mill.example.", "acct:MILL@mill.example%00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, ok := readResource(s, base.Scheme)
		if !ok || !r.names(coop, base, l) {
			return
		}
		low := strings.ToLower(s)
		if len(s) > MaxResourceBytes || r.user == "" && !strings.HasPrefix(low, "https://") || r.user != "" && !strings.Contains(low, "mill@") {
			t.Fatalf("%q was taken for the coop: %+v", s, r)
		}
		if again, ok := readResource(strings.ToUpper(s[:min(len(s), 5)])+s[min(len(s), 5):], base.Scheme); !ok || !again.names(coop, base, l) {
			t.Fatalf("%q in another casing is not the coop: %+v", s, again)
		}
	})
}

// TestHostMeta: the way to WebFinger for those who do not know it (RFC 6415).
func TestHostMeta(t *testing.T) {
	s := newSite(t)
	want := s.node.Links.Base + "/.well-known/webfinger?resource={uri}"
	r := s.ask(http.MethodGet, "/.well-known/host-meta").want(200).wantType("application/xrd+xml").wantHeader("Access-Control-Allow-Origin", "*")
	var xrd struct {
		XMLName xml.Name `xml:"http://docs.oasis-open.org/ns/xri/xrd-1.0 XRD"`
		Link    []struct {
			Rel      string `xml:"rel,attr"`
			Template string `xml:"template,attr"`
		}
	}
	if err := xml.Unmarshal(r.body, &xrd); err != nil || len(xrd.Link) != 1 || xrd.Link[0].Rel != "lrdd" || xrd.Link[0].Template != want {
		t.Errorf("host-meta %s: %v", r.body, err)
	}
	doc := s.ask(http.MethodGet, "/.well-known/host-meta.json").want(200).wantType("application/json").doc()
	link := Obj(List(doc["links"])[0])
	if Str(link, "rel") != "lrdd" || Str(link, "template") != want {
		t.Errorf("host-meta.json: %v", doc)
	}
	s.ask(http.MethodGet, strings.Replace(want, "{uri}", url.QueryEscape(s.node.Links.Actor()), 1)).want(200)
}
