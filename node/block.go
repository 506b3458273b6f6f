package node

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// A RuleChange is what a change of the rules did at once.
type RuleChange struct {
	Set        int `json:"set"`        // rules made or changed
	Dropped    int `json:"dropped"`    // rules taken away
	Followers  int `json:"followers"`  // followers who were removed
	Following  int `json:"following"`  // of those whom we followed
	Deliveries int `json:"deliveries"` // letters that will not go
	Hidden     int `json:"hidden"`     // actors of whom now less is shown than before
	Shown      int `json:"shown"`      // and more
	Shares     int `json:"shares"`     // shares of ours that were taken back
}

// ChangeRules takes rules away, keeps others in place of those for the same targets, and brings everything in
// step with them, in one transaction (MOD-4): with whom is refused now there are no follows any more in either direction,
// nobody is told, what waits to be delivered to them is dropped, and what they said is hidden, not deleted; what we have
// shared of those who are refused or limited is shared no more. Where a refusal ends what they said is seen again; follows do not come back. by names who did it. Errors: Invalid.
func (n *Node) ChangeRules(ctx context.Context, by string, set, drop []*Rule) (*RuleChange, error) {
	done, err := n.changeRules(ctx, by, set, drop, nil)
	n.ruleChanges.Add(1)
	n.changed(err)
	if err != nil {
		return nil, err
	}
	n.opt.Log.InfoContext(ctx, "rules changed", "set", done.Set, "dropped", done.Dropped, "targets", targetsOf(set, drop), "by", by) // LOG-2
	return done, nil
}

// maxLogged is how many targets of one change a log line names; a list may have 100,000.
const maxLogged = 20

// targetsOf names whom a change of rules is about.
func targetsOf(set, drop []*Rule) string {
	var targets []string
	for _, r := range slices.Concat(set, drop) {
		targets = append(targets, r.Target)
	}
	if len(targets) > maxLogged {
		targets = append(targets[:maxLogged], "...")
	}
	return strings.Join(targets, " ")
}

// TryRules says what ChangeRules would do, and changes nothing. Errors as ChangeRules.
func (n *Node) TryRules(ctx context.Context, set, drop []*Rule) (*RuleChange, error) {
	done, err := n.changeRules(ctx, "", set, drop, errOnlyTried)
	if errors.Is(err, errOnlyTried) {
		err = nil
	}
	return done, err
}

var errOnlyTried = errors.New("only tried")

// changeRules ends its transaction with last, which takes everything back unless it is nil.
func (n *Node) changeRules(ctx context.Context, by string, set, drop []*Rule, last error) (*RuleChange, error) {
	for _, r := range set {
		if err := r.Validate(); err != nil {
			return nil, err
		}
		if !r.Allow && n.coversUs(r) {
			return nil, wrong("change rules", "rule.self", "A rule for %s would be about this node itself, %s.", r.Target, n.Links.Host())
		}
	}
	now, version := n.Now(), NewID()
	var done *RuleChange
	err := n.store.Tx(ctx, func(tx Tx) error {
		done = &RuleChange{}
		was, err := n.readPolicy(ctx, tx)
		if err != nil {
			return err
		}
		if err := saveRules(ctx, tx, was, by, now, set, drop, done); err != nil || done.Set+done.Dropped == 0 {
			return cmp.Or(err, last)
		}
		if err := tx.SetSetting(ctx, settingPolicy, version); err != nil {
			return err
		}
		if err := n.note(ctx, tx, by, "rules.change", targetsOf(set, drop), fmt.Sprintf("set %d, dropped %d", done.Set, done.Dropped), now); err != nil { // AUTHZ-2
			return err
		}
		return cmp.Or(n.enforce(ctx, tx, by, now, was, was.with(set, drop), done), last)
	})
	return done, err
}

// coversUs says whether a rule would be about this node.
func (n *Node) coversUs(r *Rule) bool {
	return r.Target != Everybody && slices.Contains(RuleTargets(n.Links.Actor()), r.Target) || n.Links.Ours(r.Target)
}

// saveRules writes what differs from what is there.
func saveRules(ctx context.Context, tx Tx, was *Policy, by string, now time.Time, set, drop []*Rule, done *RuleChange) error {
	for _, r := range drop {
		if was.of(r.Allow)[r.Target] == nil {
			continue
		}
		done.Dropped++
		if err := tx.DropRule(ctx, r.Target, r.Allow); err != nil {
			return err
		}
	}
	for _, r := range set {
		fresh := *r
		fresh.By, fresh.Since = by, now
		if old := was.of(r.Allow)[r.Target]; old != nil && !slices.ContainsFunc(drop, func(d *Rule) bool { return d.Target == r.Target && d.Allow == r.Allow }) {
			fresh.By, fresh.Since = old.By, old.Since
			if fresh == *old {
				continue
			}
			fresh.By = by
		}
		done.Set++
		if err := tx.SaveRule(ctx, &fresh); err != nil {
			return err
		}
	}
	return nil
}

// enforce brings what is stored in step with the rules, where they judge otherwise than before.
func (n *Node) enforce(ctx context.Context, tx Tx, by string, at time.Time, was, is *Policy, done *RuleChange) error {
	actors, err := tx.KnownActors(ctx)
	if err != nil {
		return err
	}
	for _, iri := range actors {
		before, now := was.Of(iri), is.Of(iri)
		switch {
		case now.Severity.Stricter(before.Severity):
			done.Hidden++
		case before.Severity.Stricter(now.Severity):
			done.Shown++
		default:
			continue
		}
		if err := tx.JudgeActor(ctx, iri, now.Severity); err != nil {
			return err
		}
		if now.Refused() || now.Limited() { // MOD-1, MOD-3
			count, err := n.unshareAll(ctx, tx, by, iri, at)
			if done.Shares += count; err != nil {
				return err
			}
		}
		if now.Refused() {
			if err := n.breakOff(ctx, tx, iri, done); err != nil {
				return err
			}
		}
	}
	peers, err := tx.Peers(ctx, maxPeers)
	if err != nil {
		return err
	}
	for _, p := range peers {
		if !is.Refuses(p.Host) {
			continue
		}
		dropped, err := tx.DropDeliveries(ctx, DeliveryQuery{Host: p.Host})
		if err != nil {
			return err
		}
		done.Deliveries += dropped
	}
	return nil
}

// maxPeers is more than a node writes to.
const maxPeers = 100_000

// breakOff ends all contact with an actor without a word to it: follows in both directions, that it hears of changes,
// and letters to its own inbox. What goes to an inbox that it shares with others goes on.
func (n *Node) breakOff(ctx context.Context, tx Tx, iri string, done *RuleChange) error {
	if _, err := tx.Follower(ctx, iri); err == nil {
		done.Followers++
	} else if !IsNotFound(err) {
		return err
	}
	if _, err := tx.Followed(ctx, iri); err == nil {
		done.Following++
	} else if !IsNotFound(err) {
		return err
	}
	if err := tx.Part(ctx, iri); err != nil {
		return err
	}
	a, err := tx.Actor(ctx, iri)
	if IsNotFound(err) || err == nil && (a.Inbox == "" || a.Inbox == a.SharedInbox) {
		return nil
	} else if err != nil {
		return err
	}
	dropped, err := tx.DropDeliveries(ctx, DeliveryQuery{Host: HostOf(a.Inbox), Inbox: a.Inbox})
	done.Deliveries += dropped
	return err
}

// Rules lists all rules, those for hosts and actors by target and then the allow list.
func (n *Node) Rules(ctx context.Context) ([]*Rule, error) { return n.store.Rules(ctx) }

// MergeRules puts rules from elsewhere together with those that are here: the stricter of each wins, and our own
// comments stand; with replace, the rule from elsewhere stands alone. It returns those that change something.
func (n *Node) MergeRules(ctx context.Context, rules []*Rule, replace bool) ([]*Rule, error) {
	p, err := n.Policy(ctx)
	if err != nil {
		return nil, err
	}
	fresh := map[string]Rule{}
	var order []string
	for _, r := range rules {
		merged, seen := fresh[r.Target]
		if !seen {
			order = append(order, r.Target)
		}
		switch old := p.Rule(r.Target); {
		case seen: // twice in one list
			merged = merged.and(r)
		case old != nil && !replace:
			merged = old.and(r)
		default:
			merged = *r
		}
		fresh[r.Target] = merged
	}
	var changed []*Rule
	for _, target := range order {
		r := fresh[target]
		if old := p.Rule(target); old != nil {
			r.By, r.Since = old.By, old.Since
			if r == *old {
				continue
			}
		}
		changed = append(changed, &r)
	}
	return changed, nil
}

// Purge deletes for good what is kept of those whom a rule for this host or actor refuses: what they published, liked and
// announced, and they themselves. It returns how many actors and objects went. It may be interrupted and run
// again. Errors: Invalid where no rule refuses the target.
func (n *Node) Purge(ctx context.Context, by, target string) (actors, objects int, err error) {
	p, err := n.Policy(ctx)
	if err != nil {
		return 0, 0, err
	}
	if r := p.Rule(target); r == nil || r.Severity != SeverityReject {
		return 0, 0, invalid("purge", fmt.Sprintf("There is no rule that rejects %s. Only what is rejected can be purged: coopnode block add %s", target, target))
	}
	known, err := n.store.KnownActors(ctx)
	if err != nil {
		return 0, 0, err
	}
	if err := n.Note(ctx, by, "rules.purge", target, ""); err != nil {
		return 0, 0, err
	}
	now := n.Now()
	for _, iri := range known {
		if !slices.Contains(RuleTargets(iri), target) || n.Links.Ours(iri) {
			continue
		}
		gone := 0
		err := n.store.Tx(ctx, func(tx Tx) error {
			gone = 0
			if refused, err := n.refuses(ctx, tx, iri); err != nil || !refused {
				return err
			}
			var err error
			if gone, err = tx.PurgeActor(ctx, iri); err != nil {
				return err
			}
			return n.leaveNothing(ctx, tx, now)
		})
		n.changed(err)
		if err != nil {
			return actors, objects, err
		}
		actors, objects = actors+1, objects+gone
	}
	n.opt.Log.InfoContext(ctx, "content purged", "target", target, "actors", actors, "objects", objects, "by", by)
	return actors, objects, nil
}

// onBlock ends the contact with an actor who wants none with us: it follows us no more, and we do not follow it.
// Nobody is told (interop.md 3.6). An Undo of it brings nothing back.
func (n *Node) onBlock(ctx context.Context, tx Tx, a, _ *Act, _ time.Time) error {
	if a.ObjectIRI != n.Links.Actor() {
		return nil
	}
	return n.breakOff(ctx, tx, a.Actor, &RuleChange{})
}

// blockedHere is the error of asking for contact with somebody whom a rule refuses.
func blockedHere(op, iri string) error {
	return (&Error{Op: op, Kind: Forbidden, Subject: iri}).Saying("rule.refuses", "A rule of this node refuses %[1]s. See: coopnode block show %[1]s", iri)
}
