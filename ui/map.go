package ui

import (
	"cmp"
	"context"
	_ "embed" // the middles of countries travel inside the program
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/text/language"

	"github.com/coopnode/coopnode/node"
)

// A point lies on the map: units from the left and from the top, 960 by 500 for the whole world.
type point struct{ X, Y float64 }

// onMap is where a place lies in the Equal Earth projection (Šavrič, Patterson and Jenny 2018), so that no country is drawn
// smaller than it is. It is turned by 11 degrees, so that the edge of the map cuts no country; size and middle are those of
// the outline in map/world.svg.
func onMap(latitude, longitude float64) point {
	const (
		a1, a2, a3, a4 = 1.340264, -0.081106, 0.000893, 0.003796
		scale          = 177.158
		turned         = 11
	)
	lambda := math.Mod(longitude-turned+540, 360) - 180
	t := math.Asin(math.Sqrt(3) / 2 * math.Sin(latitude*math.Pi/180))
	t2 := t * t
	t6 := t2 * t2 * t2
	x := 2 * math.Sqrt(3) * lambda * math.Pi / 180 * math.Cos(t) / (3 * (9*a4*t6*t2 + 7*a3*t6 + 3*a2*t2 + a1))
	y := t * (a4*t6*t2 + a3*t6 + a2*t2 + a1)
	return point{480 + scale*x, 250 - scale*y}
}

//go:embed map/middles.csv
var middlesCSV string

// middles are the middles of countries by their number in ISO 3166-1.
var middles = sync.OnceValue(func() map[int]point {
	all := map[int]point{}
	for line := range strings.Lines(middlesCSV) {
		var n [3]float64
		for i, s := range strings.SplitN(strings.TrimSpace(line), ",", 3) {
			n[i], _ = strconv.ParseFloat(s, 64) // a test reads every line
		}
		all[int(n[0])] = onMap(n[1], n[2])
	}
	return all
})

// placeOnMap is where a coop stands on the map: where it says it is, else in the middle of its country.
func placeOnMap(p node.Place) (at point, ok bool) {
	if p.Latitude != nil && p.Longitude != nil {
		return onMap(*p.Latitude, *p.Longitude), true
	}
	region, err := language.ParseRegion(p.Country)
	if err != nil {
		return point{}, false
	}
	at, ok = middles()[region.M49()]
	return at, ok
}

// A pin is one coop on the map, or several that are too close together to be told apart.
type pin struct {
	point
	Coops  []*coopView
	Label  string // of one alone, where there is room for it
	Before bool   // the label ends at the pin
}

// A worldMap is the map with its pins, and lines between those who work together.
type worldMap struct {
	Pins  []*pin
	Lines []mapLine
	Coops int // that stand on it
	Lands int // in which they are
}

// A mapLine joins two pins by an arc.
type mapLine struct{ From, Bend, To point }

// path is the line as SVG draws it.
func (l mapLine) path() string {
	return fmt.Sprintf("M%.0f %.0fQ%.0f %.0f %.0f %.0f", l.From.X, l.From.Y, l.Bend.X, l.Bend.Y, l.To.X, l.To.Y)
}

// closest is how far apart two pins are at least, in units of the map: nearer ones become one with a number.
const closest = 20

// newMap puts coops on the map; nil if none says where it is. Partners are pairs of addresses of coops.
func newMap(coops []*coopView, partners [][2]string) *worldMap {
	m := &worldMap{}
	lands := map[string]bool{}
	for _, c := range coops {
		at, ok := placeOnMap(c.Coop.Place)
		if !ok {
			continue
		}
		m.Coops++
		lands[c.Coop.Place.Country] = true
		m.Pins = append(m.Pins, &pin{point: at, Coops: []*coopView{c}})
	}
	if m.Coops == 0 {
		return nil
	}
	delete(lands, "")
	m.Lands = len(lands)
	m.join()
	where := map[string]*pin{}
	for _, p := range m.Pins {
		for _, c := range p.Coops {
			where[c.Person.IRI] = p
		}
	}
	drawn := map[[2]*pin]bool{}
	for _, pair := range partners {
		a, b := where[pair[0]], where[pair[1]]
		if a == nil || b == nil || a == b || drawn[[2]*pin{a, b}] {
			continue
		}
		drawn[[2]*pin{a, b}], drawn[[2]*pin{b, a}] = true, true
		m.Lines = append(m.Lines, mapLine{a.point, arc(a.point, b.point), b.point})
	}
	return m
}

// join makes one pin of those that touch, again and again until none do. It lies where most of its coops are.
func (m *worldMap) join() {
	for again := true; again; {
		again = false
		for i := 0; i < len(m.Pins); i++ {
			for j := len(m.Pins) - 1; j > i; j-- {
				a, b := m.Pins[i], m.Pins[j]
				if math.Hypot(a.X-b.X, a.Y-b.Y) >= closest {
					continue
				}
				if len(b.Coops) > len(a.Coops) {
					a.point = b.point
				}
				a.Coops = append(a.Coops, b.Coops...)
				m.Pins = slices.Delete(m.Pins, j, j+1)
				again = true
			}
		}
	}
	m.label()
	slices.SortStableFunc(m.Pins, func(a, b *pin) int { return cmp.Compare(a.Y, b.Y) }) // the southern ones on top
}

// mostLabels is how many names the map bears; beyond that they are noise.
const mostLabels = 24

// label names the pins of one coop where the name covers nothing: right of the pin, else left of it.
func (m *worldMap) label() {
	const high, letter, gap, left, right = 12, 5.8, 9, 34, 936
	type box struct{ x, y, w, h float64 }
	var taken []box
	for _, p := range m.Pins {
		taken = append(taken, box{p.X - gap + 1, p.Y - gap + 1, 2*gap - 2, 2*gap - 2})
	}
	free := func(b box) bool {
		return b.x > left && b.x+b.w < right && !slices.ContainsFunc(taken, func(t box) bool {
			return b.x < t.x+t.w && t.x < b.x+b.w && b.y < t.y+t.h && t.y < b.y+b.h
		})
	}
	named := 0
	for _, p := range m.Pins {
		if len(p.Coops) > 1 || named == mostLabels {
			continue
		}
		name := shorten(p.Coops[0].Person.Name, 24)
		wide := float64(len([]rune(name))) * letter
		after, before := box{p.X + gap, p.Y - high/2, wide, high}, box{p.X - gap - wide, p.Y - high/2, wide, high}
		switch {
		case free(after):
			p.Label, taken = name, append(taken, after)
		case free(before):
			p.Label, p.Before, taken = name, true, append(taken, before)
		default:
			continue
		}
		named++
	}
}

// mostNames is how many coops a pin of several names before it only counts them.
const mostNames = 6

// title says who stands at a pin.
func (p *pin) title(ctx context.Context) string {
	var names []string
	for _, c := range p.Coops[:min(len(p.Coops), mostNames)] {
		names = append(names, c.Person.Name)
	}
	if more := len(p.Coops) - mostNames; more > 0 {
		return sayCount(ctx, "map.more", float64(more), list(ctx, names...))
	}
	if len(p.Coops) == 1 {
		return list(ctx, names[0], place(ctx, p.Coops[0].Coop.Place))
	}
	return list(ctx, names...)
}

// href is the page of the one coop at a pin, or the part of the directory where most of several stand.
func (p *pin) href() string {
	if len(p.Coops) == 1 {
		return p.Coops[0].Page
	}
	count, most := map[string]int{}, ""
	for _, c := range p.Coops {
		land := c.Coop.Place.Country
		if count[land]++; count[land] > count[most] {
			most = land
		}
	}
	return "/directory" + sought{Country: most}.query()
}

// mapTitle says how many coops stand on the map, and in how many countries.
func mapTitle(ctx context.Context, m *worldMap) string {
	return say(ctx, "map.title", sayCount(ctx, "map.coops", float64(m.Coops)), sayCount(ctx, "map.lands", float64(m.Lands)))
}

// at writes one number of a place on the map.
func at(n float64) string { return strconv.FormatFloat(n, 'f', 1, 64) }

// arc is the point that bends a line upwards, as if it went over the globe.
func arc(a, b point) point {
	return point{(a.X + b.X) / 2, (a.Y+b.Y)/2 - math.Abs(a.X-b.X)*.18 - math.Abs(a.Y-b.Y)*.04}
}

// Bounds of what the map of the directory shows.
const (
	mostOnMap    = 600 // coops
	mostTogether = 100 // projects, and openings, in which coops work together
)

// mapOf draws those whom a search finds, and lines between those who take part in the same projects or openings.
func (v *visit) mapOf(ctx context.Context, q node.SearchQuery) (*worldMap, error) {
	var coops []*coopView
	q.Before, q.Limit = "", 200
	for len(coops) < mostOnMap {
		found, next, err := v.node.Search(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, f := range found {
			if f.Actor != nil && f.Actor.Coop != nil {
				coops = append(coops, &coopView{Person: personOf(f.Actor), Page: v.knownPage(f.Actor), Coop: f.Actor.Coop})
			}
		}
		if q.Before = next; next == "" {
			break
		}
	}
	var together [][2]string
	for _, t := range []node.ObjectType{node.TypeProject, node.TypeOpening} {
		objects, _, err := v.node.Objects(ctx, node.ObjectQuery{Type: t, Listed: true, Limit: mostTogether})
		if err != nil {
			return nil, err
		}
		for _, o := range objects {
			from := o.Common().Actor
			switch o := o.(type) {
			case *node.Project:
				for _, p := range o.Participants {
					together = append(together, [2]string{from, p.Actor})
				}
			case *node.Opening:
				for _, f := range o.FilledBy {
					together = append(together, [2]string{from, f.Actor})
				}
			}
		}
	}
	return newMap(coops, together), nil
}
