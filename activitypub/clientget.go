package activitypub

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/coopnode/coopnode/node"
)

// maxRedirects is how many hops one GET may take (security.md, LIM).
const maxRedirects = 3

// A Document is a JSON object from elsewhere, read strictly (JSON-3: these bytes
// are what Object was made of).
type Document struct {
	URL     string         // the address that answered, after redirects, without fragment
	Status  int            // 2xx
	Version                // to ask whether it has changed since
	Fresh   time.Duration  // how long it asks to be kept (Cache-Control: max-age), at most 7 days; 0 if it does not
	Plain   bool           // not of an ActivityStreams type
	Type    string         // media type, lower case, without parameters
	Bytes   []byte         // at most 1 MiB
	Object  map[string]any // what ReadJSON made of Bytes
}

// Version is what a server says of a document so that one can ask later whether it is still the same
// (RFC 9110 section 8.8). The zero value asks for all of it.
type Version struct {
	ETag     string `json:"tag,omitempty"`      // as sent
	Modified string `json:"modified,omitempty"` // as sent; only where there is no ETag, and where it tells two versions apart
}

// known says whether there is anything to ask with.
func (v Version) known() bool { return v != Version{} }

// A DocumentError is an answer that is not the document asked for: of another type
// or origin, too long, unreadable, redirected in a circle. The document is dropped.
type DocumentError struct {
	URL string
	Err error
}

func (e *DocumentError) Error() string { return "document of " + HostOf(e.URL) + ": " + e.Err.Error() }

// Unwrap returns the cause, which may be a *JSONError.
func (e *DocumentError) Unwrap() error { return e.Err }

// GetActivity fetches an ActivityPub document by a signed GET. The fragment of id
// is not sent. The answer counts only with an ActivityStreams content type (ORG-5)
// and from the origin of id (ORG-4); so does a *StatusError, which means that a 410
// was said by the id's own server. That the document's id is the one asked for is
// not checked here, since a key's document may be its owner: see GetObject.
//
// Errors are *RefusedError, *StatusError, *NetworkError, *DocumentError, what Sign
// returned, or that of ctx.
func (c *Client) GetActivity(ctx context.Context, id string) (*Document, error) {
	return c.get(ctx, id, fetchKind{accept: acceptActivity, signed: true, sameOrigin: true, types: activityType})
}

// errUnchanged is the answer 304 to GetChanged.
var errUnchanged = errors.New("unchanged")

// GetChanged is GetActivity for a document of which this version was read before. errUnchanged where it is still
// the same.
func (c *Client) GetChanged(ctx context.Context, id string, have Version) (*Document, error) {
	return c.get(ctx, id, fetchKind{accept: acceptActivity, signed: true, sameOrigin: true, types: activityType, have: have})
}

// GetList is GetChanged for a list that may also be a plain JSON file: Plain says what it was.
func (c *Client) GetList(ctx context.Context, address string, have Version) (*Document, error) {
	either := func(t string) bool { return activityType(t) || jsonType(t) }
	return c.get(ctx, address, fetchKind{accept: acceptActivity + ", application/json;q=0.5", signed: true, sameOrigin: true, types: either, have: have})
}

// GetObject is GetActivity for a document that must be what its id says (ORG-4): a
// document that names another id of the same origin is fetched once more from
// there; every other difference is a *DocumentError.
func (c *Client) GetObject(ctx context.Context, id string) (*Document, error) {
	return c.GetChangedObject(ctx, id, Version{})
}

// GetChangedObject is GetObject for a document of which this version was read before. errUnchanged where it is
// still the same.
func (c *Client) GetChangedObject(ctx context.Context, id string, have Version) (*Document, error) {
	doc, err := c.GetChanged(ctx, id, have)
	if err != nil {
		return nil, err
	}
	says := Str(doc.Object, "id")
	if says == id {
		return doc, nil
	}
	if !SameOrigin(says, id) {
		return nil, &DocumentError{doc.URL, fmt.Errorf("it names itself %q", cut(says, 256))}
	}
	if doc, err = c.GetActivity(ctx, says); err != nil {
		return nil, err
	}
	if Str(doc.Object, "id") != says {
		return nil, &DocumentError{doc.URL, errors.New("it names itself differently each time")}
	}
	return doc, nil
}

// GetJSON fetches a JSON object that is no ActivityPub document, such as WebFinger
// or NodeInfo, by an unsigned GET. It may be redirected to another origin. Accept
// is a list of media types; any JSON type is taken. Errors are as in GetActivity.
func (c *Client) GetJSON(ctx context.Context, address, accept string) (*Document, error) {
	return c.get(ctx, address, fetchKind{accept: accept, types: jsonType})
}

// GetPicture fetches a picture by an unsigned GET, at most 8 MiB. It may be redirected to another
// origin. What it is its bytes have to tell: what its server calls it does not count (MED-1).
// Errors are as in GetActivity.
func (c *Client) GetPicture(ctx context.Context, address string) ([]byte, error) {
	anything := func(string) bool { return true }
	doc, err := c.get(ctx, address, fetchKind{accept: acceptPictures, types: anything, most: node.MaxPictureFetch, bare: true})
	if err != nil {
		return nil, err
	}
	return doc.Bytes, nil
}

// fetchKind is how the sorts of GET differ.
type fetchKind struct {
	accept     string
	signed     bool
	sameOrigin bool
	types      func(contentType string) bool
	have       Version // of what was read already
	most       int     // bytes; MaxDocumentBytes if 0
	bare       bool    // bytes are all that is wanted, not JSON
	home       string  // a redirect there ends the way: the Document is its address alone; none if empty
}

// activityType is ORG-5.
func activityType(contentType string) bool {
	t, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		return false
	}
	return t == typeActivity ||
		t == "application/ld+json" && slices.Contains(strings.Fields(params["profile"]), profileActivity)
}

func jsonType(contentType string) bool {
	t, _, err := mime.ParseMediaType(contentType)
	return err == nil && (t == "application/json" ||
		strings.HasPrefix(t, "application/") && strings.HasSuffix(t, "+json"))
}

// get follows address through its redirects, all within one time limit. Each hop
// passes every check of a first request and is signed anew (SSRF-5).
func (c *Client) get(ctx context.Context, address string, kind fetchKind) (*Document, error) {
	u, err := c.rules.ParseID(address)
	if err != nil {
		return nil, err
	}
	// Waiting for our own limits is not the peer's fault, so it is not timed.
	if err := c.hosts.wait(ctx, u.Host); err != nil {
		return nil, err
	}
	if err := c.fetches.Enter(ctx); err != nil {
		return nil, fmt.Errorf("get from %s: %w", u.Host, err)
	}
	defer c.fetches.Leave()
	ctx, cancel := context.WithTimeoutCause(ctx, c.getTimeout, errTooSlow)
	defer cancel()

	var seen []string
	for {
		u.Fragment, u.RawFragment = "", ""
		here := u.String()
		if slices.Contains(seen, here) || len(seen) > maxRedirects {
			return nil, &DocumentError{here, errors.New("too many redirects")}
		}
		seen = append(seen, here)
		res, err := c.getOnce(ctx, u, kind)
		if err != nil {
			return nil, err
		}
		if !isRedirect(res.StatusCode) {
			defer func() { _ = res.Body.Close() }()
			if kind.sameOrigin && !SameOrigin(here, address) {
				return nil, &DocumentError{here, errors.New("it was redirected to another origin")}
			}
			return c.read(res, here, kind)
		}
		location := res.Header.Get("Location")
		drain(res)
		if u, err = c.redirect(u, location); err != nil {
			return nil, err
		}
		if kind.home != "" && strings.HasPrefix(u.String(), kind.home+"/") {
			return &Document{URL: u.String()}, nil
		}
		if err := c.hosts.wait(ctx, u.Host); err != nil {
			return nil, err
		}
	}
}

func isRedirect(status int) bool {
	switch status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther,
		http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return true
	}
	return false
}

// redirect returns where a hop leads, if it may be followed (SSRF-5).
func (c *Client) redirect(from *url.URL, location string) (*url.URL, error) {
	ref, err := url.Parse(location)
	if err != nil || location == "" || badCharacter(location) != "" {
		return nil, &DocumentError{from.String(), errors.New("a redirect to no address")}
	}
	to, err := c.rules.ParseID(from.ResolveReference(ref).String())
	if err != nil {
		return nil, err
	}
	if from.Scheme == "https" && to.Scheme != "https" {
		return nil, refuse(to.Host, "a redirect from https to http")
	}
	return to, nil
}

// getOnce makes one hop. Some servers verify signatures as if there were no query,
// so a 401 to a signed query is tried once more signed that way (interop.md 2.2).
func (c *Client) getOnce(ctx context.Context, u *url.URL, kind fetchKind) (*http.Response, error) {
	if !kind.signed {
		res, _, err := c.send(ctx, u, u, kind, Signing{})
		return res, err
	}
	res, err := c.knock(ctx, u, Signing{}, func(how Signing) (*http.Response, string, error) {
		return c.send(ctx, u, u, kind, how)
	})
	if err != nil || res.StatusCode != http.StatusUnauthorized || u.RawQuery == "" {
		return res, err
	}
	drain(res)
	bare := *u
	bare.RawQuery, bare.ForceQuery = "", false
	res, _, err = c.send(ctx, u, &bare, kind, Signing{})
	return res, err
}

// send gets u with a signature over signedURL.
func (c *Client) send(ctx context.Context, u, signedURL *url.URL, kind fetchKind, how Signing) (res *http.Response, keyID string, err error) {
	if !spend(ctx) {
		return nil, "", refuse(u.Host, "too many requests for one thing")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "", nil)
	if err != nil {
		return nil, "", fmt.Errorf("get from %s: %w", u.Host, err)
	}
	req.URL, req.Host = signedURL, u.Host
	req.Header["Accept"] = []string{kind.accept}
	req.Header["User-Agent"] = []string{c.opt.UserAgent}
	if kind.have.ETag != "" {
		req.Header["If-None-Match"] = []string{kind.have.ETag}
	}
	if kind.have.Modified != "" {
		req.Header["If-Modified-Since"] = []string{kind.have.Modified}
	}
	if kind.signed {
		if keyID, err = c.sign(ctx, req, nil, how); err != nil {
			return nil, "", err
		}
	}
	req.URL = u
	res, err = c.roundTrip(req)
	return res, keyID, err
}

// read turns an answer into a Document, or into the error that it stands for.
func (c *Client) read(res *http.Response, here string, kind fetchKind) (*Document, error) {
	if res.StatusCode == http.StatusNotModified && kind.have.known() {
		drain(res)
		return nil, errUnchanged
	}
	if res.StatusCode/100 != 2 {
		e := &StatusError{
			URL:        here,
			Code:       res.StatusCode,
			RetryAfter: RetryAfter(res.Header.Get("Retry-After"), c.opt.Now()),
		}
		if e.Gone() {
			doc, err := c.readBody(res, here, kind)
			e.Tombstone = err == nil && slices.Contains(Types(doc.Object), "Tombstone")
		} else {
			drain(res)
		}
		return nil, e
	}
	return c.readBody(res, here, kind)
}

func (c *Client) readBody(res *http.Response, here string, kind fetchKind) (*Document, error) {
	contentType := res.Header.Get("Content-Type")
	switch {
	case !kind.types(contentType):
		return nil, &DocumentError{here, fmt.Errorf("content type %q", cut(contentType, 128))}
	case res.Header.Get("Content-Encoding") != "":
		// net/http has undone gzip and taken the header away; it asked for nothing else.
		return nil, &DocumentError{here, errors.New("a content encoding that was not asked for")}
	}
	// One byte more than allowed, so that too much is an error and never cut (OUT-6).
	// The bytes are counted after decompression.
	most := cmp.Or(kind.most, MaxDocumentBytes)
	b, err := io.ReadAll(io.LimitReader(res.Body, int64(most)+1))
	if err != nil {
		return nil, c.sortError(res.Request, err)
	}
	if len(b) > most {
		return nil, &DocumentError{here, fmt.Errorf("more than %d MiB", most>>20)}
	}
	if kind.bare {
		return &Document{URL: here, Status: res.StatusCode, Bytes: b}, nil
	}
	object, err := ReadJSON(b)
	if err != nil {
		return nil, &DocumentError{here, err}
	}
	t, _, _ := mime.ParseMediaType(contentType)
	return &Document{
		URL: here, Status: res.StatusCode, Version: versionIn(res.Header), Fresh: freshFor(res.Header), Type: t, Plain: !activityType(contentType), Bytes: b, Object: object,
	}, nil
}

// versionIn reads what tells a version from the next one. The time of a change is whole seconds, so where it is not
// some seconds old already the next change might have the same (RFC 9110 section 8.8.2.2).
func versionIn(h http.Header) Version {
	if tag := h.Get("Etag"); tag != "" {
		return Version{ETag: tag}
	}
	modified, err := http.ParseTime(h.Get("Last-Modified"))
	if err != nil {
		return Version{}
	}
	if said, err := http.ParseTime(h.Get("Date")); err != nil || said.Sub(modified) < 2*time.Second {
		return Version{}
	}
	return Version{Modified: h.Get("Last-Modified")}
}

// freshFor reads max-age of Cache-Control (RFC 9111 section 5.2.2), at most 7 days.
func freshFor(h http.Header) time.Duration {
	for _, part := range strings.Split(h.Get("Cache-Control"), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		if n, err := strconv.Atoi(strings.Trim(value, `"`)); strings.EqualFold(name, "max-age") && err == nil && n > 0 {
			return time.Duration(min(n, int(week/time.Second))) * time.Second
		}
	}
	return 0
}
