package activitypub

import (
	"errors"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"unicode"

	"golang.org/x/net/idna"
	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// TestParseID: which addresses are ids at all, and what they look like after the
// one normalisation (ORG-2, ORG-7).
func TestParseID(t *testing.T) {
	long := "https://mill.example/" + strings.Repeat("a", MaxURLBytes)
	closed := AddressRules{AllowCIDRs: prefixes("10.1.0.0/16", "fd00::/8"), AllowPorts: []int{8443}}
	dev := AddressRules{Dev: true}
	for _, tt := range []struct {
		name  string
		rules AddressRules
		in    string
		want  string // "" if refused
	}{
		{"an id", AddressRules{}, "https://mill.example/ap/coop#main-key", "https://mill.example/ap/coop#main-key"},
		{"a host only", AddressRules{}, "https://mill.example", "https://mill.example"},
		{"a query right after the host", AddressRules{}, "https://mill.example?author=1", "https://mill.example?author=1"},
		{"capitals in the host", AddressRules{}, "HTTPS://Mill.Example/Ap", "https://mill.example/Ap"},
		{"letters outside ASCII", AddressRules{}, "https://mühle.example/é", "https://xn--mhle-0ra.example/é"},
		{"capitals outside ASCII", AddressRules{}, "https://MÜHLE.example/", "https://xn--mhle-0ra.example/"},
		{"a wide full stop", AddressRules{}, "https://mill。example/", "https://mill.example/"},
		{"an A-label", AddressRules{}, "https://xn--mhle-0ra.example/", "https://xn--mhle-0ra.example/"},
		{"hyphens in a row", AddressRules{}, "https://r3---sn.example/", "https://r3---sn.example/"},
		{"escapes stay", AddressRules{}, "https://mill.example/a%2Fb/../c?x=%20", "https://mill.example/a%2Fb/../c?x=%20"},
		{"the port 443", AddressRules{}, "https://mill.example:443/", "https://mill.example:443/"},
		{"an id of our own on a port of our own", AddressRules{Home: "https://mill.example:8444"}, "https://mill.example:8444/ap/coop", "https://mill.example:8444/ap/coop"},
		{"of another on that port", AddressRules{Home: "https://mill.example:8444"}, "https://bakery.example:8444/ap/coop", ""},
		{"at length", AddressRules{}, long[:MaxURLBytes], long[:MaxURLBytes]},

		{"too long", AddressRules{}, long[:MaxURLBytes+1], ""},
		{"nothing", AddressRules{}, "", ""},
		{"relative", AddressRules{}, "/ap/coop", ""},
		{"scheme-relative", AddressRules{}, "//mill.example/", ""},
		{"http", AddressRules{}, "http://mill.example/", ""},
		{"http on the port of https", AddressRules{}, "http://mill.example:443/", ""},
		{"another scheme", AddressRules{}, "ftp://mill.example/", ""},
		{"one slash", AddressRules{}, "https:/mill.example/", ""},
		{"no host", AddressRules{}, "https:///ap", ""},
		{"user information", AddressRules{}, "https://me@mill.example/", ""},
		{"a password", AddressRules{}, "https://me:secret@mill.example/", ""},
		{"a backslash", AddressRules{}, `https://mill.example\@evil.example/`, ""},
		{"a backslash in the path", AddressRules{}, `https://mill.example/a\b`, ""},
		{"a percent sign in the host", AddressRules{}, "https://mill%2eexample/", ""},
		{"a space", AddressRules{}, "https://mill.example/a b", ""},
		{"a space before", AddressRules{}, " https://mill.example/", ""},
		{"a line break", AddressRules{}, "https://mill.example/\n", ""},
		{"a NUL", AddressRules{}, "https://mill.example/\x00", ""},
		{"a no-break space", AddressRules{}, "https://mill.example/\u00a0", ""},
		{"a line separator", AddressRules{}, "https://mill.example/\u2028", ""},
		{"a direction mark", AddressRules{}, "https://mill.example/\u202e", ""},
		{"not UTF-8", AddressRules{}, "https://mill.example/\xff", ""},
		{"a broken escape", AddressRules{}, "https://mill.example/%zz", ""},
		{"a trailing dot", AddressRules{}, "https://mill.example./", ""},
		{"a trailing wide dot", AddressRules{}, "https://mill.example。/", ""},
		{"an empty label", AddressRules{}, "https://mill..example/", ""},
		{"a leading dot", AddressRules{}, "https://.mill.example/", ""},
		{"a hyphen at the edge", AddressRules{}, "https://-mill.example/", ""},
		{"a long label", AddressRules{}, "https://" + strings.Repeat("a", 64) + ".example/", ""},
		{"an underscore", AddressRules{}, "https://my_mill.example/", ""},
		{"a slash in disguise", AddressRules{}, "https://mill.example℀evil.example/", ""},
		{"a false A-label", AddressRules{}, "https://xn--a.example/", ""},
		{"port 0", AddressRules{}, "https://mill.example:0/", ""},
		{"an empty port", AddressRules{}, "https://mill.example:/", ""},
		{"a port with a zero", AddressRules{}, "https://mill.example:0443/", ""},
		{"a port that is too high", AddressRules{}, "https://mill.example:65536/", ""},
		{"another port (SSRF-4)", AddressRules{}, "https://mill.example:8443/", ""},
		{"an IPv4 address", AddressRules{}, "https://93.184.215.14/", ""},
		{"an IPv6 address", AddressRules{}, "https://[2606:2800::1]/", ""},
		{"a number for a host", AddressRules{}, "https://2130706433/", ""},
		{"octal", AddressRules{}, "https://0177.0.0.1/", ""},
		{"hexadecimal", AddressRules{}, "https://127.0x1/", ""},
		{"short IPv4", AddressRules{}, "https://127.1/", ""},
		{"wide digits", AddressRules{}, "https://１２７.0.0.1/", ""},

		{"an allowed port (SSRF-4)", closed, "https://mill.example:8443/", "https://mill.example:8443/"},
		{"an allowed IPv4 address (SSRF-3)", closed, "https://10.1.2.3/", "https://10.1.2.3/"},
		{"the next range", closed, "https://10.2.2.3/", ""},
		{"an allowed IPv6 address", closed, "https://[FD00::1]:8443/", "https://[fd00::1]:8443/"},
		{"IPv6 in its long form", closed, "https://[fd00:0::1]/", ""},
		{"IPv6 with a zone", closed, "https://[fd00::1%25eth0]/", ""},
		{"IPv4 in IPv6", closed, "https://[::ffff:10.1.2.3]/", ""},
		{"an open bracket", closed, "https://[fd00::1/", ""},
		{"http even so", closed, "http://10.1.2.3/", ""},

		{"dev localhost", dev, "http://localhost:8080/ap/coop", "http://localhost:8080/ap/coop"},
		{"dev a name under localhost", dev, "http://Mill.Localhost:8080/", "http://mill.localhost:8080/"},
		{"dev loopback", dev, "http://127.1.2.3:1/", "http://127.1.2.3:1/"},
		{"dev https", dev, "https://localhost/", "https://localhost/"},
		{"dev the network", dev, "https://mill.example/", ""},
		{"dev another address", dev, "http://10.1.2.3/", ""},
		{"dev IPv6 loopback", dev, "http://[::1]:8080/", ""},
		{"dev a name that ends like localhost", dev, "http://notlocalhost/", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			u, err := tt.rules.ParseID(tt.in)
			if tt.want == "" {
				var refused *RefusedError
				if !errors.As(err, &refused) {
					t.Fatalf("got %v, %v, want a refusal", u, err)
				}
				if _, err := tt.rules.NormalID(tt.in); err == nil {
					t.Error("NormalID took it")
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			want, err := url.Parse(tt.want)
			if err != nil || u.Host != want.Host || u.Scheme != want.Scheme || u.EscapedPath() != want.EscapedPath() {
				t.Errorf("got %v, want %v", u, tt.want)
			}
			if got, err := tt.rules.NormalID(tt.in); err != nil || got != tt.want {
				t.Errorf("NormalID: got %q, %v, want %q", got, err, tt.want)
			}
		})
	}
}

// TestOrigin: ids are of one origin only if scheme, host and port agree (ORG-2).
func TestOrigin(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want bool
	}{
		{"https://mill.example/a", "https://mill.example/b#c", true},
		{"https://mill.example/a", "https://MILL.example:443/b", true},
		{"https://mill.example/a", "https://mill.example:8443/b", false},
		{"https://mill.example/a", "http://mill.example/a", false},
		{"http://localhost:80/a", "http://localhost", true},
		{"https://mill.example/a", "https://www.mill.example/a", false},
		{"https://mill.example/a", "https://mill.example@evil.example/a", false},
		{"", "", false},
		{"as:Public", "as:Public", false},
	} {
		if got := SameOrigin(tt.a, tt.b); got != tt.want {
			t.Errorf("SameOrigin(%q, %q) = %v", tt.a, tt.b, got)
		}
	}
	if got, err := Origin("https://Mill.Example/x"); err != nil || got != "https://mill.example:443" {
		t.Errorf("Origin: %q, %v", got, err)
	}
	for id, want := range map[string]string{
		"https://Mill.Example/x":      "mill.example",
		"https://mill.example:443/x":  "mill.example",
		"https://mill.example:8443/x": "mill.example:8443",
		"http://mill.localhost:80":    "mill.localhost",
		"mill.example":                "",
	} {
		if got := HostOf(id); got != want {
			t.Errorf("HostOf(%q) = %q, want %q", id, got, want)
		}
	}
}

// TestCheckDial has the edges of every range of SSRF-2: first and last address
// inside, and the neighbours outside unless they belong to another range.
func TestCheckDial(t *testing.T) {
	for _, tt := range []struct {
		rng     string
		refused []string
		open    []string
	}{
		{"0.0.0.0/8", []string{"0.0.0.0", "0.255.255.255"}, []string{"1.0.0.0"}},
		{"10.0.0.0/8", []string{"10.0.0.0", "10.255.255.255"}, []string{"9.255.255.255", "11.0.0.0"}},
		{"100.64.0.0/10", []string{"100.64.0.0", "100.127.255.255"}, []string{"100.63.255.255", "100.128.0.0"}},
		{"127.0.0.0/8", []string{"127.0.0.0", "127.0.0.1", "127.255.255.255"}, []string{"126.255.255.255", "128.0.0.0"}},
		{"169.254.0.0/16", []string{"169.254.0.0", "169.254.169.254", "169.254.255.255"}, []string{"169.253.255.255", "169.255.0.0"}},
		{"172.16.0.0/12", []string{"172.16.0.0", "172.31.255.255"}, []string{"172.15.255.255", "172.32.0.0"}},
		{"192.0.0.0/24", []string{"192.0.0.0", "192.0.0.255"}, []string{"191.255.255.255", "192.0.1.0"}},
		{"192.0.2.0/24", []string{"192.0.2.0", "192.0.2.255"}, []string{"192.0.1.255", "192.0.3.0"}},
		{"192.31.196.0/24", []string{"192.31.196.0", "192.31.196.255"}, []string{"192.31.195.255", "192.31.197.0"}},
		{"192.52.193.0/24", []string{"192.52.193.0", "192.52.193.255"}, []string{"192.52.192.255", "192.52.194.0"}},
		{"192.88.99.0/24", []string{"192.88.99.0", "192.88.99.255"}, []string{"192.88.98.255", "192.88.100.0"}},
		{"192.168.0.0/16", []string{"192.168.0.0", "192.168.255.255"}, []string{"192.167.255.255", "192.169.0.0"}},
		{"192.175.48.0/24", []string{"192.175.48.0", "192.175.48.255"}, []string{"192.175.47.255", "192.175.49.0"}},
		{"198.18.0.0/15", []string{"198.18.0.0", "198.19.255.255"}, []string{"198.17.255.255", "198.20.0.0"}},
		{"198.51.100.0/24", []string{"198.51.100.0", "198.51.100.255"}, []string{"198.51.99.255", "198.51.101.0"}},
		{"203.0.113.0/24", []string{"203.0.113.0", "203.0.113.255"}, []string{"203.0.112.255", "203.0.114.0"}},
		{"224.0.0.0/4", []string{"224.0.0.0", "239.255.255.255"}, []string{"223.255.255.255"}},
		{"240.0.0.0/4", []string{"240.0.0.0", "255.255.255.255"}, nil},
		{"168.63.129.16/32", []string{"168.63.129.16"}, []string{"168.63.129.15", "168.63.129.17"}},
		{"outside 2000::/3", []string{"::", "::1", "::7f00:1", "64:ff9b::7f00:1", "64:ff9b:1::1", "100::1", "1fff:ffff::1",
			"4000::", "fc00::1", "fdff::1", "fe80::1", "fec0::1", "ff02::1"}, []string{"2003::1", "3ffe::1"}},
		{"2001::/23", []string{"2001::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff"}, []string{"2000:ffff::1", "2001:200::"}},
		{"2001:db8::/32", []string{"2001:db8::", "2001:db8:ffff::1"}, []string{"2001:db7:ffff::1", "2001:db9::"}},
		{"2002::/16", []string{"2002::", "2002:7f00:1::", "2002:ffff:ffff::1"}, []string{"2001:ffff::1", "2003::"}},
		{"2620:4f:8000::/48", []string{"2620:4f:8000::", "2620:4f:8000:ffff::1"}, []string{"2620:4f:7fff::1", "2620:4f:8001::"}},
		{"3fff::/20", []string{"3fff::", "3fff:fff:ffff::1"}, []string{"3ffe:ffff::1", "3fff:1000::"}},
		// An IPv4 address in IPv6 clothes is the IPv4 address.
		{"127.0.0.0/8", []string{"::ffff:127.0.0.1"}, nil},
		{"169.254.0.0/16", []string{"::ffff:a9fe:a9fe"}, []string{"::ffff:93.184.215.14"}},
	} {
		for _, s := range tt.refused {
			err := AddressRules{}.CheckDial(netip.AddrPortFrom(netip.MustParseAddr(s), 443))
			var refused *RefusedError
			if !errors.As(err, &refused) || refused.Range != tt.rng {
				t.Errorf("%s: got %v, want refused as %s", s, err, tt.rng)
			}
		}
		for _, s := range tt.open {
			if err := (AddressRules{}).CheckDial(netip.AddrPortFrom(netip.MustParseAddr(s), 443)); err != nil {
				t.Errorf("%s beside %s: %v", s, tt.rng, err)
			}
		}
	}
}

// TestCheckDialSettings: what the settings open, and what they never open.
func TestCheckDialSettings(t *testing.T) {
	closed := AddressRules{
		AllowCIDRs: prefixes("127.0.0.1/32", "10.0.0.0/8", "fe80::/10"),
		AllowPorts: []int{8443},
		Own:        []netip.AddrPort{netip.MustParseAddrPort("10.0.0.5:443"), netip.MustParseAddrPort("[::]:8443")},
	}
	dev := AddressRules{Dev: true, Own: []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:8080")}}
	for _, tt := range []struct {
		name    string
		rules   AddressRules
		address string
		ok      bool
	}{
		{"SSRF-3 one address", closed, "127.0.0.1:443", true},
		{"SSRF-3 the next address", closed, "127.0.0.2:443", false},
		{"SSRF-3 a range", closed, "10.255.0.1:8443", true},
		{"SSRF-3 in IPv6 clothes", closed, "[::ffff:10.0.0.1]:443", true},
		{"SSRF-3 own address", closed, "10.0.0.5:443", false},
		{"SSRF-3 own address in IPv6 clothes", closed, "[::ffff:10.0.0.5]:443", false},
		{"SSRF-3 own address, another port", closed, "10.0.0.5:8443", true},
		{"SSRF-3 own port on loopback", closed, "127.0.0.1:8443", false},
		{"SSRF-2 a zone", closed, "[fe80::1%eth0]:443", false},
		{"SSRF-4 another port", closed, "10.0.0.1:80", false},
		{"SSRF-4 a public address, another port", AddressRules{}, "93.184.215.14:80", false},
		{"a public address", closed, "93.184.215.14:443", true},
		{"dev loopback", dev, "127.9.9.9:1234", true},
		{"dev own address", dev, "127.0.0.1:8080", false},
		{"dev unspecified is loopback on Linux", dev, "0.0.0.0:8080", false},
		{"dev IPv6 loopback", dev, "[::1]:80", false},
		{"dev public", dev, "93.184.215.14:443", false},
		{"port 0", dev, "127.0.0.1:0", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := tt.rules.CheckDial(netip.MustParseAddrPort(tt.address)); (err == nil) != tt.ok {
				t.Errorf("got %v, want allowed: %v", err, tt.ok)
			}
		})
	}
	if err := dev.CheckDial(netip.AddrPort{}); err == nil {
		t.Error("no address at all was allowed")
	}
}

// FuzzParseID: what is accepted is read again as the same; net/url, which the client dials by, sees the same host; and
// the host is the one that was written, so that no two are ever taken for one (ORG-7).
func FuzzParseID(f *testing.F) {
	for _, s := range []string{
		"https://mill.example/ap/coop#main-key", "https://MÜHLE.example:443/a%2Fb?x=y", "https://[fd00::1]/",
		"http://mill.localhost:8080", `https://mill.example\@evil.example/`, "https://127.1/", "https://a。b/",
	} {
		f.Add(s, false)
		f.Add(s, true)
	}
	f.Fuzz(func(t *testing.T, s string, dev bool) {
		rules := AddressRules{Dev: dev, AllowCIDRs: prefixes("fd00::/8")}
		u, err := rules.ParseID(s)
		if err != nil {
			return
		}
		id, err := rules.NormalID(s)
		if err != nil {
			t.Fatal(err)
		}
		again, err := rules.NormalID(id)
		if err != nil || again != id {
			t.Fatalf("%q became %q, then %q, %v", s, id, again, err)
		}
		std, err := url.Parse(id)
		if err != nil || std.Host != u.Host || std.User != nil {
			t.Fatalf("%q: net/url reads %v, %v; we read %v", id, std, err, u)
		}
		a, err := splitAddress(id)
		if err != nil || std.Scheme != a.scheme || std.Port() != a.port || std.Hostname() != strings.Trim(a.host, "[]") {
			t.Fatalf("%q: net/url and splitAddress differ: %v, %+v, %v", id, std, a, err)
		}
		if !SameOrigin(s, id) || HostOf(s) != HostOf(id) {
			t.Fatalf("%q and %q are not of one origin", s, id)
		}
		written := s[strings.Index(s, "://")+3 : len(s)-len(a.rest)]
		if a.port != "" {
			written = strings.TrimSuffix(written, ":"+a.port)
		}
		if readable(written) != readable(a.host) {
			t.Fatalf("%q became the host %q", written, a.host)
		}
	})
}

// readable is a host as a person reads it, by the tables of Unicode and not by those of IDNA, so that two hosts which look
// different stay different: letters in their plain form and small, all full stops alike, and without what has no look.
func readable(host string) string {
	labels := strings.Split(strings.NewReplacer("。", ".", "．", ".", "｡", ".").Replace(host), ".")
	for i, l := range labels {
		if strings.HasPrefix(strings.ToLower(l), "xn--") {
			if u, err := idna.Punycode.ToUnicode(l); err == nil {
				labels[i] = u
			}
		}
	}
	s := norm.NFKC.String(cases.Fold().String(norm.NFKC.String(strings.Join(labels, "."))))
	return strings.Map(func(r rune) rune {
		if unicode.In(r, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point) {
			return -1
		}
		return r
	}, s)
}

// FuzzCheckDial: what may be dialled is what the second table of special addresses leaves, for an IPv4 address also in
// IPv6 clothes; with a zone, or on another port, it is nothing at all (SSRF-2, SSRF-4).
func FuzzCheckDial(f *testing.F) {
	for _, r := range specialRanges {
		f.Add(r.first.AsSlice(), uint16(443), "")
		f.Add(r.last.Next().AsSlice(), uint16(443), "eth0")
	}
	f.Add(netip.MustParseAddr("2002:7f00:1::").AsSlice(), uint16(80), "")
	f.Fuzz(func(t *testing.T, b []byte, port uint16, zone string) {
		ip, ok := netip.AddrFromSlice(b)
		if !ok {
			return
		}
		ip = ip.WithZone(zone)
		open := func(ip netip.Addr) bool { return AddressRules{}.CheckDial(netip.AddrPortFrom(ip, port)) == nil }
		want := !isSpecial(ip) && port == 443 && ip.Unmap().Zone() == ""
		if open(ip) != want {
			t.Errorf("%v port %d: allowed is %v, want %v", ip, port, open(ip), want)
		}
		if ip.Is4() && open(netip.AddrFrom16(ip.As16())) != want {
			t.Errorf("%v and %v differ", ip, netip.AddrFrom16(ip.As16()))
		}
	})
}
