package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

// manager is what started serve, where that wants to hear how it is: systemd, or a program that speaks as it does (sd_notify(3)).
// Where nothing does, telling it does nothing.
type manager struct{ log *slog.Logger }

// ready says that every listener is open; status is what `systemctl status` shows from now on.
func (m manager) ready(status string) { m.tell(daemon.SdNotifyReady + "\nSTATUS=" + oneLine(status)) }

// stopping says that the end has begun.
func (m manager) stopping() { m.tell(daemon.SdNotifyStopping + "\nSTATUS=ends what has begun") }

// status is one line about what happens, for whoever waits for it.
func (m manager) status(text string) { m.tell("STATUS=" + oneLine(text)) }

// extend asks for d more, counted from now, before the manager thinks that a start or a stop hangs.
func (m manager) extend(d time.Duration) {
	m.tell(fmt.Sprintf("EXTEND_TIMEOUT_USEC=%d", d.Microseconds()))
}

func (m manager) tell(state string) {
	if _, err := daemon.SdNotify(false, state); err != nil {
		m.log.Warn("the service manager could not be told", "err", err)
	}
}

// watchdog tells the manager twice in its interval that the node lives, and keeps silent when it does not, so that it is
// started anew. It lives while alive comes back; with an error too, for a full disk does not heal by a new start, and until then
// pages can be read.
func (m manager) watchdog(ctx context.Context, alive func(context.Context) error) error {
	interval, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		m.log.WarnContext(ctx, "the interval of the watchdog cannot be read", "err", err)
	}
	if interval == 0 {
		return nil
	}
	tick := time.NewTicker(interval / 2)
	defer tick.Stop()
	for {
		look, cancel := context.WithTimeout(ctx, interval/2)
		err := alive(look)
		cancel()
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, context.DeadlineExceeded):
			m.log.ErrorContext(ctx, "the database does not answer; the watchdog is not told", "within", interval/2)
		default:
			m.tell(daemon.SdNotifyWatchdog)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}
