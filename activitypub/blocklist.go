package activitypub

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/net/publicsuffix"

	"github.com/coopnode/coopnode/node"
)

// Lists of blocked hosts travel as the CSV that Mastodon writes and reads (MOD-5). Rules for actors have no place in it.

// Bounds of a list.
const (
	maxListRows  = 100_000
	maxListBytes = 32 << 20
)

// listColumns are those of Mastodon, in its order; lists without a heading have as many of them as they like.
var listColumns = []string{"domain", "severity", "reject_media", "reject_reports", "public_comment", "obfuscate"}

// listSeverities are ours in Mastodon's words.
var listSeverities = map[string]node.Severity{
	"suspend": node.SeverityReject, "silence": node.SeverityLimit, "noop": node.SeverityNone,
}

// NormalHost gives a host name as rules hold it: A-labels, lower case (ORG-7). Nothing is stripped, a port neither.
// The error is a *RefusedError.
func NormalHost(s string) (string, error) {
	a, err := splitAddress("https://" + s)
	if err != nil {
		return "", err
	}
	if a.rest != "" || a.port != "" {
		return "", refuse(s, "it is more than a host")
	}
	return a.host, nil
}

// PublicSuffix says whether a host is a name under which anybody can have one, like com or co.uk; official, whether
// that is a registry of the internet rather than a company that gives names to its customers.
func PublicSuffix(host string) (is, official bool) {
	suffix, icann := publicsuffix.PublicSuffix(host)
	return suffix == host, icann || !strings.Contains(host, ".")
}

// HostIn reads a host in what people write: alone, with a port, which does not count, or as the web address of its front
// page.
func HostIn(address string) (host string, ok bool) {
	if !strings.Contains(address, "://") {
		address = "https://" + address
	}
	peer := HostOf(address) // "" for what is no address
	_, rest, _ := strings.Cut(address, "://")
	if peer == "" || strings.ContainsAny(strings.TrimSuffix(rest, "/"), "/?#") {
		return "", false
	}
	return node.RuleTargets(peer)[0], true
}

// ReadBlockList reads a list for the node whose own host name is given. Rows that make no rule are skipped and told:
// names that were made unreadable, public suffixes, the own domain and what is malformed. The list as a
// whole is Invalid if it has more than 100,000 rows or 32 MiB, or a quote that is not closed.
func ReadBlockList(r io.Reader, own string) (*node.BlockList, error) {
	limited := &io.LimitedReader{R: r, N: maxListBytes + 1}
	b := bufio.NewReader(limited)
	if mark, err := b.Peek(3); err == nil && string(mark) == "\xef\xbb\xbf" {
		b.Discard(len(mark))
	}
	c := csv.NewReader(b)
	c.FieldsPerRecord, c.ReuseRecord = -1, true
	list := &blockList{}
	columns := listColumns
	for rows := 0; ; rows++ {
		row, err := c.Read()
		var bad *csv.ParseError
		switch {
		case err == io.EOF && limited.N > 0:
			return &list.BlockList, nil
		case limited.N <= 0 || rows > maxListRows: // the heading is not counted
			return nil, badList("The list is too long: at most 100,000 rows and 32 MiB are read. Nothing was taken over.")
		case errors.As(err, &bad):
			if bad.StartLine < bad.Line {
				return nil, badList(fmt.Sprintf("The quoted text that begins on line %d of the list is not closed as it should be. Nothing was taken over.", bad.StartLine))
			}
			list.skip(bad.Line, "", "it is no line of CSV")
			continue
		case err != nil:
			return nil, fmt.Errorf("read list: %w", err)
		}
		if rows == 0 {
			var names []string
			for _, cell := range row {
				names = append(names, columnName(cell))
			}
			if slices.Contains(names, "domain") {
				columns = names
				continue
			}
		}
		line, _ := c.FieldPos(0)
		list.read(line, columns, row, own)
	}
}

func badList(text string) error { return &node.Error{Op: "read list", Kind: node.Invalid, Text: text} }

func columnName(cell string) string {
	return strings.TrimPrefix(strings.ToLower(strings.TrimSpace(cell)), "#")
}

// blockList is a list while it is read.
type blockList struct{ node.BlockList }

// read makes a rule of one row.
func (list *blockList) read(line int, columns, row []string, own string) {
	cell := func(name string) string {
		if i := slices.Index(columns, name); i >= 0 && i < len(row) {
			return strings.TrimSpace(row[i])
		}
		return ""
	}
	domain := cell("domain")
	skip := func(why string) { list.skip(line, domain, why) }
	if strings.Contains(domain, "*") {
		skip("its name was made unreadable")
		return
	}
	host, err := NormalHost(domain)
	if err != nil {
		skip("it is no host name")
		return
	}
	severity := cell("severity")
	r := &node.Rule{
		Target: host, Severity: node.SeverityReject, RejectMedia: isTrue(cell("reject_media")), RejectReports: isTrue(cell("reject_reports")),
		PublicComment: cutText(node.BareCell(plainLine(cell("public_comment"))), 1000),
	}
	if severity != "" { // without one Mastodon suspends
		var known bool
		if r.Severity, known = listSeverities[strings.ToLower(severity)]; !known {
			skip(fmt.Sprintf("severity %q is not known", cut(severity, 64)))
			return
		}
	}
	suffix, _ := PublicSuffix(host)
	switch {
	case slices.Contains(node.RuleTargets(own), host):
		skip("it would be about this node itself")
	case suffix:
		skip("everybody can have a name under it")
	case r.Severity == node.SeverityNone && !r.RejectMedia && !r.RejectReports:
		skip("it asks for nothing")
	default:
		list.Rules = append(list.Rules, r)
	}
}

func (list *blockList) skip(line int, domain, why string) {
	list.Skipped = append(list.Skipped, node.SkippedRow{Line: line, Domain: cut(plainLine(domain), 256), Why: why})
}

func isTrue(cell string) bool {
	return slices.Contains([]string{"true", "t", "yes", "1"}, strings.ToLower(cell))
}

// plainLine is a text as one line without control characters.
func plainLine(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t' || r == '\r':
			return ' '
		case unicode.IsControl(r) || r == unicode.ReplacementChar:
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "")))
}

// WriteBlockList writes the rules for hosts. Comments that are for us alone are not in it.
func WriteBlockList(w io.Writer, rules []*node.Rule) error {
	c := csv.NewWriter(w)
	heading := make([]string, len(listColumns))
	for i, name := range listColumns {
		heading[i] = "#" + name
	}
	if err := c.Write(heading); err != nil {
		return err
	}
	for _, r := range rules {
		if !r.OfHost() || r.Allow {
			continue
		}
		severity := ""
		for word, s := range listSeverities {
			if s == r.Severity {
				severity = word
			}
		}
		row := []string{r.Target, severity, strconv.FormatBool(r.RejectMedia), strconv.FormatBool(r.RejectReports), node.GuardedCell(r.PublicComment), "false"}
		if err := c.Write(row); err != nil {
			return err
		}
	}
	c.Flush()
	return c.Error()
}
