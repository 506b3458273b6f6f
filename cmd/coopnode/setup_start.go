package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"

	"github.com/coopnode/coopnode/node"
	"github.com/coopnode/coopnode/store"
)

// unit is how systemd knows the service that the package brings.
const unit = "coopnode.service"

// start is the fourth step: the service runs, now and at every boot, and has its certificate.
func (s *setup) start(ctx context.Context) error {
	s.begin("HTTPS and first start")
	if err := s.startService(ctx); err != nil {
		return err
	}
	if !s.runs {
		return nil
	}
	if s.cfg.TLS == "auto" {
		if err := s.awaitCertificate(ctx); err != nil {
			return err
		}
	}
	return s.examineAll(ctx)
}

// serviceKnown says whether systemd runs here and knows the service.
func serviceKnown(ctx context.Context) bool {
	known, err := exec.CommandContext(ctx, "systemctl", "show", "--property=LoadState", "--value", unit).Output()
	return err == nil && strings.TrimSpace(string(known)) == "loaded"
}

// startLine is what a person types to start the node of a data folder.
func (a *app) startLine(ctx context.Context, data string) string {
	if data == systemData && serviceKnown(ctx) {
		return "systemctl enable --now coopnode"
	}
	return "coopnode serve" + a.whereFlags()
}

// startService starts it by systemd, where that runs and knows it; else it says what to do instead.
func (s *setup) startService(ctx context.Context) error {
	if serviceKnown(ctx) {
		if out, err := exec.CommandContext(ctx, "systemctl", "enable", "--now", unit).CombinedOutput(); err != nil {
			return &node.Error{Op: "start service", Kind: node.Unavailable, Subject: unit, Err: err,
				Text: "systemctl enable --now coopnode does not succeed: " + oneLine(strings.TrimSpace(string(out))) + " What the program said: journalctl -u coopnode"}
		}
		s.runs = true
		s.done("service started, and at every boot", "systemctl status coopnode")
		return nil
	}
	if pid, runs := store.Server(s.cfg.Data); runs {
		s.runs = true
		s.done("the node runs", fmt.Sprintf("process %d", pid))
		return nil
	}
	serve := "coopnode serve" + s.whereFlags()
	s.more("Nothing here starts services (no systemd, or the package is not installed). Start it yourself:")
	s.tell("")
	s.more("  %s", serve)
	s.tell("")
	s.more("and at every boot by the line `@reboot %s` in crontab -e, or by what runs your containers.", serve)
	err := s.wait(ctx, "it runs", func(context.Context) error {
		if _, runs := store.Server(s.cfg.Data); !runs {
			return errors.New("the node does not run")
		}
		return nil
	})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		s.open("the node does not run yet", "")
		return nil
	}
	s.runs = true
	s.done("the node runs", "")
	return nil
}

// awaitCertificate waits until the server has got one.
func (s *setup) awaitCertificate(ctx context.Context) error {
	var got node.Certificate
	err := s.wait(ctx, "the certificate is there", func(ctx context.Context) error {
		return s.visit(ctx, func(h *house) error {
			list, err := h.Certificates(ctx)
			switch {
			case err != nil:
				return err
			case len(list) == 0:
				return errors.New("the server has not asked for one yet")
			case !list[0].Held(clock()):
				return errors.New(list[0].Trouble)
			}
			got = list[0]
			return nil
		})
	})
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		s.open("no certificate yet", "the node goes on trying")
		s.more("%s", oneLine(problemText(err)))
	default:
		s.done("certificate from "+got.Issuer, "valid until "+got.Until.Format("2 January 2006"))
	}
	return nil
}

// examineAll shows what doctor finds, in short.
func (s *setup) examineAll(ctx context.Context) error {
	if s.nn.offline {
		return nil
	}
	return s.visit(ctx, func(h *house) error {
		list, err := s.examine(ctx, h, examineOptions{noAsk: true})
		if err != nil {
			return err
		}
		fine := 0
		for _, f := range list {
			switch f.State {
			case good:
				fine++
			case broken:
				s.open(f.Check+": "+f.Measured, "")
				s.more("→ %s", f.Mend)
			}
		}
		s.done(fmt.Sprintf("%d checks are good", fine), "coopnode doctor")
		return nil
	})
}
