package activitypub

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/coopnode/coopnode/node"
)

// A Resident is what answers on a name that a new node wants to have. A name belongs to the keys that were seen on it: others
// refuse whoever comes under it with new ones.
type Resident struct {
	Federates bool   // an ActivityPub server
	Software  string // what it calls itself, "" if it does not say
	Evidence  string // the address that told
	Key       string // of the actor of a coopnode, as PEM
	Silence   string // why nothing could be learned; "" where something answered
}

// residentWithin bounds all that LookAt asks.
const residentWithin = 15 * time.Second

// LookAt asks a host for what every ActivityPub server has: NodeInfo, WebFinger for handle, an actor. Of opt the addresses that may
// be reached count, the certificates to trust, the proxy and the name servers. An error is one of those settings.
func LookAt(ctx context.Context, host, handle string, opt Options) (*Resident, error) {
	client, err := NewClient(ClientOptions{
		Rules:     AddressRules{AllowCIDRs: opt.AllowCIDRs, AllowPorts: opt.AllowPorts},
		UserAgent: "coopnode/" + opt.Version, CAFile: opt.CAFile, Proxy: opt.Proxy, Resolvers: opt.Resolvers,
	})
	if err != nil {
		return nil, err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, residentWithin)
	defer cancel()
	r := &Resident{}
	base := "https://" + host
	info := base + "/.well-known/nodeinfo"
	doc, err := client.GetJSON(ctx, info, "application/json")
	if network, ok := errors.AsType[*NetworkError](err); ok {
		r.Silence = network.Error()
		return r, nil
	} else if refused := asRefused(err); refused != nil {
		r.Silence = refused.Error()
		return r, nil
	}
	if err == nil {
		r.readNodeInfo(ctx, client, doc)
	}
	if actor, err := client.GetActivity(ctx, node.Links{Base: base}.Actor()); err == nil && Str(actor.Object, "id") == (node.Links{Base: base}).Actor() {
		r.found(actor.URL)
		r.Key = Str(Obj(actor.Object["publicKey"]), "publicKeyPem")
	}
	finger := base + "/.well-known/webfinger?resource=" + url.QueryEscape("acct:"+handle+"@"+host)
	if doc, err := client.GetJSON(ctx, finger, acceptJRD); err == nil && selfOf(doc.Object) != "" {
		r.found(finger)
	}
	if doc, err := client.GetActivity(ctx, base+"/"); err == nil && anyOf(Types(doc.Object), actorTypes) {
		r.found(base + "/")
	}
	return r, nil
}

func (r *Resident) found(address string) {
	if !r.Federates {
		r.Federates, r.Evidence = true, address
	}
}

// readNodeInfo follows the links of NodeInfo (FEP-f1d5) to what the software says of itself.
func (r *Resident) readNodeInfo(ctx context.Context, client *Client, doc *Document) {
	for _, v := range List(doc.Object["links"]) {
		link := Obj(v)
		if !strings.HasPrefix(Str(link, "rel"), nodeInfoSchema("")) {
			continue
		}
		info, err := client.GetJSON(ctx, Str(link, "href"), "application/json")
		if err != nil {
			continue
		}
		r.Software = cut(Str(Obj(info.Object["software"]), "name"), 64)
		for _, p := range List(info.Object["protocols"]) {
			if p == "activitypub" {
				r.found(doc.URL)
			}
		}
		return
	}
}
