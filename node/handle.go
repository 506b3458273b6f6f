package node

import (
	"context"
	"fmt"
	"strings"
)

// handleHost is what stands behind the @ of the handle: the domain that was chosen for it, or else the node's host. Errors:
// Invalid.
func (l Links) handleHost(domain string, dev bool) (string, error) {
	if domain == "" {
		return l.Host(), nil
	}
	scheme, _, _ := strings.Cut(l.Base, "://")
	name, _, _ := strings.Cut(domain, ":")
	if !isBase(scheme+"://"+domain, dev) || !isHostName(name) || !dev && !strings.Contains(name, ".") {
		return "", invalid("choose domain of handle", fmt.Sprintf("%q cannot be the domain of a handle. Give the name of a website, like coop.example.", domain))
	}
	return domain, nil
}

// SetHandleDomain makes the handle of this coop end in a domain other than the node's host, and tells followers. That can be done
// once: who follows @coop@coop.example would not find it under a third name. Nothing happens where it is so already. The
// web server of that domain has to send WebFinger here. by names who did it. Errors: Invalid, Exists.
func (n *Node) SetHandleDomain(ctx context.Context, by, domain string) (*Actor, error) {
	const op = "set domain of handle"
	host, err := n.Links.handleHost(domain, n.Dev)
	if err != nil {
		return nil, err
	}
	act := n.profileUpdate(by)
	var us *Actor
	err = n.store.Tx(ctx, func(tx Tx) error {
		if us, err = tx.Actor(ctx, act.Actor); err != nil || us.Host == host {
			return err
		}
		if us.Host != n.Links.Host() {
			return &Error{Op: op, Kind: Exists, Subject: us.Host, Text: "The handle of this coop is " + us.Address() + " and cannot change again: others know it by that."}
		}
		us.Host = host
		if err := n.saveOwn(ctx, tx, us, later(act.Published, us.Updated)); err != nil {
			return err
		}
		act.Subject = us
		return n.say(ctx, tx, act, Recipients{Followers: true})
	})
	n.changed(err)
	if err != nil {
		return nil, err
	}
	return us, nil
}
