package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/labstack/echo/v4"
	"golang.org/x/sync/errgroup"

	"github.com/coopnode/coopnode/activitypub"
	"github.com/coopnode/coopnode/node"
	"github.com/coopnode/coopnode/store"
	"github.com/coopnode/coopnode/ui"
)

// A lobby is where visitors and letters are while the database is checked and brought up to date, which can take minutes: its
// doors are open as soon as the data folder is ours, who comes waits for a moment, and is then asked to come again (503 with
// Retry-After), so that no letter is lost. When the node is open all go in.
type lobby struct {
	cfg     *Config
	trusted []netip.Prefix
	manager manager
	counts  *counters
	log     *slog.Logger
	says    io.Writer

	stage atomic.Pointer[store.Stage]

	mu              sync.Mutex
	isOpened        bool
	server, plain   *http.Server
	serving         errgroup.Group
	inside          chan struct{} // closed when next and nextPlain hold
	next, nextPlain http.Handler
	keeper          *certificateKeeper
}

// lobbyPatience is how long a request waits for a node that is nearly open, before it is told to come again.
const lobbyPatience = 2 * time.Second

func newLobby(cfg *Config, trusted []netip.Prefix, m manager, counts *counters, log *slog.Logger, says io.Writer) *lobby {
	l := &lobby{cfg: cfg, trusted: trusted, manager: m, counts: counts, log: log, says: says, inside: make(chan struct{})}
	e := newEcho()
	ui.Assets(e)
	e.Any("/*", l.answer)
	wait := func(next *http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if l.waits(r) {
				(*next).ServeHTTP(w, r)
			} else {
				e.ServeHTTP(w, r)
			}
		})
	}
	l.server, l.plain = newServer(wait(&l.next), log), newServer(wait(&l.nextPlain), log)
	return l
}

// begin opens the doors of a node whose database is about to be opened.
func (l *lobby) begin(setting func(string) string) error {
	base, dev := node.Whereabouts(setting)
	if base == "" {
		return nil // there is no node yet, or its database cannot be read
	}
	return l.open(base, dev)
}

// open opens the doors, once.
func (l *lobby) open(base string, dev bool) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.isOpened {
		return nil
	}
	links := node.Links{Base: base}
	secure, err := l.secure(links.Host())
	if err != nil {
		return err
	}
	all, plain, err := openListeners(l.cfg.listenAs(links.Host(), dev), l.trusted, secure)
	if err != nil {
		return err
	}
	l.isOpened = true
	for _, at := range all {
		fmt.Fprintf(l.says, "%s listens on %s\n", base, at.Addr())
		l.serving.Go(func() error { return served(l.server.Serve(at)) })
	}
	for _, at := range plain {
		l.serving.Go(func() error { return served(l.plain.Serve(at)) })
	}
	return nil
}

// secure is how the doors speak HTTPS, nil where they do not. Until the keeper of certificates is there the one serves that it
// left.
func (l *lobby) secure(host string) (*tls.Config, error) {
	switch l.cfg.TLS {
	case "files":
		cert := &certFiles{cert: l.cfg.Cert, key: l.cfg.Key}
		_, err := cert.get(nil)
		return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: cert.get, NextProtos: []string{"h2", "http/1.1"}}, err
	case "auto":
		name := node.HostName(host)
		return &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
			if l.isOpen() {
				return l.keeper.tls(), nil
			}
			kept := filepath.Join(l.cfg.Data, certificateDir, name)
			cert, err := tls.LoadX509KeyPair(kept, kept)
			return &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{cert}, NextProtos: []string{"h2", "http/1.1"}}, err
		}}, nil
	}
	return nil, nil
}

// tell notes what is being done.
func (l *lobby) tell(s store.Stage) {
	l.stage.Store(&s)
	l.manager.status(l.doing())
}

// opening tells the manager that the start goes on, until opened is called.
func (l *lobby) opening() (opened func()) {
	const every = 10 * time.Second
	done := make(chan struct{})
	go func() {
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				l.manager.extend(6 * every)
				l.log.Info("still starting", "doing", l.doing())
			}
		}
	}()
	return func() { close(done) }
}

// doing says in a few words what is being done.
func (l *lobby) doing() string {
	s := l.stage.Load()
	switch {
	case s == nil:
		return "opens the database"
	case s.Doing == store.StageCheck:
		return "looks through the database"
	case s.Doing == store.StageCopy:
		return "copies the database before it is brought up to date"
	}
	return fmt.Sprintf("brings the database up to date, step %d of %d", s.Step, s.Steps)
}

// letIn lets everybody in who waits and who comes. keeper may be nil.
func (l *lobby) letIn(next, nextPlain http.Handler, keeper *certificateKeeper) {
	l.next, l.nextPlain, l.keeper = next, nextPlain, keeper
	close(l.inside)
}

func (l *lobby) isOpen() bool {
	select {
	case <-l.inside:
		return true
	default:
		return false
	}
}

// waits holds a request back for a moment and says whether the node is open then. Who asks whether the process lives is told at
// once, and what travels inside the program is given at once.
func (l *lobby) waits(r *http.Request) bool {
	if l.isOpen() || r.URL.Path == "/livez" || strings.HasPrefix(r.URL.Path, ui.AssetRoot) {
		return l.isOpen()
	}
	patience := time.NewTimer(lobbyPatience)
	defer patience.Stop()
	select {
	case <-l.inside:
		return true
	case <-patience.C:
	case <-r.Context().Done():
	}
	return false
}

// answer is what everybody hears in the lobby.
func (l *lobby) answer(c echo.Context) error {
	r, h, begun := c.Request(), c.Response().Header(), time.Now()
	defer func() { l.counts.request(c.Path(), c.Response().Status, time.Since(begun)) }()
	h.Set(echo.HeaderXRequestID, node.NewID())
	h.Set("Retry-After", "30")
	h.Set(echo.HeaderCacheControl, "no-store")
	switch {
	case r.URL.Path == "/livez":
		return c.String(http.StatusOK, "ok\n")
	case r.URL.Path == "/readyz":
		return notReady(c, "it "+l.doing())
	case activitypub.Speaks(r):
		return activitypub.Problem(c, &node.Error{Op: "serve", Kind: node.Unavailable})
	}
	s := l.stage.Load()
	if s == nil {
		s = &store.Stage{}
	}
	return ui.Starting(c, s.Step, s.Steps)
}

// notReady says why the node is not ready, as text or, for who wants it so, as JSON.
func notReady(c echo.Context, why string) error {
	if c.Request().Header.Get(echo.HeaderAccept) == echo.MIMEApplicationJSON {
		b, err := json.Marshal(map[string]any{"ready": false, "reason": why})
		if err != nil {
			return err
		}
		return c.Blob(http.StatusServiceUnavailable, echo.MIMEApplicationJSON, b)
	}
	return c.String(http.StatusServiceUnavailable, "not ready: "+why+"\n")
}

// wait returns when the doors are shut, or with the error that shut them.
func (l *lobby) wait() error { return l.serving.Wait() }

// shutdown lets those who are inside go and nobody else in; whoever is there when ctx ends is hung up on.
func (l *lobby) shutdown(ctx context.Context) error {
	l.plain.Close()
	if err := l.server.Shutdown(ctx); err != nil {
		return l.server.Close()
	}
	return nil
}

// close shuts the doors at once, if they are open.
func (l *lobby) close() error { return errors.Join(l.server.Close(), l.plain.Close()) }
