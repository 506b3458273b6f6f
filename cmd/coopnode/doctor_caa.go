package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"

	"github.com/coopnode/coopnode/activitypub"
)

// judgeIssuers looks whether the zone lets the authority of [acme] directory give certificates.
func (n *wayIn) judgeIssuers(ctx context.Context, f *findings) {
	if n.cfg.TLS != "auto" && n.cfg.ACMEDirectory == "" {
		return // whoever does HTTPS has an authority of its own
	}
	issuers, at, err := n.wire.IssuersOf(ctx, n.host)
	if err != nil {
		f.unknown("CAA", "See whether the name servers answer: [dns] resolvers.", "no name server tells who may give certificates: %v", err)
		return
	}
	if issuers == nil {
		f.good("CAA", "any authority may give a certificate")
		return
	}
	ours, err := n.authorityNames(ctx)
	if err != nil {
		f.unknown("CAA", "See whether the address of [acme] directory is right and answers.", "the authority does not say its name: %v", err)
		return
	}
	if slices.ContainsFunc(ours, func(name string) bool { return slices.Contains(issuers, strings.ToLower(name)) }) {
		f.good("CAA", "the records of %s let %s give a certificate", at, strings.Join(ours, ", "))
		return
	}
	allowed := "nobody"
	if len(issuers) > 0 {
		allowed = strings.Join(issuers, ", ") + " alone"
	}
	f.broken("CAA", fmt.Sprintf("Add it where you registered the name: %s. CAA 0 issue \"%s\"", at, ours[0]),
		"the records of %s let %s give certificates, and this node asks %s", at, allowed, strings.Join(ours, ", "))
}

// authorityNames are those by which the authority of this node is named in CAA records (RFC 8555 section 9.7.6).
func (n *wayIn) authorityNames(ctx context.Context) ([]string, error) {
	if n.cfg.ACMEDirectory == "" || n.cfg.ACMEDirectory == autocert.DefaultACMEDirectory {
		return []string{"letsencrypt.org"}, nil
	}
	client, err := activitypub.AuthorityClient(activitypub.Options{CAFile: n.cfg.CAFile, Proxy: n.cfg.Proxy, Resolvers: n.cfg.Resolvers})
	if err != nil {
		return nil, err
	}
	defer client.CloseIdleConnections()
	directory, err := (&acme.Client{DirectoryURL: n.cfg.ACMEDirectory, HTTPClient: client}).Discover(ctx)
	if err == nil && len(directory.CAA) == 0 {
		err = errors.New("its directory names nobody")
	}
	return directory.CAA, err
}
