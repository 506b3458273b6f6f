package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/coopnode/coopnode/activitypub"
)

// judgeFediverse looks at what other servers ask first.
func (n *wayIn) judgeFediverse(ctx context.Context, f *findings) {
	way := n.ours()
	if way == nil {
		if n.answering() != nil {
			f.waits("fediverse", "the way here: this node does not answer under its name")
		} else {
			f.waits("fediverse", n.before())
		}
		return
	}
	n.judgeDocuments(ctx, f, way.Address)
	n.judgeSignature(f, "draft-cavage", way.Mirror)
	n.judgeSignature(f, "RFC 9421", n.letter)
	n.judgePicture(ctx, f, way.Address)
}

// judgeDocuments reads the three documents by which others find this node.
func (n *wayIn) judgeDocuments(ctx context.Context, f *findings, at netip.Addr) {
	us, err := n.house.Profile(ctx)
	if err != nil {
		f.failed("documents", err)
		return
	}
	const mend = "Look what answers there instead of this node: coopnode inspect %s"
	for _, d := range []struct{ check, path, accept, kind, holds string }{
		{"WebFinger", "/.well-known/webfinger?resource=" + url.QueryEscape("acct:"+strings.TrimPrefix(us.Address(), "@")), "application/jrd+json", "application/jrd+json", n.house.Links.Actor()},
		{"actor", "/ap/coop", "application/activity+json", "application/activity+json", n.house.Links.Actor()},
		{"NodeInfo", "/nodeinfo/2.1", "application/json", "application/json", activitypub.SoftwareName},
	} {
		a, err := n.wire.AskSelf(ctx, at, http.MethodGet, d.path, d.accept, nil)
		switch {
		case err != nil:
			f.broken(d.check, strings.ReplaceAll(mend, "%s", us.Address()), "no answer: %v", err)
		case a.Status != http.StatusOK || a.Type() != d.kind || !json.Valid(a.Body) || !bytes.Contains(a.Body, []byte(`"`+d.holds+`"`)):
			f.broken(d.check, strings.ReplaceAll(mend, "%s", us.Address()), "the answer is %d %s, which is not that of this node", a.Status, a.Type())
		default:
			f.good(d.check, "%s", map[string]string{"WebFinger": us.Address() + " is found", "actor": "is read as " + a.Type(), "NodeInfo": "tells that this is coopnode"}[d.check])
		}
	}
}

// judgeSignature tells whether a letter of that form was believed at the public address.
func (n *wayIn) judgeSignature(f *findings, check string, a *activitypub.SelfAnswer) {
	switch {
	case a == nil || a.Reflection == nil:
		f.unknown(check, "Run it again.", "the letter that was signed so got no answer")
	case a.Reflection.Signature == "" && a.Reflection.Form != "":
		f.good(check, "a letter that was signed so made the round trip")
	case slices.ContainsFunc(a.Changed, func(c activitypub.Change) bool { return c.What != "Accept" }):
		f.waits(check, "the proxy, which changes "+a.Changed[0].What)
	default:
		f.broken(check, "See whether the key is whole: coopnode keys show; if not: coopnode keys rotate", "a letter that was signed so is not believed: %s", a.Reflection.Signature)
	}
}

// pictureTypes are what Mastodon takes for a picture of a profile.
var pictureTypes = []string{"image/png", "image/jpeg", "image/gif", "image/webp"}

func (n *wayIn) judgePicture(ctx context.Context, f *findings, at netip.Addr) {
	const check = "picture"
	us, err := n.house.Profile(ctx)
	if err != nil {
		f.failed(check, err)
		return
	}
	path, ok := strings.CutPrefix(n.house.Links.IconOf(us), n.house.Links.Base)
	if !ok {
		return
	}
	a, err := n.wire.AskSelf(ctx, at, http.MethodGet, path, "image/*", nil)
	switch {
	case err != nil:
		f.broken(check, "See what stands between: coopnode doctor --only reach", "the picture of the profile cannot be had: %v", err)
	case a.Status != http.StatusOK || !slices.Contains(pictureTypes, a.Type()):
		f.broken(check, "Set the picture again: coopnode profile edit --help", "the picture of the profile is answered with %d %s: others show none", a.Status, a.Type())
	default:
		f.good(check, "%s, which others show", a.Type())
	}
}
