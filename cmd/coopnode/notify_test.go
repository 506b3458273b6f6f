package main

import (
	"context"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/coopnode/coopnode/node"
)

// A managed is what systemd is to a service: a socket, and what was said to it.
type managed struct {
	socket string
	mu     sync.Mutex
	said   []string
}

func newManaged(t *testing.T) *managed {
	t.Helper()
	m := &managed{socket: filepath.Join(t.TempDir(), "notify")}
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: m.socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	go func() {
		buf := make([]byte, 4096)
		for {
			n, err := conn.Read(buf)
			if err != nil {
				return
			}
			m.mu.Lock()
			m.said = append(m.said, string(buf[:n]))
			m.mu.Unlock()
		}
	}()
	return m
}

// take gives what was said since the last time.
func (m *managed) take() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	said := m.said
	m.said = nil
	return said
}

// hears waits until something that begins so is said.
func (m *managed) hears(p *program, begin string) {
	p.Helper()
	p.until("the manager hears "+begin, func() bool { return holdsPrefix(m.take(), begin) })
}

func holdsPrefix(list []string, begin string) bool {
	for _, s := range list {
		if strings.HasPrefix(s, begin) {
			return true
		}
	}
	return false
}

// systemd hears when the node is ready, that it lives as long as its database answers, and when it stops.
func TestManagerIsTold(t *testing.T) {
	t.Parallel()
	p, m := newProgram(t, "coopnode", "The mill"), newManaged(t)
	p.child = p.run("serve")
	p.child.Env = append(p.child.Env, "NOTIFY_SOCKET="+m.socket, "WATCHDOG_USEC=500000")
	p.child.Stderr = p.log
	if err := p.child.Start(); err != nil {
		t.Fatal(err)
	}
	child := p.child
	t.Cleanup(func() { child.Process.Kill() })

	m.hears(p, "READY=1\nSTATUS=serves "+p.base)
	if res, err := client.Get(p.base + "/livez"); err != nil {
		t.Fatalf("said to be ready, and does not answer: %v", err)
	} else {
		res.Body.Close()
	}
	m.hears(p, "WATCHDOG=1")

	silent := func() int { return strings.Count(p.log.String(), "the database does not answer") }
	before := silent()
	err := p.open().Tx(context.Background(), func(node.Tx) error { // holds the database
		p.until("the node sees that the database does not answer", func() bool { return silent() > before })
		m.take()
		p.until("it sees so again", func() bool { return silent() > before+1 })
		if said := m.take(); holdsPrefix(said, "WATCHDOG=1") {
			t.Errorf("the database does not answer, and the manager hears %q", said)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	m.hears(p, "WATCHDOG=1")

	p.child.Process.Signal(syscall.SIGTERM)
	m.hears(p, "STOPPING=1")
	if err := p.child.Wait(); err != nil {
		t.Errorf("the end of serve: %v\n%s", err, p.log)
	}
}

// A start or a stop that takes long says so; without a manager nothing happens.
func TestManagerHearsWhatTakesLong(t *testing.T) {
	p := &program{TB: t, log: &quietBuffer{}}
	t.Setenv("NOTIFY_SOCKET", "")
	quiet := manager{slog.New(slog.NewTextHandler(p.log, nil))}
	quiet.status("nobody is told")
	m := newManaged(t)
	t.Setenv("NOTIFY_SOCKET", m.socket)
	told := manager{slog.New(slog.NewTextHandler(p.log, nil))}
	told.extend(2 * time.Minute)
	m.hears(p, "EXTEND_TIMEOUT_USEC=120000000")
	told.status("step 3\nREADY=1")
	m.hears(p, "STATUS=step 3 READY=1")
	if p.log.String() != "" {
		t.Errorf("it complains: %s", p.log)
	}
	t.Setenv("NOTIFY_SOCKET", m.socket+".gone")
	told.status("nobody there")
	if !strings.Contains(p.log.String(), "could not be told") {
		t.Error("a manager that cannot be told is not complained of")
	}
}
