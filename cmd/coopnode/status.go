package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/coopnode/coopnode/node"
)

// status is one screen about the node.
type status struct {
	Version   string             `json:"version"`
	Address   string             `json:"address"` // on the web
	Handle    string             `json:"handle"`
	Name      string             `json:"name"`
	Dev       bool               `json:"dev,omitempty"`
	Data      string             `json:"data"`
	Followers int                `json:"followers"`
	Waiting   int                `json:"followersWaiting"` // for a person to accept
	Following int                `json:"following"`
	Openings  int                `json:"openOpenings"`
	Unread    int                `json:"unread"`  // in the inbox
	Reports   int                `json:"reports"` // open ones, 200 at most
	Queue     *node.QueueStatus  `json:"queue"`
	Since     time.Time          `json:"servingSince,omitzero"`          // zero where no server runs
	Certs     []node.Certificate `json:"certificates,omitempty"`         // that the node gets by itself
	Free      int64              `json:"diskFree"`                       // bytes
	Paused    time.Time          `json:"deliveriesPausedSince,omitzero"` // after a restore

	Backup *node.BackupStatus `json:"backup"`
}

func statusCommand(a *app) *cobra.Command {
	var network bool
	cmd := &cobra.Command{
		Use: "status", Short: "This node on one screen, or what it has seen of the network", Args: argsBetween(0, 0),
		Example: "  coopnode status\n  coopnode status --numbers",
		RunE: a.on(func(ctx context.Context, h *house, _ []string) error {
			if network {
				return a.showNumbers(ctx, h)
			}
			s, err := h.status(ctx)
			if err != nil {
				return err
			}
			return a.show(s, func(w io.Writer) {
				dev := ""
				if s.Dev {
					dev = "  (for trying out: --dev)"
				}
				table(w, func(row func(...any)) {
					running := "  (not running: coopnode serve)"
					if !s.Since.IsZero() {
						running = "  running since " + moment(s.Since)
					}
					row("coopnode", s.Version+running)
					row("coop", s.Name+"  "+s.Handle)
					row("address", s.Address+"/"+dev)
					row("data", s.Data)
					row("openings", fmt.Sprintf("%d open", s.Openings))
					row("followers", withWaiting(s.Followers, s.Waiting))
					row("following", s.Following)
					row("inbox", inboxText(s.Unread, s.Reports))
					row("queue", queueText(s.Queue, h.Now()))
					for _, c := range s.Certs {
						row("certificate", c.Name+"  "+certificateText(c, h.Now()))
					}
					row("backup", backupText(s.Backup, h.Now()))
					row("disk", sizeText(s.Free)+" free")
					if !s.Paused.IsZero() {
						row("paused", "no letters go out since the restore of "+moment(s.Paused)+" (coopnode delivery resume)")
					}
				})
			})
		}),
	}
	cmd.Flags().BoolVar(&network, "numbers", false, "what this node has seen of the network: the numbers of its page /numbers")
	return cmd
}

func (a *app) showNumbers(ctx context.Context, h *house) error {
	n, err := h.Numbers(ctx)
	if err != nil {
		return err
	}
	tally := func(t node.Tally) string {
		return fmt.Sprintf("%d, of which %d are open, %d are filled, %d were answered in public", t.Seen, t.Open, t.Filled, t.Answered)
	}
	return a.show(n, func(w io.Writer) {
		table(w, func(row func(...any)) {
			row("seen since", n.Since.Format(time.DateOnly))
			row("coops", fmt.Sprintf("%d in %d countries", n.Coops, n.Countries))
			row("federations", n.Federations)
			row("openings", tally(n.Openings))
			if n.Samples > 0 {
				row("samples", fmt.Sprintf("%d, counted in none of these", n.Samples))
			}
			for _, f := range n.By {
				row(f.Name, fmt.Sprintf("%d members; passed on %s", f.Members, tally(f.Passed)))
			}
		})
	})
}

func (h *house) status(ctx context.Context) (*status, error) {
	p, err := h.Profile(ctx)
	if err != nil {
		return nil, err
	}
	s := &status{Version: programVersion(), Address: h.Links.Base, Handle: p.Address(), Name: p.Name, Dev: h.Dev, Data: h.cfg.Data}
	if s.Queue, err = h.QueueStatus(ctx); err != nil {
		return nil, err
	}
	s.Since = servedSince(h.cfg.Data)
	if s.Certs, err = h.Certificates(ctx); err != nil {
		return nil, err
	}
	if d, err := diskOf(h.cfg.Data); err == nil {
		s.Free = d.free
	}
	if s.Paused, err = node.PausedSince(ctx, h.Store()); err != nil {
		return nil, err
	}
	if s.Backup, err = h.BackupStatus(ctx); err != nil {
		return nil, err
	}
	pending, err := everybody(ctx, h.Followers, node.FollowQuery{State: node.Pending}, 1000)
	if err != nil {
		return nil, err
	}
	s.Waiting = len(pending)
	if s.Followers, err = h.CountFollowers(ctx); err != nil {
		return nil, err
	}
	if s.Following, err = h.CountFollowing(ctx); err != nil {
		return nil, err
	}
	if s.Unread, err = h.CountRemarks(ctx, node.RemarkQuery{State: node.Unread}); err != nil {
		return nil, err
	}
	reports, err := h.Reports(ctx, node.ReportQuery{Open: true, Limit: 200})
	if err != nil {
		return nil, err
	}
	s.Reports = len(reports)
	s.Openings, err = h.Count(ctx, node.ObjectQuery{Type: node.TypeOpening, Local: true, OpenAt: h.Now()})
	return s, err
}

func inboxText(unread, reports int) string {
	text := fmt.Sprintf("%d unread", unread)
	if reports > 0 {
		text += fmt.Sprintf(", and %d complaints (coopnode report list)", reports)
	}
	return text
}

func backupText(s *node.BackupStatus, now time.Time) string {
	if trouble, why := s.Trouble(now); trouble != "" {
		text := map[node.BackupTrouble]string{
			node.TroubleDamaged: "the database is damaged", node.TroubleRestored: "the last one could not be restored in a test",
			node.TroubleLate: "none for two days", node.TroubleCopied: "no copy in the second folder for two days",
		}[trouble]
		if why != "" {
			text += ": " + why
		}
		return text + " (coopnode backup settings)"
	}
	if s.Settings.Off {
		return "none by itself (coopnode backup settings)"
	}
	if s.Made.Done.IsZero() {
		return "none yet; the first one comes at night, while the node serves"
	}
	text := moment(s.Made.Done) + ", " + sizeText(s.Bytes)
	if s.Restored.Done.IsZero() {
		return text + "; none was restored for a test yet"
	}
	return text + "; restored for a test at " + moment(s.Restored.Done)
}

func withWaiting(n, waiting int) string {
	if waiting == 0 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%d, and %d wait for your answer (coopnode followers list --state pending)", n, waiting)
}

func queueText(q *node.QueueStatus, now time.Time) string {
	if q.Waiting == 0 && q.Letters == 0 {
		return "empty: everything has arrived"
	}
	text := fmt.Sprintf("%d letters wait for %d servers", q.Waiting, q.Peers)
	if !q.Oldest.IsZero() {
		text += fmt.Sprintf(", the oldest for %s", now.Sub(q.Oldest).Round(time.Second))
	}
	if q.Failing > 0 {
		text += fmt.Sprintf("; %d servers do not answer (coopnode delivery hosts)", q.Failing)
	}
	if q.Letters > 0 {
		text += fmt.Sprintf("; %d received and not yet read", q.Letters)
	}
	return text
}
