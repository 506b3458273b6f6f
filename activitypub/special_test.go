package activitypub

import (
	"bytes"
	"net/netip"
	"strings"
	"testing"
)

// specialAddresses is SSRF-2 written a second time, as first and last address of what nobody may reach, so that
// a slip in one of the two tables shows. The names are those of the IANA registries for special-purpose addresses
// and for multicast; 168.63.129.16 is the host service of a cloud provider.
const specialAddresses = `
	0.0.0.0         0.255.255.255    this network
	10.0.0.0        10.255.255.255   private use
	100.64.0.0      100.127.255.255  shared by the customers of a carrier
	127.0.0.0       127.255.255.255  loopback
	168.63.129.16   168.63.129.16    host service
	169.254.0.0     169.254.255.255  link-local
	172.16.0.0      172.31.255.255   private use
	192.0.0.0       192.0.0.255      protocol assignments
	192.0.2.0       192.0.2.255      documentation
	192.31.196.0    192.31.196.255   AS112
	192.52.193.0    192.52.193.255   AMT
	192.88.99.0     192.88.99.255    6to4 relays
	192.168.0.0     192.168.255.255  private use
	192.175.48.0    192.175.48.255   AS112
	198.18.0.0      198.19.255.255   benchmarks
	198.51.100.0    198.51.100.255   documentation
	203.0.113.0     203.0.113.255    documentation
	224.0.0.0       239.255.255.255  multicast
	240.0.0.0       255.255.255.255  reserved, broadcast
	::              1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff  not given out: loopback, mapped, translated, discard
	2001::          2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff   protocol assignments: Teredo, ORCHID, benchmarks
	2001:db8::      2001:db8:ffff:ffff:ffff:ffff:ffff:ffff   documentation
	2002::          2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff  6to4
	2620:4f:8000::  2620:4f:8000:ffff:ffff:ffff:ffff:ffff    AS112
	3fff::          3fff:0fff:ffff:ffff:ffff:ffff:ffff:ffff  documentation
	4000::          ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff  not given out: unique local, link-local, site-local, multicast
`

type addressRange struct{ first, last netip.Addr }

var specialRanges = func() (list []addressRange) {
	for line := range strings.Lines(strings.TrimSpace(specialAddresses)) {
		f := strings.Fields(line)
		list = append(list, addressRange{netip.MustParseAddr(f[0]), netip.MustParseAddr(f[1])})
	}
	return list
}()

// isSpecial says by that table whether ip is one that nobody may reach. An IPv4 address in IPv6 clothes is the
// IPv4 address.
func isSpecial(ip netip.Addr) bool {
	raw := ip.AsSlice()
	if ip.Is4In6() {
		raw = raw[12:]
	}
	for _, r := range specialRanges {
		first, last := r.first.AsSlice(), r.last.AsSlice()
		if len(first) == len(raw) && bytes.Compare(first, raw) <= 0 && bytes.Compare(raw, last) <= 0 {
			return true
		}
	}
	return false
}

// SSRF-2: both tables agree at every edge and one step beyond it.
func TestSpecialAddresses(t *testing.T) {
	for _, r := range specialRanges {
		for _, ip := range []netip.Addr{r.first.Prev(), r.first, r.first.Next(), r.last.Prev(), r.last, r.last.Next()} {
			if !ip.IsValid() { // before the first address and after the last
				continue
			}
			err := AddressRules{}.CheckDial(netip.AddrPortFrom(ip, 443))
			if (err != nil) != isSpecial(ip) {
				t.Errorf("%v: got %v, special: %v", ip, err, isSpecial(ip))
			}
		}
	}
}
