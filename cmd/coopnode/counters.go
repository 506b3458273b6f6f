package main

import (
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/coopnode/coopnode/activitypub"
	"github.com/coopnode/coopnode/store"
)

// counters count what happened since the start, for those who run the node. Every label comes from a short list of ours: no
// names of hosts, no addresses as they were asked (LOG-4).
type counters struct {
	set          *metrics.Set
	bugs         *metrics.Counter // answers with 500, which always mean a mistake of ours (HTTP-2)
	panics       *metrics.Counter // of handlers (HTTP-3)
	requestTook  *metrics.PrometheusHistogram
	deliveryTook *metrics.PrometheusHistogram
	databaseTook map[store.Op]*metrics.PrometheusHistogram
}

var _ activitypub.Meter = (*counters)(nil)

// Bounds of what is measured, in seconds: a page takes milliseconds, another server up to half a minute.
var (
	ownTimes   = []float64{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10}
	theirTimes = []float64{0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30}
)

func newCounters() *counters {
	s := metrics.NewSet()
	c := &counters{
		set:  s,
		bugs: s.NewCounter("coopnode_http_bugs_total"), panics: s.NewCounter("coopnode_panics_total"),
		requestTook:  s.NewPrometheusHistogramExt("coopnode_http_request_seconds", ownTimes),
		deliveryTook: s.NewPrometheusHistogramExt("coopnode_delivery_seconds", theirTimes),
		databaseTook: map[store.Op]*metrics.PrometheusHistogram{},
	}
	for _, op := range store.Ops() {
		c.databaseTook[op] = s.NewPrometheusHistogramExt(fmt.Sprintf("coopnode_db_seconds{op=%q}", op), ownTimes)
	}
	return c
}

func (c *counters) count(format string, args ...any) {
	c.set.GetOrCreateCounter(fmt.Sprintf(format, args...)).Inc()
}

// request counts an answer. route is the pattern of the router that matched, which is one of a few hundred whatever was asked.
func (c *counters) request(route string, status int, took time.Duration) {
	if route == "" {
		route = "none"
	}
	c.count("coopnode_http_requests_total{route=%q,code=\"%d\"}", route, status)
	c.requestTook.Update(took.Seconds())
}

// Delivered counts an attempt at a letter of ours.
func (c *counters) Delivered(outcome string, took time.Duration) {
	c.count("coopnode_deliveries_total{outcome=%q}", outcome)
	c.deliveryTook.Update(took.Seconds())
}

// Received counts a letter at the door.
func (c *counters) Received(verb, outcome string) {
	c.count("coopnode_inbox_total{type=%q,outcome=%q}", verb, outcome)
}

// Unsigned counts a signature that did not hold.
func (c *counters) Unsigned(reason string) {
	c.count("coopnode_signature_failures_total{reason=%q}", reason)
}

// database counts a use of the database.
func (c *counters) database(op store.Op, took time.Duration) {
	c.databaseTook[op].Update(took.Seconds())
}

// write writes all of them in the text format of Prometheus.
func (c *counters) write(w io.Writer) {
	metrics.ExposeMetadata(true)
	c.set.WritePrometheus(w)
	metrics.WriteProcessMetrics(w)
}

// gauge writes one number that is known now.
func gauge(w io.Writer, name string, value float64, labels ...string) {
	text := ""
	for pair := range slices.Chunk(labels, 2) {
		text += fmt.Sprintf("{%s=%q}", pair[0], pair[1])
	}
	fmt.Fprintf(w, "# TYPE coopnode_%s gauge\ncoopnode_%s%s %v\n", name, name, text, value)
}
