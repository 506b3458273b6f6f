package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/token"
	"io"
	"math/rand/v2"
	"net"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/coopnode/coopnode/node"
	"github.com/coopnode/coopnode/store"
)

// HTTP-8: numbers have a listener of their own, none at first, and on loopback where only a port is named.
func TestMetricsAreNotPublic(t *testing.T) {
	t.Parallel()
	if l, err := openMetrics(&Config{}); l != nil || err != nil {
		t.Errorf("without a setting: %v, %v", l, err)
	}
	l, err := openMetrics(&Config{Metrics: ":0"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if at := l.Addr().(*net.TCPAddr); !at.IP.IsLoopback() {
		t.Errorf("a port alone is served at %v, want loopback", at)
	}
}

// debugging are packages that show the inside of a program to whoever asks. They hang themselves onto the
// standard library's own mux when they are imported.
var debugging = []string{"net/http/pprof", "expvar", "net/trace", "golang.org/x/net/trace"}

// HTTP-8: nothing for debugging is served, and no mux that others could hang something onto.
func TestNoDebugRoutes(t *testing.T) {
	t.Parallel()
	mux := map[string][]string{"net/http": {"DefaultServeMux", "Handle", "HandleFunc", "ListenAndServe", "ListenAndServeTLS", "Serve", "ServeTLS"}}
	eachSource(t, func(name string, file *ast.File, at *token.FileSet) {
		for _, spec := range file.Imports {
			if p, _ := strconv.Unquote(spec.Path.Value); slices.Contains(debugging, p) {
				t.Errorf("%s: %s is not for a node that others reach (HTTP-8)", at.Position(spec.Pos()), p)
			}
		}
		for _, found := range namesOf(file, mux) {
			t.Errorf("%s: http.%s serves what any package may hang onto it; make a mux (HTTP-8)", at.Position(found.Pos()), found.Sel.Name)
		}
	})
}

// scrape reads the numbers as Prometheus does.
func scrape(t *testing.T, counts *counters, h *house) map[string]*dto.MetricFamily {
	t.Helper()
	w := httptest.NewRecorder()
	counts.handler(h).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	parser := expfmt.NewTextParser(model.LegacyValidation)
	all, err := parser.TextToMetricFamilies(bytes.NewReader(w.Body.Bytes()))
	if err != nil {
		t.Fatalf("Prometheus cannot read it: %v\n%s", err, w.Body)
	}
	return all
}

// labelled sums a counter over all its labels but those that are named, in pairs.
func labelled(f *dto.MetricFamily, labels ...string) (sum float64) {
	for _, m := range f.GetMetric() {
		have := map[string]string{}
		for _, l := range m.GetLabel() {
			have[l.GetName()] = l.GetValue()
		}
		fits := true
		for pair := range slices.Chunk(labels, 2) {
			fits = fits && have[pair[0]] == pair[1]
		}
		if fits {
			sum += m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	return sum
}

// LOG-4: whatever 10,000 strangers ask for, and by whatever name, the number of series stays below what the route table allows; what
// is counted adds up, and an independent reader of the format understands it.
func TestNumbersAreBounded(t *testing.T) {
	t.Parallel()
	g := newGate(t)
	places := []string{"/", "/@%s", "/openings/%s", "/tags/%s", "/ap/openings/%s", "/ap/coop?page=%s", "/%s", "/.well-known/%s", "/console/%s", "/media/%s", "/ap/inbox?%s"}
	const asked = 10_000
	for i := range asked {
		method := []string{"GET", "GET", "POST", "HEAD", "BREW"}[rand.IntN(5)]
		r := httptest.NewRequest(method, strings.ReplaceAll(places[rand.IntN(len(places))], "%s", strconv.FormatUint(rand.Uint64(), 36)), strings.NewReader("{}"))
		r.RemoteAddr = fmt.Sprintf("10.%d.%d.%d:1", i>>16, i>>8&255, i&255)
		if r.Host = "mill.example"; i%10 == 0 {
			r.Host = strconv.FormatUint(rand.Uint64(), 36) + ".example"
		}
		r.Header.Set("Accept", "application/json")
		r.Header.Set("Content-Type", "application/activity+json")
		g.echo.ServeHTTP(httptest.NewRecorder(), r)
	}
	all := scrape(t, g.counts, g.house)
	routes := map[string]bool{}
	for _, r := range g.echo.Routes() {
		routes[r.Path] = true
	}
	series := 0
	for name, f := range all {
		for _, m := range f.GetMetric() {
			series++
			for _, l := range m.GetLabel() {
				if strings.Contains(l.GetValue(), ".example") || l.GetName() == "route" && !routes[l.GetValue()] && l.GetValue() != "none" {
					t.Fatalf("%s has a label that others chose: %s", name, m)
				}
			}
		}
	}
	if most := 6*len(routes) + 300; series > most {
		t.Errorf("%d series, want at most %d", series, most)
	}
	if got := labelled(all["coopnode_http_requests_total"]); got < asked {
		t.Errorf("%v answers are counted, want the %d that were given", got, asked)
	}
	if got := labelled(all["coopnode_http_requests_total"], "code", "421"); got < asked/10 {
		t.Errorf("%v answers to requests for other hosts are counted, want %d", got, asked/10)
	}
	if got := labelled(all["coopnode_signature_failures_total"], "reason", "absent"); got == 0 || got != labelled(all["coopnode_inbox_total"], "outcome", "unsigned") {
		t.Errorf("%v letters without a signature are counted, and %v refused at the inbox", got, labelled(all["coopnode_inbox_total"], "outcome", "unsigned"))
	}
	if got := labelled(all["coopnode_http_bugs_total"]); got != 0 {
		t.Errorf("%v answers with 500", got)
	}
	for _, name := range []string{"http_request_seconds", "delivery_seconds", "db_seconds"} {
		if f := all["coopnode_"+name]; f.GetType() != dto.MetricType_HISTOGRAM {
			t.Errorf("%s is no histogram: %v", name, f.GetType())
		}
	}
	for _, name := range []string{"coopnode_queue_depth", "coopnode_queue_oldest_seconds", "coopnode_hosts_failing", "coopnode_inbox_waiting", "coopnode_build_info",
		"go_goroutines", "process_resident_memory_bytes", "process_start_time_seconds"} {
		if all[name] == nil {
			t.Errorf("there is no %s", name)
		}
	}
}

// What the wire and the store tell is counted under their words; and a database that does not answer does not hide the rest.
func TestNumbersOfWireAndStore(t *testing.T) {
	t.Parallel()
	g := newGate(t)
	g.counts.Delivered("arrived", time.Second)
	g.counts.Delivered("later", time.Second)
	g.counts.Received("Follow", "taken")
	g.counts.Unsigned("stale")
	g.counts.database(store.OpCommit, time.Millisecond)
	all := scrape(t, g.counts, g.house)
	for _, tt := range []struct {
		name   string
		labels []string
	}{
		{"deliveries_total", []string{"outcome", "arrived"}},
		{"inbox_total", []string{"type", "Follow", "outcome", "taken"}},
		{"signature_failures_total", []string{"reason", "stale"}},
	} {
		if got := labelled(all["coopnode_"+tt.name], tt.labels...); got != 1 {
			t.Errorf("%s%v = %v, want 1", tt.name, tt.labels, got)
		}
	}
	if n := all["coopnode_delivery_seconds"].GetMetric()[0].GetHistogram().GetSampleCount(); n != 2 {
		t.Errorf("%d deliveries are measured, want 2", n)
	}
	if all["coopnode_backup_age_seconds"] != nil || all["coopnode_certificate_expiry_seconds"] != nil {
		t.Error("a node without backup and certificate tells of them")
	}
	now := time.Now()
	if err := g.node.NoteCertificates(t.Context(), []node.Certificate{{Name: "mill.example", From: now, Until: now.Add(time.Hour)}}); err != nil {
		t.Fatal(err)
	}
	if got := labelled(scrape(t, g.counts, g.house)["coopnode_certificate_expiry_seconds"]); got < 3000 || got > 3600 {
		t.Errorf("the certificate of an hour lasts %v seconds", got)
	}
	g.house.db.Close()
	if all = scrape(t, g.counts, g.house); all["coopnode_deliveries_total"] == nil || all["coopnode_queue_depth"] != nil {
		t.Error("without a database the counters are to be had, and the queue is not")
	}
}

// Numbers are served at the address of the setting, of a real server too.
func TestNumbersOfAServer(t *testing.T) {
	port := freePort()
	_, log := serving(t, "localhost:"+freePort(), map[string]string{"COOPNODE_METRICS": ":" + port}, "--dev")
	for limit := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		res, err := client.Get("http://127.0.0.1:" + port + "/metrics")
		if err == nil {
			body, _ := io.ReadAll(res.Body)
			res.Body.Close()
			if !bytes.Contains(body, []byte(`coopnode_db_seconds_count{op="read"}`)) {
				t.Errorf("the server does not measure its database:\n%s", body)
			}
			return
		}
		if time.Now().After(limit) {
			t.Fatalf("no numbers: %v\n%s", err, log)
		}
	}
}

// A node whose letters are due for long and do not go out is not ready, and says so to people and programs; one whose deliveries
// are paused is.
func TestReadyWhileLettersMove(t *testing.T) {
	t.Parallel()
	g := newGate(t)
	ask := func(accept string) (int, string) {
		t.Helper()
		res := g.ask("GET", "/readyz", "", nil, "Accept", accept)
		return res.Code, res.Body.String()
	}
	if code, body := ask("*/*"); code != 200 {
		t.Fatalf("%d %s", code, body)
	}
	follower := &node.Actor{IRI: "https://a.example/ap/coop", Type: "Organization", Host: "a.example", Handle: "a", Inbox: "https://a.example/inbox"}
	err := g.house.Store().Tx(t.Context(), func(tx node.Tx) error {
		if err := tx.SaveActor(t.Context(), follower); err != nil {
			return err
		}
		a := &node.ActRecord{IRI: "https://mill.example/ap/activities/aaaaaaaaaa", Verb: node.Update, Raw: []byte("{\"a\":1}"), At: time.Now().Add(-time.Hour)}
		if err := tx.SaveAct(t.Context(), a); err != nil {
			return err
		}
		_, err := tx.Enqueue(t.Context(), a, node.Recipients{Actors: []string{follower.IRI}})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if code, body := ask("*/*"); code != 503 || !strings.Contains(body, "letters do not go out") {
		t.Errorf("%d %s", code, body)
	}
	if code, body := ask("application/json"); code != 503 || !strings.Contains(body, `"detail":"letters do not go out"`) || strings.Contains(body, "a.example") {
		t.Errorf("%d %s", code, body)
	}
	if err := g.house.Store().Tx(t.Context(), func(tx node.Tx) error {
		return tx.SetSetting(t.Context(), node.SettingPaused, time.Now().Format(time.RFC3339))
	}); err != nil {
		t.Fatal(err)
	}
	if code, body := ask("*/*"); code != 200 {
		t.Errorf("while deliveries are paused: %d %s", code, body)
	}
}
