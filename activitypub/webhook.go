package activitypub

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/coopnode/coopnode/node"
)

// WebhookSignature signs what a webhook gets, as the Standard Webhooks specification (version 1) says: HMAC-SHA256 over id, time
// and body, so that neither can be changed, and an old request not be sent again.
func WebhookSignature(secret []byte, id string, at time.Time, body []byte) string {
	mac := hmac.New(sha256.New, secret)
	fmt.Fprintf(mac, "%s.%d.", id, at.Unix())
	mac.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// WebhookSecret is the secret in the form in which programs take it.
func WebhookSecret(secret []byte) string { return "whsec_" + base64.StdEncoding.EncodeToString(secret) }

// PostWebhook tells a program of the coop something. id is the same at every try. Its host is one that our people named: the
// rules about peers do not matter, those about addresses do (SSRF-1). Redirects are not followed. Errors are those
// of Client.Post.
func (w *Wire) PostWebhook(ctx context.Context, to *node.WebhookSettings, id string, body []byte) (*PostResult, error) {
	return w.client.postJSON(ctx, to.Address, body, func(h http.Header) {
		now := w.node.Now()
		h["Webhook-Id"] = []string{id}
		h["Webhook-Timestamp"] = []string{strconv.FormatInt(now.Unix(), 10)}
		h["Webhook-Signature"] = []string{WebhookSignature(to.Secret, id, now, body)}
	})
}

// postJSON posts a document with headers of the caller's, without a signature of ours.
func (c *Client) postJSON(ctx context.Context, address string, body []byte, head func(http.Header)) (*PostResult, error) {
	u, err := c.rules.ParseID(address)
	if err != nil {
		return nil, err
	}
	if err := c.posts.Enter(ctx); err != nil {
		return nil, fmt.Errorf("post to %s: %w", u.Host, err)
	}
	defer c.posts.Leave()
	ctx, cancel := context.WithTimeoutCause(ctx, c.postTimeout, errTooSlow)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "", bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("post to %s: %w", u.Host, err)
	}
	req.URL, req.Host = u, u.Host
	req.Header["Content-Type"] = []string{"application/json"}
	req.Header["Accept-Encoding"] = []string{"identity"} // the answer is thrown away
	req.Header["User-Agent"] = []string{c.opt.UserAgent}
	head(req.Header)
	res, err := c.reach(req)
	if err != nil {
		return nil, err
	}
	drain(res)
	return &PostResult{Status: res.StatusCode, RetryAfter: RetryAfter(res.Header.Get("Retry-After"), c.opt.Now())}, nil
}
