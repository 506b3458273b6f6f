package ui

import (
	"encoding/json"
	"math"
	"os"
	"strings"
	"testing"

	"golang.org/x/text/language"

	"github.com/coopnode/coopnode/node"
)

// The projection is that of d3-geo, which made the outline.
func TestEqualEarth(t *testing.T) {
	b, err := os.ReadFile("testdata/equalearth.json")
	if err != nil {
		t.Fatal(err)
	}
	var places []struct{ Lon, Lat, X, Y float64 }
	if err := json.Unmarshal(b, &places); err != nil || len(places) < 10 {
		t.Fatalf("%d places: %v", len(places), err)
	}
	for _, p := range places {
		if got := onMap(p.Lat, p.Lon); math.Abs(got.X-p.X) > 1e-3 || math.Abs(got.Y-p.Y) > 1e-3 {
			t.Errorf("latitude %v, longitude %v: got %v, d3 has %v, %v", p.Lat, p.Lon, got, p.X, p.Y)
		}
	}
}

func TestPlaceOnMap(t *testing.T) {
	for line := range strings.Lines(middlesCSV) {
		if strings.Count(line, ",") != 2 || len(line) > 20 {
			t.Errorf("a middle is %q", line)
		}
	}
	known := 0
	for _, code := range strings.Fields("ES PT FR GB IT AR UY BR CL CO MX US CA JP KR IN AU NZ ZA SN KE SG MT") {
		at, ok := placeOnMap(node.Place{Country: code})
		if !ok || at.X < 0 || at.X > 960 || at.Y < 0 || at.Y > 500 {
			t.Errorf("%s is at %v, %v", code, at, ok)
			continue
		}
		known++
	}
	if spain, _ := placeOnMap(node.Place{Country: "ES"}); known > 0 && math.Hypot(spain.X-onMap(40.4, -3.7).X, spain.Y-onMap(40.4, -3.7).Y) > 4 {
		t.Errorf("the middle of Spain is at %v", spain)
	}
	lat, lon := 42.88, -8.54
	if at, ok := placeOnMap(node.Place{Country: "AR", Latitude: &lat, Longitude: &lon}); !ok || at != onMap(lat, lon) {
		t.Errorf("a coop with coordinates is at %v", at)
	}
	if _, ok := placeOnMap(node.Place{Locality: "Somewhere"}); ok {
		t.Error("a coop that does not say its country stands on the map")
	}
	if n := len(middles()); n < 200 || language.MustParseRegion("ES").M49() != 724 {
		t.Errorf("%d countries have a middle", n)
	}
}

// Coops that are close become one pin with a number; lines run between pins, each once.
func TestMapJoins(t *testing.T) {
	at := func(iri string, lat, lon float64) *coopView {
		return &coopView{Person: person{IRI: iri, Name: iri}, Coop: &node.Coop{Place: node.Place{Country: "XX", Latitude: &lat, Longitude: &lon}}}
	}
	coops := []*coopView{at("a", 42.9, -8.5), at("b", 42.2, -8.7), at("c", -34.6, -58.4), {Person: person{IRI: "d"}, Coop: &node.Coop{}}}
	m := newMap(coops, [][2]string{{"a", "b"}, {"a", "c"}, {"c", "b"}, {"a", "d"}})
	if m.Coops != 3 || len(m.Pins) != 2 || len(m.Pins[0].Coops) != 2 || len(m.Lines) != 1 {
		t.Errorf("%d coops, %d pins, %d lines; want 3, 2 and 1", m.Coops, len(m.Pins), len(m.Lines))
	}
	if south := m.Pins[1]; south.Label != "c" || m.Pins[0].Label != "" {
		t.Errorf("the pins are named %q and %q; one coop alone has its name, two have a number", south.Label, m.Pins[0].Label)
	}
	if newMap(coops[3:], nil) != nil {
		t.Error("there is a map of nobody")
	}
}
