package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/coopnode/coopnode/activitypub"
	"github.com/coopnode/coopnode/node"
	"github.com/coopnode/coopnode/store"
	"github.com/coopnode/coopnode/ui"
)

// stopWithin is how long a stop may take.
const stopWithin = 10 * time.Second

func serveCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use: "serve", Short: "Run the node", Args: argsBetween(0, 0),
		Long: "Runs the node until it is told to stop (Ctrl-C, SIGTERM). Commands work beside it; what they change is noticed within a second.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			context.AfterFunc(ctx, stop) // a second Ctrl-C ends at once
			return a.serve(ctx)
		},
	}
	cmd.Flags().StringSliceVar(&a.listen, "listen", nil, "addresses to listen on, instead of the configured ones")
	return cmd
}

// serve runs the node until ctx ends: open, wire, listen, run, and stop in reverse order.
func (a *app) serve(ctx context.Context) (err error) {
	defer func() {
		if ctx.Err() != nil { // told to stop while it was being opened
			err = ended(err)
		}
	}()
	cfg, err := a.loadConfig()
	if err != nil {
		return err
	}
	fitTheMachine()
	level := newLogLevel(a.levelOf(cfg))
	log := a.serverLog(cfg, level)

	trusted, err := prefixes(cfg.TrustedProxies)
	if err != nil {
		return err
	}
	counts, manager := newCounters(), manager{log}
	door := newLobby(cfg, trusted, manager, counts, log, a.errOut)
	defer door.close()
	h, err := a.openToServe(ctx, cfg, door, counts, log)
	if ctx.Err() != nil {
		return nil // told to stop before it was open
	} else if err != nil {
		return err
	}
	defer h.db.Close()
	h.meter = counts
	wire, err := h.wire(ctx, log)
	if err != nil {
		return err
	}
	defer wire.Close()

	e := mountAll(h, wire, trusted, counts, log)

	var keeper *certificateKeeper
	if cfg.TLS == "auto" {
		if keeper, err = newCertificateKeeper(ctx, h, log); err != nil {
			return err
		}
	}
	if err := door.open(h.Links.Base, h.Dev); err != nil { // if it is not open yet
		return err
	}
	numbers, err := openMetrics(cfg)
	if err != nil {
		return err
	}
	if err := a.tellPause(ctx, h); err != nil {
		return err
	}
	if err := a.tellWelcome(ctx, h); err != nil {
		return err
	}
	book, err := openLogbook(ctx, h.Node, log)
	if err != nil {
		return err
	}
	log.InfoContext(ctx, "serving", "address", h.Links.Base, "version", programVersion(), "data", cfg.Data)
	door.letIn(e, keeper.answers(toHTTPS(h)), keeper)
	manager.ready("serves " + h.Links.Base)

	running, runCtx := errgroup.WithContext(ctx)
	running.Go(door.wait)
	if keeper != nil {
		running.Go(func() error { return ended(keeper.Run(runCtx)) })
	}
	if numbers != nil {
		m := &http.Server{Handler: counts.handler(h), ReadTimeout: 5 * time.Second, WriteTimeout: 5 * time.Second}
		running.Go(func() error { return served(m.Serve(numbers)) })
		running.Go(func() error { <-runCtx.Done(); return m.Close() })
	}
	for _, loop := range wire.Loops() {
		running.Go(func() error { return ended(loop.Run(runCtx)) })
	}
	running.Go(func() error { return ended(newNoticeCarrier(h, wire, log).Run(runCtx)) })
	running.Go(func() error { return ended(watch(runCtx, h, book)) })
	running.Go(func() error { return ended((&backupKeeper{h, log}).Run(runCtx)) })
	running.Go(func() error { return ended(a.heed(runCtx, cfg, level, log)) })
	running.Go(func() error { return ended(h.KeepIndexed(runCtx)) })
	running.Go(func() error { return ended(manager.watchdog(runCtx, h.writes)) })
	running.Go(func() error {
		<-runCtx.Done()
		manager.stopping()
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWithin)
		defer cancel()
		return door.shutdown(last)
	})
	err = running.Wait()
	log.InfoContext(context.WithoutCancel(ctx), "stopped")
	return err
}

// mountAll is everything that the node answers: the guards, what other servers ask, and the pages.
func mountAll(h *house, wire *activitypub.Wire, trusted []netip.Prefix, counts *counters, log *slog.Logger) *echo.Echo {
	e := newEcho()
	pages := ui.Options{Log: log, Version: programVersion(), Doorway: wire.Doorway, Wire: forPages(wire), Sending: h.forSending(wire)}
	e.HTTPErrorHandler = answerError(log, counts, ui.Trouble(h.Node, pages))
	guards(e, h, trusted, counts, log)
	wire.Mount(e)
	ui.Mount(e, h.Node, pages)
	return e
}

// forPages is what the pages of the console ask of others.
func forPages(w *activitypub.Wire) ui.Wire {
	return ui.Wire{Find: w.Find, HostIn: activitypub.HostIn, Suffix: activitypub.PublicSuffix, ReadRules: activitypub.ReadBlockList, WriteRules: activitypub.WriteBlockList, ReachSelf: w.ReachSelf}
}

// forSending is how the console tries out mail and webhook.
func (h *house) forSending(w *activitypub.Wire) ui.Sending {
	return ui.Sending{
		TestMail: h.testMail, WebhookSecret: activitypub.WebhookSecret,
		TestWebhook: func(ctx context.Context) error { return h.testWebhook(ctx, w) },
	}
}

// openToServe opens the node for serving. In a container, where nothing but the environment speaks, a
// host named there is enough to make one.
func (a *app) openToServe(ctx context.Context, cfg *Config, door *lobby, counts *counters, log *slog.Logger) (*house, error) {
	opened := door.opening()
	defer opened()
	opt := store.Options{Dir: cfg.Data, Serve: true, Log: log, Measure: counts.database, Begin: door.begin, Progress: door.tell}
	h, err := a.openStore(ctx, cfg, opt, log)
	if node.IsNotFound(err) && strings.HasPrefix(cfg.from("host"), "COOPNODE_HOST") {
		nn := newNode{yes: true, domain: cfg.HandleDomain}
		if nn.host, err = readHost(cfg.Host, false); err != nil {
			return nil, err
		}
		made, _, err := a.makeNode(ctx, cfg, nn)
		if err != nil {
			return nil, err
		}
		made.db.Close()
		log.InfoContext(ctx, "made a new node", "address", nn.base(), "data", cfg.Data)
		return a.openStore(ctx, cfg, opt, log)
	}
	return h, err
}

// fitTheMachine gives Go twice the cores, so that a signature does not hold back an answer (decisions 26), and a memory
// that it should not pass; both unless the environment says otherwise.
func fitTheMachine() {
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(2 * runtime.NumCPU())
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(64 << 20)
	}
}

// levelOf is the least that the log of the server says.
func (a *app) levelOf(cfg *Config) (level slog.Level) {
	if a.debug {
		return slog.LevelDebug
	}
	level.UnmarshalText([]byte(cfg.LogLevel)) // checked when it was read
	return level
}

// serverLog is text on a terminal and JSON elsewhere (LOG-1).
func (a *app) serverLog(cfg *Config, level slog.Leveler) *slog.Logger {
	opt := &slog.HandlerOptions{Level: level, ReplaceAttr: shorten}
	if cfg.LogFormat == "text" || cfg.LogFormat == "auto" && isTerminal(a.errOut) {
		return slog.New(slog.NewTextHandler(a.errOut, opt))
	}
	return slog.New(slog.NewJSONHandler(a.errOut, opt))
}

// stackKey is under which a stack is logged: it is ours, and of no use when cut.
const stackKey = "stack"

// shorten cuts long strings, which may come from others (LOG-1).
func shorten(_ []string, attr slog.Attr) slog.Attr {
	const most = 256
	if attr.Key == stackKey {
		return attr
	}
	s := ""
	switch v := attr.Value.Any().(type) {
	case string:
		s = v
	case error:
		s = v.Error()
	default:
		return attr
	}
	return slog.String(attr.Key, cutText(s, most))
}

// watch looks once a second whether a command changed the data, and wakes the loops (decisions 34). Once a minute, and
// soon after the start, it gives memory back that is not in use, for a node has little to do most of the time, and looks
// after the log of the database. What people did goes into the log. The link for the first steward goes when it was used.
func watch(ctx context.Context, h *house, book *logbook) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for second := 0; ; second++ {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		if second%60 == 0 {
			debug.FreeOSMemory()
			trimLog(ctx, h, logTrimmed, logWarned)
		}
		h.db.TryWrite(ctx) // readiness tells how it ends, and so does whoever else writes
		changed, err := h.db.Changed(ctx)
		if err != nil && ctx.Err() == nil {
			h.Log().WarnContext(ctx, "could not look for changes", "err", err)
		}
		if err := h.endWelcome(ctx); err != nil && ctx.Err() == nil {
			h.Log().WarnContext(ctx, "the link for the first steward is over, but its file could not be removed", "err", err)
		}
		if changed {
			h.Ring()
		}
		if err := book.catchUp(ctx, h.db.Revision()); err != nil && ctx.Err() == nil {
			h.Log().WarnContext(ctx, "what people did cannot be written into the log", "err", err)
		}
	}
}

// writes comes back when the one writer of the store has had its turn.
func (h *house) writes(ctx context.Context) error {
	return h.Store().Tx(ctx, func(node.Tx) error { return nil })
}

// The write-ahead log of the database is moved into it above the first size, and complained of above the second (DB-7).
const (
	logTrimmed = 64 << 20
	logWarned  = 256 << 20
)

// trimLog keeps the write-ahead log small, and warns where it cannot.
func trimLog(ctx context.Context, h *house, trim, warn int64) {
	held, err := h.db.TrimLog(ctx, trim)
	if err != nil && ctx.Err() == nil {
		h.Log().WarnContext(ctx, "the log of the database could not be moved into it", "err", err)
	} else if held > warn {
		h.Log().WarnContext(ctx, "the log of the database grows: another program reads the database for long, and holds it", "bytes", held)
	}
}

// served is the end of a server: being told to stop is none.
func served(err error) error {
	if errors.Is(err, http.ErrServerClosed) || errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// ended is the end of a loop: being told to stop is none.
func ended(err error) error {
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

func newEcho() *echo.Echo {
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	return e
}

// answerError tells an error to who asked, once: programs as a problem, people with page.
func answerError(log *slog.Logger, counts *counters, page func(echo.Context, error) error) echo.HTTPErrorHandler {
	return func(err error, c echo.Context) {
		if c.Response().Committed {
			return
		}
		ctx, status := c.Request().Context(), activitypub.StatusOf(err)
		if status == http.StatusInternalServerError {
			counts.bugs.Inc()
			log.ErrorContext(ctx, "request failed", "req", requestID(c), "path", loggedPath(c.Request()), "err", err)
		} else if status > http.StatusInternalServerError {
			log.WarnContext(ctx, "request not served", "req", requestID(c), "path", loggedPath(c.Request()), "err", err)
		}
		tell := activitypub.Problem
		if !activitypub.Speaks(c.Request()) {
			tell = page
		}
		if e := tell(c, err); e != nil {
			log.DebugContext(ctx, "answer not sent", "req", requestID(c), "err", e)
		}
	}
}

// newServer has the timeouts and limits of HTTP-1.
func newServer(h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       60 * time.Second,
		MaxHeaderBytes:    16 << 10,
		HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: 100},
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}
