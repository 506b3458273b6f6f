package node

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Severity is how far a rule goes.
type Severity string

// From the mildest to the strictest (MOD-1, MOD-6).
const (
	SeverityNone   Severity = "none"   // contact as usual; the rule is about pictures or reports alone
	SeverityLimit  Severity = "limit"  // taken in, but not shown publicly, not announced, no notices
	SeverityReject Severity = "reject" // no contact at all; for an actor others call it suspend
)

// Severities are the known values, mildest first.
var Severities = []Severity{SeverityNone, SeverityLimit, SeverityReject}

// Stricter says whether s goes further than other. The empty severity goes nowhere.
func (s Severity) Stricter(other Severity) bool {
	return slices.Index(Severities, s) > max(slices.Index(Severities, other), 0)
}

// Everybody is the target of the rule that makes the allow list count: it rejects whoever is not on it.
const Everybody = "*"

// A Rule says how a host or an actor is treated here.
type Rule struct {
	Target string `json:"target"` // a host as it is compared (A-labels, lower case, no port), an actor's address, or Everybody
	// Allow makes it an entry of the allow list, which is a host. Nothing else of the rule matters then.
	Allow bool `json:"allow,omitempty"`

	Severity      Severity  `json:"severity,omitempty"`
	RejectMedia   bool      `json:"rejectMedia,omitempty"`   // no pictures from there
	RejectReports bool      `json:"rejectReports,omitempty"` // no reports from there
	Comment       string    `json:"comment,omitempty"`       // for us
	PublicComment string    `json:"publicComment,omitempty"` // goes out with an exported list
	By            string    `json:"by,omitempty"`            // which person or command made it
	Since         time.Time `json:"since,omitzero"`
}

// A BlockList is what was read of a list of rules for hosts from elsewhere (MOD-5).
type BlockList struct {
	Rules   []*Rule
	Skipped []SkippedRow
}

// A SkippedRow is one that makes no rule, and why.
type SkippedRow struct {
	Line   int    `json:"line"`
	Domain string `json:"domain"` // as written, at most 256 bytes
	Why    string `json:"why"`
}

// OfHost says whether the rule is about a host and its subdomains.
func (r *Rule) OfHost() bool { return r.Target != Everybody && !isAddress(r.Target) }

// Validate checks a rule as it is to be kept. Errors are Invalid.
func (r *Rule) Validate() error {
	const op = "check rule"
	switch {
	case r.Target == Everybody && r.Severity == SeverityReject && !r.Allow:
		return nil
	case r.Allow && r.OfHost() && isHostName(r.Target):
		return nil
	case r.Allow:
		return wrong(op, "rule.allow", "The allow list holds hosts, and %q is none. Write a name like coop.example.", r.Target)
	case isAddress(r.Target):
		if u, err := url.Parse(r.Target); err != nil || u.Host == "" || len(r.Target) > 2048 {
			return invalid(op, fmt.Sprintf("%q is not the address of an actor.", r.Target))
		} else if usual := usualSpelling(r.Target); usual != r.Target {
			return invalid(op, fmt.Sprintf("Write the address of the actor as %s, not as %s.", usual, r.Target))
		}
	case !isHostName(r.Target):
		return wrong(op, "rule.host", "%q is not a host. Write a name like coop.example, or the address of an actor.", r.Target)
	}
	switch {
	case !slices.Contains(Severities, r.Severity):
		return invalid(op, fmt.Sprintf("The severity is one of %s, not %q.", listOf(Severities), r.Severity))
	case r.Severity == SeverityNone && !r.RejectMedia && !r.RejectReports:
		return wrong(op, "rule.none", "A rule of severity none has to refuse pictures or reports, or it says nothing.")
	case utf8.RuneCountInString(r.Comment) > 1000 || utf8.RuneCountInString(r.PublicComment) > 1000:
		return wrong(op, "rule.comment", "A comment has at most 1,000 characters.")
	}
	return nil
}

// and is the stricter of each of two rules for one target. What r says in words stands.
func (r Rule) and(other *Rule) Rule {
	if other.Severity.Stricter(r.Severity) {
		r.Severity = other.Severity
	}
	r.RejectMedia = r.RejectMedia || other.RejectMedia
	r.RejectReports = r.RejectReports || other.RejectReports
	if r.Comment == "" {
		r.Comment = other.Comment
	}
	if r.PublicComment == "" {
		r.PublicComment = other.PublicComment
	}
	return r
}

// A Judgement is what all rules together say of somebody: the strictest of each (MOD-1).
type Judgement struct {
	Severity  Severity // "" where there is nothing to say
	NoMedia   bool
	NoReports bool
}

// Refused says that there is no contact.
func (j Judgement) Refused() bool { return j.Severity == SeverityReject }

// Limited says that what comes from there is not shown publicly.
func (j Judgement) Limited() bool { return j.Severity == SeverityLimit }

// Judge puts together the rules that stand under the targets of somebody. A block beats an allow.
func Judge(rules []*Rule) (j Judgement) {
	closed, allowed := false, false
	for _, r := range rules {
		switch {
		case r.Allow:
			allowed = true
		case r.Target == Everybody:
			closed = true
		default:
			if r.Severity.Stricter(j.Severity) {
				j.Severity = r.Severity
			}
			j.NoMedia = j.NoMedia || r.RejectMedia
			j.NoReports = j.NoReports || r.RejectReports
		}
	}
	if closed && !allowed {
		j.Severity = SeverityReject
	}
	if j.Refused() {
		j.NoMedia, j.NoReports = true, true
	}
	return j
}

// RuleTargets lists under what a rule for s may stand: s itself where it is an address, its host, each
// domain above that (MOD-2: whole labels, so notx.test is not under x.test), and Everybody. s is the address
// of an actor, of its key or of anything else, or a host; ports do not count for hosts. However an address is
// spelled, the first is as rules have it.
func RuleTargets(s string) []string {
	var targets []string
	host := s
	if isAddress(s) {
		s, host = usualSpelling(s), HostOf(s)
		targets = append(targets, s)
		if bare, _, cut := strings.Cut(s, "#"); cut {
			targets = append(targets, bare) // the owner of a key
		}
	}
	host = HostName(strings.ToLower(host))
	for host != "" {
		targets = append(targets, host)
		_, host, _ = strings.Cut(host, ".")
	}
	return append(targets, Everybody)
}

// usualSpelling is an address with scheme and host in small letters, and without a port that its scheme has anyway:
// others may write it in another way, and a rule about it holds all the same.
func usualSpelling(s string) string {
	host := HostOf(s)
	if host == "" {
		return s
	}
	scheme, rest, _ := strings.Cut(s, "://")
	path := ""
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		path = rest[i:]
	}
	return strings.ToLower(scheme) + "://" + host + path
}

func isAddress(s string) bool { return strings.Contains(s, "://") }

// HostName is a host without its port. That of an IPv6 address follows the bracket.
func HostName(host string) string {
	if i := strings.LastIndexByte(host, ':'); i > strings.LastIndexByte(host, ']') {
		return host[:i]
	}
	return host
}

// isHostName says whether s is a host as it is compared: labels of small letters, digits and inner hyphens, or
// an IP address, IPv6 in brackets. Package activitypub makes such names of what people write (ORG-7).
func isHostName(s string) bool {
	if literal, ok := strings.CutPrefix(s, "["); ok {
		ip, err := netip.ParseAddr(strings.TrimSuffix(literal, "]"))
		return err == nil && s == "["+ip.String()+"]"
	}
	if len(s) > 253 {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' ||
			strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			return false
		}
	}
	return true
}

// A Policy is all rules of a node, ready to be asked. It does not change; ask Node.Policy for it each time.
// What it says of this node's own addresses is always nothing.
type Policy struct {
	links  Links
	blocks map[string]*Rule
	allows map[string]*Rule
	unreal map[string]bool // hosts of samples
}

func newPolicy(l Links, rules []*Rule, samples []string) *Policy {
	p := &Policy{links: l, blocks: map[string]*Rule{}, allows: map[string]*Rule{}, unreal: map[string]bool{}}
	for _, iri := range samples {
		p.unreal[HostOf(iri)] = true
	}
	for _, r := range rules {
		p.of(r.Allow)[r.Target] = r
	}
	return p
}

func (p *Policy) of(allow bool) map[string]*Rule {
	if allow {
		return p.allows
	}
	return p.blocks
}

// with is the policy after some rules were taken away and then others were made.
func (p *Policy) with(set, drop []*Rule) *Policy {
	is := &Policy{links: p.links, blocks: maps.Clone(p.blocks), allows: maps.Clone(p.allows), unreal: p.unreal}
	for _, r := range drop {
		delete(is.of(r.Allow), r.Target)
	}
	for _, r := range set {
		is.of(r.Allow)[r.Target] = r
	}
	return is
}

// Rules lists the rules that hold for an address or a host, the nearest first.
func (p *Policy) Rules(s string) (rules []*Rule) {
	if len(p.blocks) == 0 || p.links.Ours(s) || s == p.links.Host() {
		return nil
	}
	for _, t := range RuleTargets(s) {
		for _, r := range []*Rule{p.blocks[t], p.allows[t]} {
			if r != nil {
				rules = append(rules, r)
			}
		}
	}
	return rules
}

// Rule gives the rule for exactly this target, nil if there is none.
func (p *Policy) Rule(target string) *Rule { return p.blocks[target] }

// AllowListed says whether the mode is the allow list: whoever is not on it is refused.
func (p *Policy) AllowListed() bool { return p.blocks[Everybody] != nil }

// Of judges an address or a host.
func (p *Policy) Of(s string) Judgement { return Judge(p.Rules(s)) }

// Refuses says whether there is no contact with an address or a host.
func (p *Policy) Refuses(s string) bool { return p.Of(s).Refused() }

// Limits says whether what comes from an address or a host is taken in and not shown publicly, not announced
// and no reason for a notice. It is false for what is refused.
func (p *Policy) Limits(s string) bool { return p.Of(s).Limited() }

// RefusesMedia says whether no pictures are taken from an address or a host, or shown. Ask it of the picture's
// address and of its owner's, for they may live on different hosts.
func (p *Policy) RefusesMedia(s string) bool { return p.Of(s).NoMedia }

// RefusesReports says whether reports from an address or a host are not wanted.
func (p *Policy) RefusesReports(s string) bool { return p.Of(s).NoReports }

// Sample says whether an address is on the host of a sample: nothing is asked of it or sent there.
func (p *Policy) Sample(address string) bool { return p.unreal[HostOf(address)] }

// settingPolicy changes with every change of the rules and of the hosts of samples, whichever process makes it.
const settingPolicy = "policy"

// heldPolicy is the policy as it was read last, and what the store was like then.
type heldPolicy struct {
	*Policy
	version string
	looked  int64
}

// Policy gives the rules as they are. Asking is cheap: the store is looked at only where this or, within a
// second, another process may have changed something, and read only where the rules have changed.
func (n *Node) Policy(ctx context.Context) (*Policy, error) {
	looked := n.ruleChanges.Load() + n.store.Generation()<<32
	held := n.held.Load()
	if held != nil && held.looked == looked {
		return held.Policy, nil
	}
	version, err := n.store.Setting(ctx, settingPolicy)
	if err != nil && !IsNotFound(err) {
		return nil, err
	}
	if held != nil && held.version == version {
		n.held.Store(&heldPolicy{held.Policy, version, looked})
		return held.Policy, nil
	}
	p, err := n.readPolicy(ctx, n.store)
	if err != nil {
		return nil, err
	}
	n.held.Store(&heldPolicy{p, version, looked})
	return p, nil
}

func (n *Node) readPolicy(ctx context.Context, r Reader) (*Policy, error) {
	rules, err := r.Rules(ctx)
	if err != nil {
		return nil, err
	}
	samples, err := r.SampleActors(ctx)
	if err != nil {
		return nil, err
	}
	return newPolicy(n.Links, rules, samples), nil
}

// refuses is what decides inside a transaction, where the rules are those of this moment: what
// Policy says may be a second old.
func (n *Node) refuses(ctx context.Context, tx Tx, iri string) (bool, error) {
	if n.Links.Ours(iri) {
		return false, nil
	}
	rules, err := tx.RulesFor(ctx, RuleTargets(iri))
	return Judge(rules).Refused(), err
}
