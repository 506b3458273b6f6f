package node

import "net/netip"

// BlurAddress is the address or network of a visitor as logs and statistics may keep it: /24 of IPv4, /48 of IPv6 (GDPR-4).
// "" for anything else.
func BlurAddress(address string) string {
	ip, err := netip.ParseAddr(address)
	if err != nil {
		p, err := netip.ParsePrefix(address)
		if err != nil {
			return ""
		}
		ip = p.Addr()
	}
	ip = ip.Unmap().WithZone("")
	bits := 24
	if ip.Is6() {
		bits = 48
	}
	p, _ := ip.Prefix(bits) // never fails: bits fits
	return p.String()
}
