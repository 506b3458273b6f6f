package main

import (
	"bytes"
	"net"
	"net/http"
	"strings"
)

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

// handler answers /metrics in the text format of Prometheus: what was counted, and how the node stands now. What cannot be
// read now is left out, so that the rest can be seen while the database is in trouble.
func (c *counters) handler(h *house) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, r *http.Request) {
		var b bytes.Buffer
		c.write(&b)
		gauge(&b, "build_info", 1, "version", programVersion())
		if q, err := h.QueueStatus(r.Context()); err == nil {
			oldest := 0.0
			if !q.Oldest.IsZero() {
				oldest = h.Now().Sub(q.Oldest).Seconds()
			}
			gauge(&b, "queue_depth", float64(q.Waiting))
			gauge(&b, "queue_oldest_seconds", oldest)
			gauge(&b, "hosts_failing", float64(q.Failing))
			gauge(&b, "inbox_waiting", float64(q.Letters))
		}
		if s, err := h.BackupStatus(r.Context()); err == nil && !s.Made.Done.IsZero() {
			gauge(&b, "backup_age_seconds", h.Now().Sub(s.Made.Done).Seconds())
		}
		if list, err := h.Certificates(r.Context()); err == nil && len(list) > 0 && !list[0].Until.IsZero() {
			gauge(&b, "certificate_expiry_seconds", list[0].Until.Sub(h.Now()).Seconds())
		}
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		w.Write(b.Bytes())
	})
	return mux
}
