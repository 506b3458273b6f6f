package ui

import (
	"cmp"
	"context"
	"slices"
)

// sharesOf are the kinds of customers of a coop as parts of a bar, the largest first.
func sharesOf(ctx context.Context, mix map[string]int) (shares []part) {
	total := 0
	for _, kind := range kindsOf(mix) {
		total += mix[kind]
	}
	for i, kind := range kindsOf(mix) {
		shares = append(shares, part{Name: sayKnown(ctx, "customer.", kind), Words: say(ctx, "percent.alone", mix[kind]),
			Share: float64(mix[kind]) / float64(max(total, 100)), Hue: "c" + string(rune('0'+(2*i+1)%10))})
	}
	return shares
}

// kindsOf are the kinds of customers that a coop works for, the largest share first.
func kindsOf(mix map[string]int) []string {
	var kinds []string
	for kind, percent := range mix {
		if percent > 0 {
			kinds = append(kinds, kind)
		}
	}
	slices.SortFunc(kinds, func(a, b string) int { return cmp.Or(cmp.Compare(mix[b], mix[a]), cmp.Compare(a, b)) })
	return kinds
}

// customers says the same in words.
func customers(ctx context.Context, mix map[string]int) string {
	kinds := kindsOf(mix)
	for i, kind := range kinds {
		kinds[i] = say(ctx, "percent", sayKnown(ctx, "customer.", kind), mix[kind])
	}
	return list(ctx, kinds...)
}
