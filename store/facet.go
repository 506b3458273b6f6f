package store

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
)

// A facet is a value by which things are chosen: its sort, one letter, and the value in lower case without spaces.
type facet string

// The sorts of facets.
const (
	byKind       = "k" // of SearchKinds and OpeningKinds
	bySkill      = "s" // key
	byLanguage   = "l"
	byCountry    = "c"
	byOwnership  = "w"
	byCustomer   = "u"
	byFederation = "m" // a hash of its address
	byState      = "t"
	byConsent    = "y" // of an author: its posts may be found
)

// The states.
const (
	stateLive = "live" // all but openings that cannot be answered any more
	stateOpen = "open" // openings that can be answered
	stateOver = "over" // openings that cannot
)

// What is longer than this many bytes is no key of anything, and nothing has more facets of one sort.
const (
	longestFacet = 100
	mostFacets   = 100
)

// word is a facet in the index. No word of a text begins so.
func (f facet) word() string {
	return "_" + string(f[:1]) + strings.ReplaceAll(fold(string(f[1:])), " ", "_")
}

// facets is a set of them.
type facets []facet

// chosen is one facet, for those who look for it.
func chosen(sort, value string) facet {
	return facet(sort + strings.ToLower(strings.Join(strings.Fields(value), "-")))
}

// federation is how the address of a federation stands in a facet.
func federation(iri string) string {
	sum := sha256.Sum256([]byte(iri))
	return hex.EncodeToString(sum[:8])
}

func (l *facets) add(sort string, values ...string) {
	for _, v := range values[:min(len(values), mostFacets)] {
		if f := chosen(sort, v); len(f) > 1 && len(f) <= longestFacet && !slices.Contains(*l, f) {
			*l = append(*l, f)
		}
	}
}

// addParts adds tags that may have parts, es-ga or pt-BR, and what they are parts of.
func (l *facets) addParts(sort string, tags ...string) {
	for _, t := range tags[:min(len(tags), mostFacets)] {
		whole, _, parted := strings.Cut(t, "-")
		l.add(sort, whole)
		if parted {
			l.add(sort, t)
		}
	}
}

// of are those of one sort.
func (l facets) of(sort string) (some facets) {
	for _, f := range l {
		if string(f[:1]) == sort {
			some = append(some, f)
		}
	}
	return some
}

// without are those of l that are not in other.
func (l facets) without(other facets) (some facets) {
	for _, f := range l {
		if !slices.Contains(other, f) {
			some = append(some, f)
		}
	}
	return some
}

// text is a set as it is kept, words as it is indexed.
func (l facets) text() string {
	sorted := make([]string, len(l))
	for i, f := range l {
		sorted[i] = string(f)
	}
	slices.Sort(sorted)
	return strings.Join(sorted, " ")
}

func (l facets) words() string {
	words := make([]string, len(l))
	for i, f := range l {
		words[i] = f.word()
	}
	slices.Sort(words)
	return strings.Join(words, " ")
}

func readFacets(s string) (l facets) {
	for f := range strings.FieldsSeq(s) {
		l = append(l, facet(f))
	}
	return l
}
