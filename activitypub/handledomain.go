package activitypub

import (
	"context"
	"errors"
	"fmt"
	"net/url"

	"github.com/coopnode/coopnode/node"
)

// CheckHandleDomain asks a domain for our handle there, as other servers do: it has to send them here by a redirect that keeps
// the question, or to answer with our actor itself. A domain that leads straight to where this node listens is in order:
// the node redirects it. Errors say what came instead: NotFound, Refused, Unavailable.
func (w *Wire) CheckHandleDomain(ctx context.Context, domain string) error {
	us, err := w.node.Profile(ctx)
	if err != nil {
		return err
	}
	resource := w.resourceOf(us.Handle, domain)
	at := w.base.Scheme + "://" + domain + "/.well-known/webfinger"
	no := func(kind node.Kind, why string, err error) error {
		return &node.Error{Op: "check domain of handle", Kind: kind, Subject: domain, Err: err, Text: at + " " + why}
	}
	doc, err := w.client.get(ctx, at+"?resource="+url.QueryEscape(resource), fetchKind{accept: acceptJRD, types: jsonType, home: w.node.Links.Base})
	if refused, ok := errors.AsType[*RefusedError](err); ok && refused.Range == ownRange {
		return nil
	}
	strange, _ := errors.AsType[*DocumentError](err)
	switch status := asStatus(err); {
	case status != nil:
		return no(node.NotFound, fmt.Sprintf("answers %d, and no redirect.", status.Code), err)
	case strange != nil:
		return no(node.Refused, "answers with something that is no WebFinger ("+strange.Err.Error()+"), and no redirect.", err)
	case isUnreached(err):
		return no(node.Unavailable, "does not answer: "+err.Error()+".", err)
	case err != nil:
		return no(node.Refused, "cannot be asked: "+err.Error()+".", err)
	case doc.Object == nil:
		to, err := url.Parse(doc.URL)
		if err != nil || to.Path != "/.well-known/webfinger" {
			return no(node.Refused, "redirects to "+doc.URL+", but the path has to stay /.well-known/webfinger.", err)
		}
		if to.Query().Get("resource") != resource {
			return no(node.Refused, "redirects to "+doc.URL+", but what is asked (?resource=…) got lost.", nil)
		}
		return nil
	}
	if self := selfOf(doc.Object); self != w.node.Links.Actor() {
		return no(node.Refused, "names the actor "+self+", and not "+w.node.Links.Actor()+".", nil)
	}
	return nil
}
