package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// An authorityWitness hears what the authority answers. Renewals are the manager's, which keeps their failures to itself.
type authorityWitness struct {
	next   http.RoundTripper
	keeper *certificateKeeper
}

// maxAuthorityAnswer is how much of an answer of the authority is read.
const maxAuthorityAnswer = 1 << 20

// RoundTrip passes on the request, and the answer with its body in hand.
func (w *authorityWitness) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := w.next.RoundTrip(r)
	if err != nil {
		w.keeper.hear(err.Error(), false)
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAuthorityAnswer))
	resp.Body.Close()
	if err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	if why := problemIn(resp, body); why != "" {
		w.keeper.hear(why, true)
	}
	return resp, nil
}

// problemIn is what an answer says went wrong (RFC 8555 6.7, 7.1.4), "" for nothing. An old nonce is part of the talk.
func problemIn(resp *http.Response, body []byte) string {
	var said struct {
		Type, Detail, Status string
		Challenges           []struct{ Error struct{ Detail string } }
	}
	if json.Unmarshal(body, &said) != nil || strings.HasSuffix(said.Type, ":badNonce") {
		return ""
	}
	for _, c := range said.Challenges {
		if c.Error.Detail != "" {
			return c.Error.Detail
		}
	}
	if resp.StatusCode >= 400 {
		return fmt.Sprintf("%d %s", resp.StatusCode, said.Detail)
	}
	return ""
}

// hear notes what went wrong at the authority: with the order under way, or else with the renewal of what is held.
func (k *certificateKeeper) hear(why string, counts bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if i := slices.IndexFunc(k.kept, func(c *keptCertificate) bool { return c.ordering }); i >= 0 {
		k.kept[i].heard, k.kept[i].counts = why, counts
		return
	}
	for _, c := range k.kept {
		if !c.Until.IsZero() && c.Trouble != why {
			c.Trouble, c.Tried = oneLine(cutText(why, 500)), k.now().Truncate(time.Second)
			k.log.Warn("the certificate was not renewed, trying later", "host", c.Name, "until", c.Until, "err", why)
		}
	}
}
