package activitypub

import (
	"context"
	"net/http"
	"net/url"
)

// knock sends a signed request to a peer in the form that it is known to want, and again at once where its
// answer may mean that it did not believe the signature (interop.md 2.2):
//
//   - with the key that signs now, if another one signed: a change of keys fails no letter (KEY-3);
//   - as its Accept-Signature asks, or else in the other form, at most once in an hour for letters and once for fetches.
//
// What it believes is remembered. Where it believes neither, its first answer counts: a peer that cannot read
// a form says so in other words. send may be called three times.
func (c *Client) knock(ctx context.Context, u *url.URL, how Signing, send func(Signing) (*http.Response, string, error)) (*http.Response, error) {
	forms, host := c.opt.forms, HostOf(u.String())
	if forms != nil {
		how.Form = forms.of(ctx, host)
	}
	first, keyID, err := send(how)
	if err != nil || !disbelieved(first) {
		return first, err
	}
	how.Act = 0
	if c.opt.KeyID != nil && c.opt.KeyID() != keyID {
		drain(first)
		if first, _, err = send(how); err != nil || !disbelieved(first) {
			return first, err
		}
	}
	if forms == nil {
		return first, nil
	}
	if how.asked = readAcceptSignature(first.Request, first.Header); how.asked != nil || how.Form != RFC9421 {
		how.Form = RFC9421
	} else {
		how.Form = DraftCavage
	}
	if how.asked == nil && !forms.mayKnock(ctx, host, readsOnly(first.Request.Method)) {
		return first, nil
	}
	drain(first)
	second, _, err := send(how)
	switch {
	case err != nil:
		return nil, err
	case disbelieved(second):
		drain(second)
		return first, nil
	case second.StatusCode < 400: // also a redirect, which asks for the same form
		forms.learn(ctx, host, how.Form)
	}
	return second, nil
}

// disbelieved says that an answer is one of those which servers give to a signature that they cannot verify or
// read: 401, and 400 where they do not know its form.
func disbelieved(res *http.Response) bool {
	return res.StatusCode == http.StatusUnauthorized || res.StatusCode == http.StatusBadRequest
}
