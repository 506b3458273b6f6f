package aptest

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
)

// faults are what must never happen in a node, whatever others send: panics, answers of 500 (HTTP-2) and whatever is
// logged as an error. It is a slog.Handler and takes what net/http logs.
type faults struct {
	mu   sync.Mutex
	list []string
	log  []string // every line from INFO on
}

func (f *faults) add(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.list = append(f.list, fmt.Sprintf(format, args...))
}

// Faults are those of the node so far. A node that has any at the end of its test fails it.
func (n *Node) Faults() []string {
	n.faults.mu.Lock()
	defer n.faults.mu.Unlock()
	return slices.Clone(n.faults.list)
}

// Write takes what net/http logs: that a handler panicked is a fault, that a client sent nonsense is not.
func (f *faults) Write(line []byte) (int, error) {
	if strings.Contains(string(line), "panic") {
		f.add("%s", line)
	}
	return len(line), nil
}

// Enabled leaves out what is for us.
func (f *faults) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelInfo }

// Handle keeps a line with what was said of it; one of an error is a fault.
func (f *faults) Handle(_ context.Context, r slog.Record) error {
	text := r.Message
	r.Attrs(func(a slog.Attr) bool {
		text += " " + a.String()
		return true
	})
	f.mu.Lock()
	f.log = append(f.log, text)
	f.mu.Unlock()
	if r.Level >= slog.LevelError {
		f.add("%s", text)
	}
	return nil
}

// WithAttrs is f: whose loop it was does not matter.
func (f *faults) WithAttrs([]slog.Attr) slog.Handler { return f }

// WithGroup is f.
func (f *faults) WithGroup(string) slog.Handler { return f }
