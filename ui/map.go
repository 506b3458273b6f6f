package ui

import (
	"cmp"
	_ "embed" // the middles of countries travel inside the program
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
	Coops []*coopView
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

// closest is how far apart two pins are at least, in units of the map: nearer ones become one with a number.
const closest = 14

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
		m.Pins = append(m.Pins, &pin{at, []*coopView{c}})
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
	slices.SortStableFunc(m.Pins, func(a, b *pin) int { return cmp.Compare(a.Y, b.Y) }) // the southern ones on top
}

// arc is the point that bends a line upwards, as if it went over the globe.
func arc(a, b point) point {
	return point{(a.X + b.X) / 2, (a.Y+b.Y)/2 - math.Abs(a.X-b.X)*.18 - math.Abs(a.Y-b.Y)*.04}
}
