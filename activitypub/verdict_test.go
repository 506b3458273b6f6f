package activitypub

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"syscall"
	"testing"
	"time"

	"github.com/coopnode/coopnode/node"
)

// decisions 27 to 29: what each answer means.
func TestVerdictOfAnswer(t *testing.T) {
	ended, waits := verdict{result: node.Ended}, verdict{fault: letterFault}
	for _, tt := range []struct {
		statuses []int
		attempts int
		want     verdict
	}{
		{[]int{200, 201, 202, 204}, 0, verdict{result: node.Arrived}},
		{[]int{404, 410}, 0, verdict{result: node.Ended, gone: true}},
		{[]int{401, 403}, 0, waits},
		{[]int{401, 403}, 1, waits},
		{[]int{401, 403}, 2, ended},
		{[]int{400, 402, 405, 406, 409, 413, 415, 422, 451, 501}, 0, ended},
		{[]int{408, 425, 500, 502, 504, 520, 599}, 9, waits},
		{[]int{429, 503}, 0, verdict{fault: peerFault}},
	} {
		for _, status := range tt.statuses {
			got := judge(&PostResult{Status: status, RetryAfter: 0}, nil, tt.attempts)
			want := tt.want
			if want.result != node.Arrived {
				want.reason = fmt.Sprint("answered ", status)
			}
			if got != want {
				t.Errorf("%d after %d attempts: %+v, want %+v", status, tt.attempts, got, want)
			}
		}
	}
	if v := judge(&PostResult{Status: 503, RetryAfter: time.Hour}, nil, 0); v.after != time.Hour {
		t.Errorf("Retry-After of an hour became %v", v.after)
	}
}

// Q-6, decisions 27: what the lack of an answer means.
func TestVerdictOfError(t *testing.T) {
	network := func(err error) error {
		return &NetworkError{Host: "mill.example", Err: &url.Error{Op: "Post", Err: err}}
	}
	for _, tt := range []struct {
		name   string
		err    error
		fault  fault
		result node.Result
		reason string
	}{
		{"an address that is refused ends the letter", fmt.Errorf("post: %w", refuse("10.0.0.1", "it is not a public address")), noFault, node.Ended, "address not allowed: it is not a public address"},
		{"a redirect is not followed", &StatusError{URL: "https://mill.example/inbox", Code: 302}, letterFault, node.Later, "answered 302"},
		{"a name that is not there", network(&net.DNSError{Err: "no such host", IsNotFound: true}), peerFault, node.Later, "no such name"},
		{"a name server that is silent", network(&net.DNSError{Err: "i/o timeout", IsTimeout: true}), peerFault, node.Later, "name server does not answer"},
		{"a closed port", network(&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}), peerFault, node.Later, "connection refused"},
		{"a peer that hangs", network(errTooSlow), peerFault, node.Later, "no answer in time"},
		{"a connect that hangs", network(&net.OpError{Op: "dial", Err: syscall.ETIMEDOUT}), peerFault, node.Later, "no answer in time"},
		{"a certificate of another name", network(&tls.CertificateVerificationError{Err: x509.HostnameError{Certificate: &x509.Certificate{}, Host: "mill.example"}}), peerFault, node.Later, "no trusted TLS connection"},
		{"a peer that speaks no TLS", network(tls.RecordHeaderError{Msg: "first record does not look like a TLS handshake"}), peerFault, node.Later, "no trusted TLS connection"},
		{"a connection that breaks", network(errors.New("EOF")), peerFault, node.Later, "connection failed"},
		{"a key that cannot be read", errors.New("read the node's key: no such thing"), ownFault, node.Later, "this node could not send"},
	} {
		v := judge(nil, tt.err, 0)
		if v.fault != tt.fault || v.result != tt.result || v.reason != tt.reason {
			t.Errorf("%s: %+v", tt.name, v)
		}
	}
}
