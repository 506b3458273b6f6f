package main

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"sync"
	"syscall"
	"time"
)

// debugFor is for how long SIGUSR1 makes the log say everything.
const debugFor = 10 * time.Minute

// A logLevel is the least that is written, which signals change while the node serves.
type logLevel struct {
	slog.LevelVar

	mu      sync.Mutex
	usual   slog.Level
	present *time.Timer // ends a time of debugging
}

func newLogLevel(usual slog.Level) *logLevel {
	l := &logLevel{usual: usual}
	l.Set(usual)
	return l
}

// debug says everything for a while, from now on.
func (l *logLevel) debug(d time.Duration, over func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.present != nil {
		l.present.Stop()
	}
	l.Set(slog.LevelDebug)
	l.present = time.AfterFunc(d, func() {
		l.mu.Lock()
		l.Set(l.usual)
		l.mu.Unlock()
		over()
	})
}

// setUsual is what holds when no debugging is on.
func (l *logLevel) setUsual(level slog.Level) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.present != nil {
		l.present.Stop()
	}
	l.usual = level
	l.Set(level)
}

// heed obeys signals until ctx ends: SIGUSR1 is ten minutes of debugging, SIGHUP reads the configuration again.
func (a *app) heed(ctx context.Context, cfg *Config, level *logLevel, log *slog.Logger) error {
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGUSR1, syscall.SIGHUP)
	defer signal.Stop(signals)
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case s := <-signals:
			if s == syscall.SIGUSR1 {
				level.debug(debugFor, func() { log.Info("debugging is over") })
				log.Info("debugging begins", "for", debugFor)
				continue
			}
			cfg = a.reload(cfg, level, log)
		}
	}
}

// reload reads the configuration again, takes over what can change while the node serves, and says what cannot. Certificates
// are read again by themselves, within a minute of their change.
func (a *app) reload(was *Config, level *logLevel, log *slog.Logger) *Config {
	now, err := a.loadConfig()
	if err != nil {
		log.Warn("the configuration cannot be used; everything stays as it was", "err", err)
		return was
	}
	var taken, waits []string
	for _, s := range settings {
		if slices.Equal(s.get(was), s.get(now)) {
			continue
		}
		if s.name == "log.level" {
			taken = append(taken, s.name)
		} else {
			waits = append(waits, s.name)
		}
	}
	log.Info("configuration read again", "file", now.File, "taken over", taken, "after a new start", waits)
	if len(taken) > 0 {
		level.setUsual(a.levelOf(now)) // after the line above, which may be below it
	}
	kept := *was
	kept.LogLevel = now.LogLevel
	return &kept
}
