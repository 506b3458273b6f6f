package node_test

import (
	"context"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/coopnode/coopnode/node"
	"github.com/coopnode/coopnode/store/storetest"
)

// MOD-2: a rule covers subdomains, by whole labels.
func TestRuleTargets(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		of, want string
	}{
		{"x.test", "x.test test *"},
		{"notx.test", "notx.test test *"},
		{"a.b.x.test:8443", "a.b.x.test b.x.test x.test test *"},
		{"https://A.x.test:8443/users/Ana", "https://a.x.test:8443/users/Ana a.x.test x.test test *"},
		{"HTTPS://x.test:443/users/ana#main-key", "https://x.test/users/ana#main-key https://x.test/users/ana x.test test *"},
		{"http://x.test:80?u=Ana:443", "http://x.test?u=Ana:443 x.test test *"},
		{"https://x.test:80/", "https://x.test:80/ x.test test *"},
		{"https://[::1]:443", "https://[::1] [::1] *"},
		{"https://x.test/users/ana#main-key", "https://x.test/users/ana#main-key https://x.test/users/ana x.test test *"},
		{"http://[::1]:8080/u", "http://[::1]:8080/u [::1] *"},
		{"https://", "https:// *"},
		{"", "*"},
	} {
		equal(t, "targets of "+tt.of, strings.Join(node.RuleTargets(tt.of), " "), tt.want)
	}
}

// MOD-1: the strictest of all rules that hold; a block beats an allow.
func TestJudge(t *testing.T) {
	t.Parallel()
	rule := func(s node.Severity) *node.Rule { return &node.Rule{Target: "x.test", Severity: s} }
	closed, allow := &node.Rule{Target: node.Everybody, Severity: node.SeverityReject}, &node.Rule{Target: "x.test", Allow: true}
	for _, tt := range []struct {
		name  string
		rules []*node.Rule
		want  node.Judgement
	}{
		{"no rule", nil, node.Judgement{}},
		{"limit", []*node.Rule{rule(node.SeverityLimit)}, node.Judgement{Severity: node.SeverityLimit}},
		{"the strictest counts", []*node.Rule{rule(node.SeverityLimit), rule(node.SeverityReject), rule(node.SeverityLimit)},
			node.Judgement{Severity: node.SeverityReject, NoMedia: true, NoReports: true}},
		{"each flag by itself", []*node.Rule{{Target: "x.test", Severity: node.SeverityNone, RejectMedia: true}, {Target: "test", Severity: node.SeverityLimit, RejectReports: true}},
			node.Judgement{Severity: node.SeverityLimit, NoMedia: true, NoReports: true}},
		{"none says nothing of contact", []*node.Rule{{Target: "x.test", Severity: node.SeverityNone, RejectMedia: true}}, node.Judgement{NoMedia: true}},
		{"not on the list", []*node.Rule{closed}, node.Judgement{Severity: node.SeverityReject, NoMedia: true, NoReports: true}},
		{"on the list", []*node.Rule{closed, allow}, node.Judgement{}},
		{"on the list and limited", []*node.Rule{closed, allow, rule(node.SeverityLimit)}, node.Judgement{Severity: node.SeverityLimit}},
		{"a block beats an allow", []*node.Rule{closed, allow, rule(node.SeverityReject)}, node.Judgement{Severity: node.SeverityReject, NoMedia: true, NoReports: true}},
		{"the list is off", []*node.Rule{allow}, node.Judgement{}},
	} {
		equal(t, tt.name, node.Judge(tt.rules), tt.want)
	}
}

func TestRuleValidate(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		rule node.Rule
		says string // "" where the rule is good
	}{
		{node.Rule{Target: "x.test", Severity: node.SeverityReject}, ""},
		{node.Rule{Target: "xn--bcher-kva.example", Severity: node.SeverityNone, RejectMedia: true}, ""},
		{node.Rule{Target: "192.0.2.1", Severity: node.SeverityLimit}, ""},
		{node.Rule{Target: "[2001:db8::1]", Severity: node.SeverityLimit}, ""},
		{node.Rule{Target: "https://x.test/users/ana", Severity: node.SeverityLimit}, ""},
		{node.Rule{Target: node.Everybody, Severity: node.SeverityReject}, ""},
		{node.Rule{Target: "x.test", Allow: true}, ""},

		{node.Rule{Target: "X.test", Severity: node.SeverityReject}, "is not a host"},
		{node.Rule{Target: "x.test.", Severity: node.SeverityReject}, "is not a host"},
		{node.Rule{Target: "x..test", Severity: node.SeverityReject}, "is not a host"},
		{node.Rule{Target: "-x.test", Severity: node.SeverityReject}, "is not a host"},
		{node.Rule{Target: "bücher.example", Severity: node.SeverityReject}, "is not a host"},
		{node.Rule{Target: "x.test:8443", Severity: node.SeverityReject}, "is not a host"},
		{node.Rule{Target: "[2001:DB8::1]", Severity: node.SeverityReject}, "is not a host"},
		{node.Rule{Target: "", Severity: node.SeverityReject}, "is not a host"},
		{node.Rule{Target: strings.Repeat("a.", 127) + "example", Severity: node.SeverityReject}, "is not a host"},
		{node.Rule{Target: "https://", Severity: node.SeverityReject}, "is not the address"},
		{node.Rule{Target: "https://x.test/" + strings.Repeat("a", 2048), Severity: node.SeverityReject}, "is not the address"},
		{node.Rule{Target: "https://x.test:443/users/ana", Severity: node.SeverityReject}, "as https://x.test/users/ana, not as"},
		{node.Rule{Target: node.Everybody, Severity: node.SeverityLimit}, "is not a host"},
		{node.Rule{Target: "https://x.test/users/ana", Allow: true}, "allow list holds hosts"},
		{node.Rule{Target: node.Everybody, Allow: true}, "allow list holds hosts"},
		{node.Rule{Target: "x.test", Severity: "loud"}, "none, limit, reject"},
		{node.Rule{Target: "x.test", Severity: node.SeverityNone}, "says nothing"},
		{node.Rule{Target: "x.test", Severity: node.SeverityReject, Comment: strings.Repeat("é", 1001)}, "1,000 characters"},
	} {
		err := tt.rule.Validate()
		if tt.says == "" {
			equal(t, "rule for "+tt.rule.Target, err, nil)
		} else {
			wantError(t, err, node.Invalid, tt.says)
		}
	}
}

// Whoever asks gets the rules as they are, of this process at once, of another when the store says that something
// changed; and letters do not make them be read again.
func TestPolicyIsHeld(t *testing.T) {
	t.Parallel()
	s := &readingStore{Store: storetest.Open(t)}
	x := houseOn(t, s)
	refuses := func() bool {
		t.Helper()
		p, err := x.Policy(t.Context())
		x.must(err)
		return p.Refuses("https://x.test/u")
	}
	equal(t, "before", refuses(), false)
	x.rules(reject("x.test"))
	equal(t, "after", refuses(), true)

	s.reads.Store(0)
	ana := x.following("sea.example", "ana")
	for _, id := range []string{"a", "b", "c"} {
		x.receive(create(note(ana, id, "<p>hello</p>")))
		equal(t, "while letters come", refuses(), true)
	}
	s.generation.Add(1) // another process wrote something else
	equal(t, "after another's change", refuses(), true)
	equal(t, "reads of the rules", s.reads.Load(), 0)

	other, err := node.New(t.Context(), s.Store, func(node.Links) node.Encoder { return x.enc }, node.Options{})
	x.must(err)
	_, err = other.ChangeRules(t.Context(), "bea", nil, []*node.Rule{reject("x.test")})
	x.must(err)
	equal(t, "until it is noticed", refuses(), true)
	s.generation.Add(1)
	equal(t, "once it is noticed", refuses(), false)
}

// readingStore counts how often the rules are read, and lets a test say that another process wrote.
type readingStore struct {
	node.Store
	reads, generation atomic.Int64
}

func (s *readingStore) Generation() int64 { return s.generation.Load() }

func (s *readingStore) Rules(ctx context.Context) ([]*node.Rule, error) {
	s.reads.Add(1)
	return s.Store.Rules(ctx)
}

// The own node is never the object of a rule.
func TestNoRuleForOurselves(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	for _, target := range []string{"mill.example", "example", base + "/ap/coop", base + "/ap/posts/aaaaaaaaaa"} {
		_, err := x.ChangeRules(t.Context(), "ana", []*node.Rule{reject(target)}, nil)
		wantError(t, err, node.Invalid, "about this node itself")
	}
	x.rules(reject("a.mill.example"), &node.Rule{Target: node.Everybody, Severity: node.SeverityReject})
	p, err := x.Policy(t.Context())
	x.must(err)
	equal(t, "refused", []bool{p.Refuses(base + "/ap/coop"), p.Refuses("mill.example"), p.Refuses("b.mill.example")}, []bool{false, false, true})
}

func TestMergeRules(t *testing.T) {
	t.Parallel()
	x := newHouse(t)
	kept := &node.Rule{Target: "a.test", Severity: node.SeverityReject, Comment: "ours", PublicComment: "our reason"}
	x.rules(kept, &node.Rule{Target: "b.test", Severity: node.SeverityLimit})
	list := []*node.Rule{
		{Target: "a.test", Severity: node.SeverityLimit, RejectMedia: true, PublicComment: "theirs"},
		{Target: "b.test", Severity: node.SeverityLimit},
		{Target: "c.test", Severity: node.SeverityLimit, PublicComment: "first"},
		{Target: "c.test", Severity: node.SeverityReject, PublicComment: "second"},
	}
	short := func(rules []*node.Rule) (s []string) {
		for _, r := range rules {
			s = append(s, strings.Join([]string{r.Target, string(r.Severity), r.Comment, r.PublicComment}, " "))
			if r.RejectMedia {
				s[len(s)-1] += " nomedia"
			}
		}
		return s
	}
	merged, err := x.MergeRules(t.Context(), list, false)
	x.must(err)
	equal(t, "merged", short(merged), []string{"a.test reject ours our reason nomedia", "c.test reject  first"})
	replaced, err := x.MergeRules(t.Context(), list, true)
	x.must(err)
	equal(t, "replaced", short(replaced), []string{"a.test limit  theirs nomedia", "c.test reject  first"})

	x.rules(merged...)
	again, err := x.MergeRules(t.Context(), list, false)
	x.must(err)
	equal(t, "merged again", short(again), nil)
	all, err := x.Rules(t.Context())
	x.must(err)
	i := slices.IndexFunc(all, func(r *node.Rule) bool { return r.Target == "a.test" })
	equal(t, "who and when", []any{all[i].By, all[i].Since}, []any{"ana", x.Now().Truncate(1e6)})
}
