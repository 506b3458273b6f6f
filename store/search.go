package store

import (
	"context"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/coopnode/coopnode/node"
)

const (
	// An opening that has passed its deadline may still stand in the index as open for a moment.
	notLate   = ` and (d.closes_ms = 0 or d.closes_ms > $2)`
	topFacets = `
		select value, coops from search_facet
		 where sort = $1 and value not like $2
		 order by coops desc
		 limit $3`
)

// rankedAmong is how many of the newest matches are put in order of how well they fit: to rank all costs too much.
const rankedAmong = 1000

// Search finds what q asks for, the newest first or what fits best, and the cursor of the next page.
func (q questions) Search(ctx context.Context, query node.SearchQuery) (list []node.Hit, next string, err error) {
	const op = "search"
	match, ok := searchText(query)
	if !ok {
		return nil, "", nil
	}
	at := ms(query.At)
	if query.Over {
		at = 0
	}
	limit := limitOr(query.Limit, 40, 200)
	before, skip, err := readPlace(query)
	if err != nil {
		return nil, "", err
	}
	text, args := searchNewest, []any{match, at, before, limit + 1}
	if query.Best {
		text, args = searchBest, []any{match, at, rankedAmong, limit + 1, skip}
	}
	var last int64
	err = q.on(ctx, func(c *conn) error {
		return c.each(func(r rowScanner) error {
			var h node.Hit
			var number int64
			if err := r.Scan(&number, &h.IRI, &h.Actor); err != nil {
				return err
			}
			if len(list) == limit {
				next = strconv.FormatInt(last, 10)
				return nil
			}
			last, list = number, append(list, h)
			return nil
		}, text, args...)
	})
	if next != "" && query.Best {
		next = "best-" + strconv.Itoa(skip+limit)
	}
	return list, next, sqliteError(op, "", err)
}

// CountFound counts what q finds as the index says, and no further than most.
func (q questions) CountFound(ctx context.Context, query node.SearchQuery, most int) (n int, err error) {
	match, ok := searchText(query)
	if !ok {
		return 0, nil
	}
	err = q.on(ctx, func(c *conn) error { return c.row(countFound, match, most).Scan(&n) })
	return n, sqliteError("count what is found", "", err)
}

// readPlace reads the cursor of a search: a number of a doc, or how many of the best were seen.
func readPlace(q node.SearchQuery) (before int64, skip int, err error) {
	s, best := strings.CutPrefix(q.Before, "best-")
	if q.Before == "" {
		return math.MaxInt64, 0, nil
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 || best != q.Best || best && n > rankedAmong {
		return 0, 0, noSuchPage("search")
	}
	return n, int(n), nil
}

// searchText writes a query in the language of the index, every word of it in quotes, so that nothing that people type has
// a meaning there (WEB-2). It is not ok if there are no words in what they typed.
func searchText(q node.SearchQuery) (match string, ok bool) {
	var parts []string
	for _, w := range q.Words() {
		words := fold(w.Text)
		if words == "" {
			continue
		}
		last := words[strings.LastIndexByte(words, ' ')+1:]
		part := `"` + words + `"`
		if w.Begins && utf8.RuneCountInString(last) > 1 {
			part += " *"
		}
		parts = append(parts, part)
	}
	if len(parts) == 0 && strings.TrimSpace(q.Text) != "" {
		return "", false
	}
	choose := func(sort string, values ...string) {
		var any []string
		for _, v := range values {
			if v != "" {
				any = append(any, `"`+chosen(sort, v).word()+`"`)
			}
		}
		if len(any) > 0 {
			parts = append(parts, "("+strings.Join(any, " OR ")+")")
		}
	}
	choose(byKind, q.Kinds...)
	choose(bySkill, q.Skill)
	choose(byLanguage, q.Language)
	choose(byCountry, q.Country)
	choose(byOwnership, string(q.Ownership))
	choose(byCustomer, q.Customer)
	if q.Federation != "" {
		choose(byFederation, federation(q.Federation))
	}
	switch {
	case q.Open:
		choose(byState, stateOpen)
	case !q.Over:
		choose(byState, stateLive)
	case len(parts) == 0:
		choose(byState, stateLive, stateOver)
	}
	return strings.Join(parts, " AND "), true
}

// SearchFacets lists the values that most coops have, at most so many of each sort.
func (q questions) SearchFacets(ctx context.Context, most int) (*node.SearchFacets, error) {
	var all node.SearchFacets
	err := q.on(ctx, func(c *conn) error {
		for _, s := range []struct {
			into    *[]node.SearchFacet
			sort    string
			without string // those that are like this
		}{{&all.Skills, bySkill, ""}, {&all.Languages, byLanguage, "%-%"}, {&all.Countries, byCountry, "%-%"}} {
			*s.into = []node.SearchFacet{}
			err := c.each(func(r rowScanner) error {
				var f node.SearchFacet
				err := r.Scan(&f.Value, &f.Coops)
				*s.into = append(*s.into, f)
				return err
			}, topFacets, s.sort, s.without, most)
			if err != nil {
				return err
			}
		}
		return nil
	})
	return &all, sqliteError("list facets", "", err)
}
