package main

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
)

// counters count what happened since the start, for those who run the node. No label names a host (LOG-4).
type counters struct {
	requests [6]atomic.Int64 // by the first digit of the status
	bugs     atomic.Int64    // answers with 500, which always mean a mistake of ours (HTTP-2)
	panics   atomic.Int64    // of handlers (HTTP-3)
}

func (c *counters) request(status int) {
	if class := status / 100; class > 0 && class < len(c.requests) {
		c.requests[class].Add(1)
	}
}

// openMetrics opens the listener for the numbers, which is never the public one; nil where none is set. A port alone is
// one on loopback: who wants more has to say so (HTTP-8).
func openMetrics(cfg *Config) (net.Listener, error) {
	at := cfg.Metrics
	if at == "" {
		return nil, nil
	}
	if strings.HasPrefix(at, ":") {
		at = "127.0.0.1" + at
	}
	return listenAt(at)
}

// handler answers /metrics in the text format of Prometheus.
func (c *counters) handler(h *house) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, r *http.Request) {
		q, err := h.QueueStatus(r.Context())
		if err != nil {
			http.Error(w, "the database does not answer", http.StatusServiceUnavailable)
			return
		}
		oldest := 0.0
		if !q.Oldest.IsZero() {
			oldest = h.Now().Sub(q.Oldest).Seconds()
		}
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		number := func(name, kind, help string, value any) {
			fmt.Fprintf(w, "# HELP coopnode_%s %s\n# TYPE coopnode_%s %s\ncoopnode_%s %v\n", name, help, name, kind, name, value)
		}
		fmt.Fprint(w, "# HELP coopnode_http_requests_total Answers since the start.\n# TYPE coopnode_http_requests_total counter\n")
		for class := 1; class < len(c.requests); class++ {
			fmt.Fprintf(w, "coopnode_http_requests_total{code=\"%dxx\"} %d\n", class, c.requests[class].Load())
		}
		number("http_bugs_total", "counter", "Answers with status 500.", c.bugs.Load())
		number("panics_total", "counter", "Panics in handlers.", c.panics.Load())
		number("queue_depth", "gauge", "Letters that wait.", q.Waiting)
		number("queue_oldest_seconds", "gauge", "Age of the oldest letter that waits.", oldest)
		number("hosts_failing", "gauge", "Servers that do not answer.", q.Failing)
		number("inbox_waiting", "gauge", "Letters received and not yet read.", q.Letters)
		fmt.Fprintf(w, "# HELP coopnode_build_info The program.\n# TYPE coopnode_build_info gauge\ncoopnode_build_info{version=%q} 1\n", programVersion())
	})
	return mux
}
