package node

import (
	"cmp"
	"context"
	"math/rand/v2"
	"strconv"
	"time"
)

// A Delivery is one letter to one inbox that has not arrived yet.
type Delivery struct {
	Act       int64     `json:"act"` // Seq of the act
	ActIRI    string    `json:"activity"`
	Host      string    `json:"host"`
	Inbox     string    `json:"inbox"`
	Object    string    `json:"object"`
	Attempts  int       `json:"attempts"`
	NotBefore time.Time `json:"notBefore,omitzero"`
	Created   time.Time `json:"created"`
	Reason    string    `json:"reason,omitempty"` // why the last attempt failed
}

// A Peer is another server as the queue sees it.
type Peer struct {
	Host     string    `json:"host"`
	Due      time.Time `json:"due,omitzero"` // when it is visited next; zero if nothing waits
	Failures int       `json:"failures"`     // visits in a row that failed as a whole
	Reason   string    `json:"reason,omitempty"`
	LastOK   time.Time `json:"lastOk,omitzero"`
	Waiting  int       `json:"waiting"`
}

// An Outcome is how one attempt ended.
type Outcome struct {
	Act       int64
	Inbox     string
	Result    Result
	NotBefore time.Time // Later: when it may be tried again
	Retried   bool      // Arrived: it was not the first attempt
	Reason    string
	GivenUp   bool // Ended: it was tried for GiveUpAfter
}

// Result of an attempt.
type Result int

// A delivery leaves the queue when it arrived, was refused for good or became too old.
const (
	Later Result = iota
	Arrived
	Ended
)

// A Visit is how a turn at a peer ended.
type Visit struct {
	Host      string
	OK        bool      // at least one letter arrived or was answered
	NotBefore time.Time // the peer is left alone until then; zero for none
	Failures  int
	Reason    string
}

// A DeliveryHour is what became of letters in one hour of the clock.
type DeliveryHour struct {
	Begin   time.Time `json:"begin"`
	Arrived int       `json:"arrived"` // at the first attempt
	Retried int       `json:"retried"` // at a later one
	Ended   int       `json:"ended"`   // without arriving
	Waiting int       `json:"waiting"` // made in this hour and not there yet
}

// Recipients says who shall hear of an act.
type Recipients struct {
	Followers bool     // every accepted follower, by shared inbox where there is one
	Coops     bool     // of those, at least the ones that say that they are cooperatives
	ReadersOf string   // those who showed that they hold this object (decisions 16)
	Actors    []string // these, at their personal inbox
}

// QueueStatus is the queue at a glance.
type QueueStatus struct {
	Waiting int       `json:"waiting"`
	Oldest  time.Time `json:"oldest,omitzero"`
	Peers   int       `json:"peers"`   // with letters waiting
	Failing int       `json:"failing"` // of those, the ones whose last visit failed
	Letters int       `json:"letters"` // received and not yet handled
}

// The waits between attempts, for a letter and for a peer alike; then daily (decisions 28).
var retryWaits = []time.Duration{
	2 * time.Second, 8 * time.Second, 30 * time.Second, time.Minute, 5 * time.Minute, 15 * time.Minute,
	time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour,
}

// GiveUpAfter is the age at which a letter is given up (decisions 28).
const GiveUpAfter = 7 * 24 * time.Hour

// RetryWait is how long to wait after so many failures in a row (1 or more), without jitter.
func RetryWait(failures int) time.Duration {
	if failures > len(retryWaits) {
		return 24 * time.Hour
	}
	return retryWaits[max(failures, 1)-1]
}

// NextTry is RetryWait with up to 20 % more or less, so that peers are not all asked at once.
func NextTry(now time.Time, failures int) time.Time {
	wait := RetryWait(failures)
	return now.Add(wait*4/5 + rand.N(wait*2/5))
}

// SettingPaused is set while no letter goes out, to the time since when: a node that was restored must not repeat
// what it said after the backup, before somebody has looked (BAK-4).
const SettingPaused = "deliveries_paused"

// MachineSettings are those that tell how something stands on a machine, and nothing of another one on which the node is restored:
// its certificates, and the backups that it has made.
var MachineSettings = []string{settingCertificates, settingBackups}

// PausedSince says since when deliveries are paused; the zero time if they are not.
func PausedSince(ctx context.Context, s Reader) (time.Time, error) {
	text, err := s.Setting(ctx, SettingPaused)
	if IsNotFound(err) || err == nil && text == "" {
		return time.Time{}, nil
	} else if err != nil {
		return time.Time{}, err
	}
	since, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, &Error{Op: "read pause", Kind: Damaged, Err: err}
	}
	return since, nil
}

// ResumeDeliveries lets letters go out again. by names who did it.
func (n *Node) ResumeDeliveries(ctx context.Context, by string) error {
	now := n.Now()
	err := n.store.Tx(ctx, func(tx Tx) error {
		if err := n.note(ctx, tx, by, "delivery.resume", "", "", now); err != nil {
			return err
		}
		return tx.SetSetting(ctx, SettingPaused, "")
	})
	n.changed(err)
	return err
}

// QueueStatus shows the queue at a glance.
func (n *Node) QueueStatus(ctx context.Context) (*QueueStatus, error) {
	return n.store.QueueStatus(ctx)
}

// Deliveries lists what waits, oldest first.
func (n *Node) Deliveries(ctx context.Context, q DeliveryQuery) ([]*Delivery, error) {
	return n.store.Deliveries(ctx, q)
}

// Peers lists the servers for which letters wait, those in trouble first.
func (n *Node) Peers(ctx context.Context, limit int) ([]*Peer, error) {
	return n.store.Peers(ctx, limit)
}

// DeliveryHours tells what became of letters in each of the last hours, 1 to 720 of them, the one of now last.
func (n *Node) DeliveryHours(ctx context.Context, hours int) ([]*DeliveryHour, error) {
	hours = min(max(hours, 1), 720)
	first := n.Now().Truncate(time.Hour).Add(-time.Duration(hours-1) * time.Hour)
	busy, err := n.store.DeliveryHours(ctx, first)
	if err != nil {
		return nil, err
	}
	all := make([]*DeliveryHour, hours)
	for i := range all {
		all[i] = &DeliveryHour{Begin: first.Add(time.Duration(i) * time.Hour)}
	}
	for _, h := range busy {
		if i := int(h.Begin.Sub(first) / time.Hour); i < hours {
			all[i] = h
		}
	}
	return all, nil
}

// RetryDeliveries makes the matching letters due now and returns how many there are. by names who did it.
func (n *Node) RetryDeliveries(ctx context.Context, by string, q DeliveryQuery) (count int, err error) {
	now := n.Now()
	err = n.store.Tx(ctx, func(tx Tx) error {
		if count, err = tx.RetryDeliveries(ctx, q, now); err != nil {
			return err
		}
		return n.note(ctx, tx, by, "delivery.retry", q.subject(), strconv.Itoa(count), now)
	})
	n.changed(err)
	return count, err
}

// DropDeliveries ends the matching letters without sending them and returns how many there were. by names who did it.
func (n *Node) DropDeliveries(ctx context.Context, by string, q DeliveryQuery) (count int, err error) {
	now := n.Now()
	err = n.store.Tx(ctx, func(tx Tx) error {
		if count, err = tx.DropDeliveries(ctx, q); err != nil {
			return err
		}
		return n.note(ctx, tx, by, "delivery.drop", q.subject(), strconv.Itoa(count), now)
	})
	return count, err
}

// subject names the letters that it selects, "" for all.
func (q DeliveryQuery) subject() string { return cmp.Or(q.Inbox, q.Host, q.Object, q.Act) }
