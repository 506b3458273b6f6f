package node

import "testing"

// GDPR-4: of a visitor's address no log and no statistic keeps more than its network.
func TestBlurAddress(t *testing.T) {
	for address, want := range map[string]string{
		"203.0.113.9": "203.0.113.0/24", "203.0.113.9/32": "203.0.113.0/24", "::ffff:203.0.113.9": "203.0.113.0/24",
		"2001:db8:1:2:3::4": "2001:db8:1::/48", "2001:db8:1:2::/64": "2001:db8:1::/48", "fe80::1%eth0": "fe80::/48",
		"": "", "invalid IP": "", "@": "",
	} {
		if got := BlurAddress(address); got != want {
			t.Errorf("BlurAddress(%q) = %q, want %q", address, got, want)
		}
	}
}
