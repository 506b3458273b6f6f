package activitypub

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/coopnode/coopnode/node"
)

const ownActor = "https://social.coop.example/ap/coop"

func readList(t testing.TB, text string) *node.BlockList {
	t.Helper()
	list, err := ReadBlockList(strings.NewReader(text), ownActor)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// ruleLine is a rule in one line.
func ruleLine(r *node.Rule) string {
	return fmt.Sprint(r.Target, " ", r.Severity, " ", r.RejectMedia, " ", r.RejectReports, " ", r.PublicComment)
}

// MOD-5: what Mastodon writes is read, what makes no rule is skipped and told.
func TestReadBlockList(t *testing.T) {
	t.Parallel()
	const heading = "#domain,#severity,#reject_media,#reject_reports,#public_comment,#obfuscate\n"
	for _, tt := range []struct {
		name, text string
		want       []string // rules, and skipped lines with their reasons
	}{
		{"as Mastodon writes it", heading + "x.test,suspend,true,false,\"a, b\",false\ny.test,silence,false,true,,true\nz.test,noop,true,false,,\n",
			[]string{"x.test reject true false a, b", "y.test limit false true ", "z.test none true false "}},
		{"in another order", "severity,comment,Domain\nsilence,ours,x.test\n", []string{"x.test limit false false "}},
		{"with the name first", "domain,note,severity\nx.test,ours,silence\n", []string{"x.test limit false false "}},
		{"names alone", "x.test\ny.test\n", []string{"x.test reject false false ", "y.test reject false false "}},
		{"without a heading", "x.test,silence,TRUE\n", []string{"x.test limit true false "}},
		{"a mark at the beginning, Windows lines", "\ufeff#domain,#severity\r\nx.test,SUSPEND\r\n", []string{"x.test reject false false "}},
		{"capitals and other scripts", heading + "X.Test,suspend,,,,\nbücher.example,suspend,,,,\n", []string{"x.test reject false false ", "xn--bcher-kva.example reject false false "}},
		{"stars", heading + "s***.test,suspend,,,,\n*.test,suspend,,,,\n", []string{"2 its name was made unreadable", "3 its name was made unreadable"}},
		{"public suffixes", heading + "com,suspend,,,,\nco.uk,suspend,,,,\ngithub.io,suspend,,,,\ntest,suspend,,,,\nx.github.io,suspend,,,,\n",
			[]string{"x.github.io reject false false ", "2 everybody can have a name under it", "3 everybody can have a name under it", "4 everybody can have a name under it", "5 everybody can have a name under it"}},
		{"the own domain", heading + "social.coop.example,suspend,,,,\ncoop.example,suspend,,,,\nother.coop.example,suspend,,,,\n",
			[]string{"other.coop.example reject false false ", "2 it would be about this node itself", "3 it would be about this node itself"}},
		{"malformed", heading + "x.test.,suspend,,,,\nhttps://x.test/,suspend,,,,\nx.test:8443,suspend,,,,\n,suspend\nx.test,loudly\nx.test,noop,false,false\n\"x\"y,suspend\nok.test,suspend\n",
			[]string{"ok.test reject false false ", "2 it is no host name", "3 it is no host name", "4 it is no host name", "5 it is no host name", `6 severity "loudly" is not known`, "7 it asks for nothing", "8 it is no line of CSV"}},
		{"a guarded comment", heading + "x.test,suspend,,,'=1+1,\ny.test,suspend,,,'tis,\n", []string{"x.test reject false false =1+1", "y.test reject false false 'tis"}},
		{"a comment of many lines", heading + "x.test,suspend,,,\"a\nb\x00\x1b[31m\",\ny.test,suspend\n", []string{"x.test reject false false a b[31m", "y.test reject false false "}},
		{"nothing", "", nil},
	} {
		list := readList(t, tt.text)
		var got []string
		for _, r := range list.Rules {
			got = append(got, ruleLine(r))
			if err := r.Validate(); err != nil {
				t.Errorf("%s: %v", tt.name, err)
			}
		}
		for _, s := range list.Skipped {
			got = append(got, fmt.Sprint(s.Line, " ", s.Why))
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s:\n got %q\nwant %q", tt.name, got, tt.want)
		}
	}
}

// MOD-5: a list that is too long or broken is refused as a whole.
func TestBlockListRefused(t *testing.T) {
	t.Parallel()
	rows := func(n int) string { return "#domain\n" + strings.Repeat("x.test\n", n) }
	if list := readList(t, rows(maxListRows)); len(list.Rules) != maxListRows {
		t.Errorf("%d rules, want %d", len(list.Rules), maxListRows)
	}
	for name, text := range map[string]string{
		"a row too many": rows(maxListRows + 1),
		"too long":       "#domain,#comment\nx.test," + strings.Repeat("a", maxListBytes) + "\n",
		"an open quote":  "#domain\nx.test\n\"y.test,suspend\nz.test,suspend\n",
	} {
		_, err := ReadBlockList(strings.NewReader(text), ownActor)
		if node.KindOf(err) != node.Invalid || !strings.Contains(node.TextOf(err), "Nothing was taken over") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// WEB-3: a spreadsheet that opens the list runs none of it; and nothing goes out that is ours alone.
func TestWriteBlockList(t *testing.T) {
	t.Parallel()
	rules := []*node.Rule{
		{Target: "https://x.test/users/eve", Severity: node.SeverityReject, PublicComment: "a person"},
		{Target: "allowed.test", Allow: true},
		{Target: node.Everybody, Severity: node.SeverityReject},
	}
	for i, start := range []string{"=", "+", "-", "@", "\t", "\r"} {
		rules = append(rules, &node.Rule{Target: fmt.Sprint("x", i, ".test"), Severity: node.SeverityLimit, Comment: "for us", PublicComment: start + "1"})
	}
	var b bytes.Buffer
	if err := WriteBlockList(&b, rules); err != nil {
		t.Fatal(err)
	}
	want := "#domain,#severity,#reject_media,#reject_reports,#public_comment,#obfuscate\n" +
		"x0.test,silence,false,false,'=1,false\nx1.test,silence,false,false,'+1,false\nx2.test,silence,false,false,'-1,false\n" +
		"x3.test,silence,false,false,'@1,false\nx4.test,silence,false,false,'\t1,false\nx5.test,silence,false,false,\"'\r1\",false\n"
	if b.String() != want {
		t.Errorf("got  %q\nwant %q", b.String(), want)
	}
}

// Whatever is read as a rule is a good one, and comes back the same when the list is written and read again.
func FuzzBlockList(f *testing.F) {
	f.Add("#domain,#severity,#reject_media,#reject_reports,#public_comment,#obfuscate\nx.test,suspend,true,false,\"a, b\",false\n")
	f.Add("x.test,noop,1,,'=1\n*.y.test\ncom\n")
	f.Add("\ufeffdomain,severity,severity\r\nB\u00fccher.example,silence,suspend\r\n\"a\"b\n")
	f.Add("#public_comment,#domain\n''=x,x.test\n")
	f.Fuzz(func(t *testing.T, text string) {
		list, err := ReadBlockList(strings.NewReader(text), ownActor)
		if err != nil {
			if node.KindOf(err) != node.Invalid {
				t.Fatalf("an error that nobody can read: %v", err)
			}
			return
		}
		for _, r := range list.Rules {
			if err := r.Validate(); err != nil {
				t.Fatalf("%s: %v", ruleLine(r), err)
			}
			if slices.Contains(node.RuleTargets(ownActor), r.Target) {
				t.Fatalf("a rule for this node itself: %s", ruleLine(r))
			}
		}
		var b bytes.Buffer
		if err := WriteBlockList(&b, list.Rules); err != nil {
			t.Fatal(err)
		}
		again := readList(t, b.String())
		if len(again.Skipped) > 0 || !slices.EqualFunc(again.Rules, list.Rules, func(a, b *node.Rule) bool { return *a == *b }) {
			t.Fatalf("written and read again it is another list:\n%s", b.String())
		}
	})
}
