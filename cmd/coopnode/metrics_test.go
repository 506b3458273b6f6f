package main

import (
	"go/ast"
	"go/token"
	"net"
	"slices"
	"strconv"
	"testing"
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
