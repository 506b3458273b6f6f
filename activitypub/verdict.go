package activitypub

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"syscall"
	"time"

	"github.com/coopnode/coopnode/node"
)

// refusalsEnd is how many answers of 401 or 403 end a letter (decisions 29). The first ones may be
// a peer that could not read our key just then.
const refusalsEnd = 3

// A fault says whom a failed attempt is held against, and so what waits: the letter, its whole
// peer, or this node (decisions 27).
type fault int

const (
	noFault     fault = iota // arrived, or ended for good
	letterFault              // the peer answered and did not want this letter now
	peerFault                // the peer cannot be talked to now
	ownFault                 // this node could not send
)

// A verdict is what the end of one attempt means.
type verdict struct {
	result node.Result
	fault  fault
	after  time.Duration // Retry-After: not tried before, 0 if the peer did not say
	gone   bool          // nobody is at that inbox: the followers behind it are in doubt
	reason string        // a few words, the same for the same trouble; "" if the letter arrived
}

// judge reads the end of an attempt (Q-2, Q-6, decisions 27 to 29). attempts are those before
// it. err must not be that of a context of ours that ended.
//
//	2xx                                   arrived
//	404 410                               ended, and the followers behind the inbox are in doubt
//	401 403                               the letter waits; the third one ends it
//	408 425, any 3xx or 5xx but the next  the letter waits
//	429 503, no answer                    the peer waits
//	501, any other 4xx                    ended
//	address not allowed                   ended
func judge(res *PostResult, err error, attempts int) verdict {
	if err != nil {
		return judgeError(err)
	}
	v := verdict{reason: fmt.Sprintf("answered %d", res.Status), after: res.RetryAfter}
	switch {
	case res.OK():
		return verdict{result: node.Arrived}
	case res.Status == http.StatusNotFound || res.Status == http.StatusGone:
		v.result, v.gone = node.Ended, true
	case res.Status == http.StatusUnauthorized || res.Status == http.StatusForbidden:
		v.fault = letterFault
		if attempts+1 >= refusalsEnd {
			v.result, v.fault = node.Ended, noFault
		}
	case res.Status == http.StatusTooManyRequests || res.Status == http.StatusServiceUnavailable:
		v.fault = peerFault
	case res.Status == http.StatusRequestTimeout || res.Status == http.StatusTooEarly:
		v.fault = letterFault
	case res.Status/100 == 4 || res.Status == http.StatusNotImplemented:
		v.result = node.Ended
	default:
		v.fault = letterFault
	}
	return v
}

func judgeError(err error) verdict {
	var refused *RefusedError
	var status *StatusError
	var network *NetworkError
	switch {
	case errors.As(err, &refused):
		return verdict{result: node.Ended, reason: "address not allowed: " + refused.Why}
	case errors.As(err, &status):
		// A redirect, which a POST never follows (interop.md 5.1). It may be a passing one, as
		// to a page that says "back soon".
		return verdict{fault: letterFault, after: status.RetryAfter, reason: fmt.Sprintf("answered %d", status.Code)}
	case errors.As(err, &network):
		return verdict{fault: peerFault, reason: trouble(network.Err)}
	}
	return verdict{fault: ownFault, reason: "this node could not send"}
}

// trouble names what kept a peer from answering. The words do not vary with addresses and ports,
// so that a log can say each of them once (LOG-3).
func trouble(err error) string {
	var dns *net.DNSError
	var timeout net.Error
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		return "no such name"
	case errors.As(err, &dns):
		return "name server does not answer"
	case errors.Is(err, errTooSlow), errors.As(err, &timeout) && timeout.Timeout(), errors.Is(err, context.DeadlineExceeded):
		return "no answer in time"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused"
	case isTLS(err):
		return "no trusted TLS connection"
	}
	return "connection failed"
}

func isTLS(err error) bool {
	var (
		certificate *tls.CertificateVerificationError
		authority   x509.UnknownAuthorityError
		name        x509.HostnameError
		invalid     x509.CertificateInvalidError
		record      tls.RecordHeaderError
		alert       tls.AlertError
	)
	return errors.As(err, &certificate) || errors.As(err, &authority) || errors.As(err, &name) ||
		errors.As(err, &invalid) || errors.As(err, &record) || errors.As(err, &alert)
}
