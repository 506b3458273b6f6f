package activitypub

import (
	"errors"
	"net/http"
	"time"

	"github.com/coopnode/coopnode/node"
)

// A Meter counts what happens at the doors and on the way out, for those who run the node. The words that it is given come
// from short lists of ours, whatever others send (LOG-4). It is used by many goroutines.
type Meter interface {
	// Delivered is one attempt at a letter: it arrived, waits for later, has ended, or this node could not send (failed).
	Delivered(outcome string, took time.Duration)
	// Received is one letter at an inbox, and what became of it there: taken, refused, unsigned, malformed, limited, failed.
	Received(verb, outcome string)
	// Unsigned is a letter whose signature did not hold: a SignatureReason, absent, unproved or signer.
	Unsigned(reason string)
}

// unmetered counts nothing.
type unmetered struct{}

func (unmetered) Delivered(string, time.Duration) {}
func (unmetered) Received(string, string)         {}
func (unmetered) Unsigned(string)                 {}

// countedVerb is the verb of a letter as it is counted: one that can have an effect here, "other", or "unread" where the door
// did not come so far as to read it.
func countedVerb(l *letter) string {
	if l == nil || l.doc == nil {
		return "unread"
	}
	if v := verbNamed(l.doc); node.Wants(v) {
		return string(v)
	}
	return "other"
}

// countedEnd is what became of a letter at the door.
func countedEnd(err error) string {
	if err == nil {
		return "taken"
	}
	switch StatusOf(err) {
	case http.StatusUnauthorized:
		return "unsigned"
	case http.StatusForbidden:
		return "refused"
	case http.StatusTooManyRequests:
		return "limited"
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType:
		return "malformed"
	}
	return "failed"
}

// countedAttempt is how an attempt at a letter ended.
func countedAttempt(j verdict) string {
	switch {
	case j.fault == ownFault:
		return "failed"
	case j.result == node.Arrived:
		return "arrived"
	case j.result == node.Ended:
		return "ended"
	}
	return "later"
}

// countedReason is why a signature did not hold.
func countedReason(err error) string {
	var bad *SignatureError
	switch {
	case errors.As(err, &bad):
		return string(bad.Reason)
	case errors.Is(err, ErrNoSignature):
		return "absent"
	}
	return "unproved" // the key is not what it is said to be
}
