package activitypub

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/dns/dnsmessage"
)

// This file makes addresses as someone would write them who wants a server to go where it must not.

func oneOf[T any](list ...T) T { return list[rand.IntN(len(list))] }

// randomIP is an address of any kind: special, at the edge of a special range, any other, or an IPv4 address in one
// of the clothes that IPv6 has for it.
func randomIP() netip.Addr {
	switch rand.IntN(5) {
	case 0:
		return netip.MustParseAddr(oneOf("127.0.0.1", "0.0.0.0", "169.254.169.254", "10.0.0.1", "192.168.1.1", "172.16.0.1",
			"100.100.100.200", "168.63.129.16", "::1", "::", "fd00:ec2::254", "fe80::1", "fec0::1", "255.255.255.255", "ff02::1"))
	case 1:
		r := oneOf(specialRanges...)
		edge := oneOf(r.first, r.last)
		if ip := oneOf(edge.Prev(), edge, edge.Next()); ip.IsValid() {
			return ip
		}
		return edge
	case 2:
		return embedded(randomIP4())
	case 3:
		var b [16]byte
		for i := range b {
			b[i] = byte(rand.Uint32())
		}
		b[0] = b[0]&0x1f | 0x20 // most of the rest is not given out
		return netip.AddrFrom16(b)
	}
	return randomIP4()
}

func randomIP4() netip.Addr {
	return netip.AddrFrom4([4]byte{byte(rand.Uint32()), byte(rand.Uint32()), byte(rand.Uint32()), byte(rand.Uint32())})
}

// publicIP is an address that may be reached.
func publicIP() netip.Addr {
	for {
		if ip := oneOf(randomIP4(), randomIP4(), randomIP()); !isSpecial(ip) && !ip.Is4In6() {
			return ip
		}
	}
}

// embedded is v4 mapped, compatible, translated (NAT64, both prefixes), in 6to4, Teredo and ISATAP.
func embedded(v4 netip.Addr) netip.Addr {
	a := v4.As4()
	at := func(prefix string, i int) netip.Addr {
		b := netip.MustParseAddr(prefix).As16()
		copy(b[i:], a[:])
		return netip.AddrFrom16(b)
	}
	switch rand.IntN(7) {
	case 0:
		return at("::ffff:0:0", 12)
	case 1:
		return at("::", 12)
	case 2:
		return at("64:ff9b::", 12)
	case 3:
		return at("64:ff9b:1::", 12)
	case 4:
		return at("2002::1", 2)
	case 5:
		for i := range a {
			a[i] = ^a[i] // as Teredo hides it
		}
		return at("2001::", 12)
	}
	return at("2a01::5efe:0:0", 12)
}

// writtenIP is ip as one of the programs on the way might read it.
func writtenIP(ip netip.Addr) string {
	if !ip.Is4() {
		s := ip.String()
		return oneOf("["+s+"]", "["+ip.StringExpanded()+"]", "["+s+"%25lo]", "["+s+"%lo]", "["+strings.ToUpper(s)+"]", s, "["+s+"]:443")
	}
	a := ip.As4()
	n := uint32(a[0])<<24 | uint32(a[1])<<16 | uint32(a[2])<<8 | uint32(a[3])
	s := ip.String()
	return oneOf(s, s, fmt.Sprint(n), fmt.Sprintf("0%o", n), fmt.Sprintf("0x%x", n), fmt.Sprintf("0X%X", n),
		fmt.Sprintf("%d.%d", a[0], n&0xffffff), fmt.Sprintf("%d.%d.%d", a[0], a[1], n&0xffff),
		fmt.Sprintf("0%o.0%o.0%o.0%o", a[0], a[1], a[2], a[3]), fmt.Sprintf("0x%x.%d.0x%x.0%o", a[0], a[1], a[2], a[3]),
		fmt.Sprintf("%03d.%03d.%03d.%03d", a[0], a[1], a[2], a[3]), s+".", strings.ReplaceAll(s, ".", "。"), wide(s),
		strings.ReplaceAll(s, ".", "%2e"), "[::ffff:"+s+"]", "[::"+s+"]", "[64:ff9b::"+s+"]", s+".hosts.example", s+"\x00.hosts.example")
}

// wide writes s in the full-width letters of East Asia, which IDNA reads as plain ones.
func wide(s string) string {
	return strings.Map(func(r rune) rune {
		if r > ' ' && r < utf8.RuneSelf && r != '.' {
			return r + 0xfee0
		}
		return r
	}, s)
}

// randomName is a name that is asked for at the name server.
func randomName() string {
	name := fmt.Sprintf("n%d.hosts.example", rand.Uint32())
	switch rand.IntN(20) {
	case 0:
		return name + "."
	case 1:
		return strings.ReplaceAll(name, ".", oneOf("。", "．", "｡"))
	case 2:
		return wide(name)
	case 3:
		return strings.ToUpper(name)
	case 4:
		return oneOf("localhost", "LOCALHOST", "localhost.", "localhost.localdomain", "ip6-localhost", "a.localhost", "ⓛocalhost", "mill.example", "broadcasthost")
	case 5:
		return "n" + string(rune(0xe0+rand.IntN(20))) + fmt.Sprintf("%d.hosts.example", rand.Uint32())
	}
	return name
}

// randomAddress is one address in all its parts.
func randomAddress() string {
	host := randomName()
	switch rand.IntN(10) {
	case 0:
		host = writtenIP(randomIP())
	case 1:
		host = oneOf(randomName()+"@"+writtenIP(randomIP()), writtenIP(randomIP())+"@"+randomName(), "me:secret@"+randomName(),
			randomName()+"#@"+writtenIP(randomIP()), randomName()+`\@`+writtenIP(randomIP()), randomName()+"%00."+writtenIP(randomIP()),
			randomName()+"/@"+writtenIP(randomIP()), randomName()+"?@"+writtenIP(randomIP()), "10.9.8.7", "10.9.8.8")
	}
	scheme, port := "https://", ""
	switch rand.IntN(8) {
	case 0:
		scheme = oneOf("HTTPS://", "http://", "//", "https:/", "https:", "ftp://", "gopher://", "")
	case 1:
		port = oneOf(":443", ":80", ":22", ":6379", ":8080", ":8443", ":0", ":0443", ":65536", ":", ":65979", ":443@"+randomName())
	}
	path := oneOf("", "/", "/ap/coop", "/a?x=1", "/a%2Fb", "/../x", "?q", "#f", "/a b", "/é", "/ap/coop?x=%20")
	return scheme + host + port + path
}

// hostileAnswer answers the question in m, each time anew in another way. Often has addresses that must come often.
func hostileAnswer(m *dnsmessage.Message, often ...netip.Addr) {
	q := m.Questions[0]
	name := q.Name
	say := func(name dnsmessage.Name, t dnsmessage.Type, body dnsmessage.ResourceBody) {
		m.Answers = append(m.Answers, dnsmessage.Resource{Header: dnsmessage.ResourceHeader{Name: name, Type: t, Class: dnsmessage.ClassINET}, Body: body})
	}
	switch rand.IntN(16) {
	case 0:
		m.RCode = dnsmessage.RCodeNameError
		return
	case 1:
		return // nothing of this type
	case 2: // another name, and the address of that
		name = dnsmessage.MustNewName("other.hosts.example.")
		say(q.Name, dnsmessage.TypeCNAME, &dnsmessage.CNAMEResource{CNAME: name})
	case 3: // another name, without its address
		say(q.Name, dnsmessage.TypeCNAME, &dnsmessage.CNAMEResource{CNAME: dnsmessage.MustNewName("localhost.")})
		return
	case 4: // the address of a name that nobody asked for
		name = dnsmessage.MustNewName("localhost.")
	}
	any := func() netip.Addr { return oneOf(randomIP(), randomIP(), oneOf(often...)) }
	kind := oneOf(any, publicIP, func() netip.Addr { return oneOf(any(), publicIP()) })
	for range oneOf(1, 1, 1, 1, 2, 3, 8) {
		ip := kind()
		switch {
		case ip.Is4() && (q.Type == dnsmessage.TypeA || rand.IntN(8) == 0): // sometimes where IPv6 was asked for
			say(name, dnsmessage.TypeA, &dnsmessage.AResource{A: ip.As4()})
		case ip.Is6() && (q.Type == dnsmessage.TypeAAAA || rand.IntN(8) == 0):
			say(name, dnsmessage.TypeAAAA, &dnsmessage.AAAAResource{AAAA: ip.As16()})
		}
	}
}
