package activitypub

import (
	"net"
	"net/http"
)

// AuthorityClient returns the client that asks the certificate authority. Who runs the node has named it, and may run it in
// a network of their own, so the rules for addresses that strangers name do not hold for it. CAFile, Proxy and Resolvers of
// opt do. An error names the setting to correct.
func AuthorityClient(opt Options) (*http.Client, error) {
	resolver, err := NewResolver(opt.Resolvers)
	if err != nil {
		return nil, err
	}
	t, err := newTransport(&ClientOptions{CAFile: opt.CAFile, Proxy: opt.Proxy}, AddressRules{}, resolver)
	if err != nil {
		return nil, err
	}
	t.DialContext = (&net.Dialer{Timeout: dialTimeout, Resolver: resolver}).DialContext
	return &http.Client{Transport: t, Timeout: postTimeout}, nil
}
