package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/wneessen/go-mail"

	"github.com/coopnode/coopnode/node"
	"github.com/coopnode/coopnode/ui"
)

// mailTimeout is how long each part of sending a mail may take: to connect and sign in, and to hand over the mail.
const mailTimeout = 30 * time.Second

// A mailServer hands mails to the server that the stewards have named. The address rules for what others name
// (SSRF-1) are not for it: most mail servers are in the network of the node, or on its machine.
type mailServer struct {
	*node.MailSettings
	us      string         // host of this node
	roots   *x509.CertPool // the system's if nil
	timeout time.Duration
}

// mailServer is the one of the settings, nil if there is none.
func (h *house) mailServer(ctx context.Context) (*mailServer, error) {
	settings, err := h.MailSettings(ctx)
	if err != nil || settings == nil {
		return nil, err
	}
	return h.mailServerOf(settings)
}

func (h *house) mailServerOf(settings *node.MailSettings) (*mailServer, error) {
	s := &mailServer{MailSettings: settings, us: node.HostName(h.Links.Host()), timeout: mailTimeout}
	if h.cfg.CAFile == "" {
		return s, nil
	}
	pem, err := os.ReadFile(h.cfg.CAFile)
	if err != nil {
		return nil, fmt.Errorf("read the certificates of [outgoing] ca_file: %w", err)
	}
	if s.roots, err = x509.SystemCertPool(); err != nil {
		s.roots = x509.NewCertPool()
	}
	s.roots.AppendCertsFromPEM(pem)
	return s, nil
}

// message makes a mail. id is the same at every try, so that who gets it twice can tell (RFC 5322 3.6.4); choose is the page on
// which its reader says what to hear of, "" where there is nothing to choose.
func (s *mailServer) message(id, to, toName, from, choose string, text ui.Mail) (*mail.Msg, error) {
	m := mail.NewMsg(mail.WithNoDefaultUserAgent(), mail.WithEncoding(mail.EncodingQP))
	if s.Name != "" {
		from = s.Name
	}
	if err := m.FromFormat(headerLine(from), s.From); err != nil {
		return nil, fmt.Errorf("sender of mail: %w", err)
	}
	if err := m.AddToFormat(headerLine(toName), to); err != nil {
		return nil, fmt.Errorf("recipient of mail: %w", err)
	}
	if s.ReplyTo != "" {
		if err := m.ReplyTo(s.ReplyTo); err != nil {
			return nil, fmt.Errorf("reply address of mail: %w", err)
		}
	}
	m.Subject(headerLine(text.Subject))
	m.SetMessageIDWithValue(id + "@" + s.us)
	m.SetDate()
	m.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: no automatic answers
	m.SetGenHeader("Content-Language", headerLine(text.Lang))
	if choose != "" {
		m.SetListUnsubscribe(choose)
	}
	m.SetBodyString(mail.TypeTextPlain, text.Text)
	m.AddAlternativeString(mail.TypeTextHTML, text.HTML)
	return m, nil
}

// headerLine keeps what others wrote inside its header: one line, nothing invisible.
func headerLine(s string) string { return strings.TrimSpace(oneLine(strings.ReplaceAll(s, "\r", " "))) }

// send hands a mail over, on a connection of its own. What goes wrong is a *mailError.
func (s *mailServer) send(ctx context.Context, m *mail.Msg) error {
	return s.visit(ctx, func(c *mail.Client) error {
		if err := c.Send(m); err != nil && !m.IsDelivered() {
			return err
		}
		return nil
	})
}

// signIn connects and signs in, and sends nothing. What goes wrong is a *mailError.
func (s *mailServer) signIn(ctx context.Context) error {
	return s.visit(ctx, func(*mail.Client) error { return nil })
}

// visit does something on a connection of its own, signed in.
func (s *mailServer) visit(ctx context.Context, do func(*mail.Client) error) error {
	var open net.Conn
	defer func() {
		if open != nil {
			open.Close()
		}
	}()
	options := []mail.Option{
		mail.WithPort(s.Port), mail.WithTimeout(s.timeout), mail.WithHELO(s.us), mail.WithoutNoop(),
		mail.WithTLSConfig(s.tls()), mail.WithTLSPolicy(mail.NoTLS),
		mail.WithDialContextFunc(func(dialing context.Context, network, address string) (net.Conn, error) {
			conn, err := s.dial(dialing, network, address)
			if err == nil {
				open = conn
				context.AfterFunc(ctx, func() { conn.Close() })
			}
			return conn, err
		}),
	}
	if s.Security == node.MailSTARTTLS {
		options = append(options, mail.WithTLSPolicy(mail.TLSMandatory))
	}
	if s.User != "" {
		plain, login := mail.SMTPAuthPlain, mail.SMTPAuthLogin
		if s.Security == node.MailPlain {
			plain, login = mail.SMTPAuthPlainNoEnc, mail.SMTPAuthLoginNoEnc
		}
		options = append(options, mail.WithOpportunisticSMTPAuth(plain, login), mail.WithUsername(s.User), mail.WithPassword(s.Password))
	}
	client, err := mail.NewClient(s.Host, options...)
	if err != nil {
		return &mailError{node.Failure{Reason: err.Error(), All: true}, err}
	}
	if err := client.DialWithContext(ctx); err != nil {
		return s.failure(ctx, err)
	}
	if err := do(client); err != nil {
		return s.failure(ctx, err)
	}
	client.Close()
	return nil
}

// dial connects to the server. Where the settings take for granted that it is on this machine, it has to be.
func (s *mailServer) dial(ctx context.Context, network, address string) (net.Conn, error) {
	d := &net.Dialer{Timeout: s.timeout}
	conn, err := d.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	if s.Security == node.MailPlain && !s.Exposed {
		if at, err := netip.ParseAddrPort(conn.RemoteAddr().String()); err != nil || !at.Addr().Unmap().IsLoopback() {
			conn.Close()
			return nil, errors.New("the server is not on this machine, so nothing is said to it without encryption")
		}
	}
	if s.Security != node.MailTLS {
		return conn, nil
	}
	encrypted := tls.Client(conn, s.tls())
	if err := encrypted.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, err
	}
	return encrypted, nil
}

func (s *mailServer) tls() *tls.Config {
	return &tls.Config{ServerName: s.Host, RootCAs: s.roots, MinVersion: tls.VersionTLS12}
}

// A mailError is why a mail was not taken.
type mailError struct {
	node.Failure
	err error
}

func (e *mailError) Error() string { return e.Reason }

// Unwrap returns the cause.
func (e *mailError) Unwrap() error { return e.err }

// failure says of an error whether it is about this mail or about all. What the server answers to a recipient or a text is about
// this mail: 5xx for good, unless it says that it knows us not well enough (RFC 3463 5.7), which a steward can mend. All else
// is about the server or our account there.
func (s *mailServer) failure(ctx context.Context, err error) error {
	f := node.Failure{Reason: err.Error(), All: true}
	var sending *mail.SendError
	if errors.As(err, &sending) {
		f.Reason, _, _ = strings.Cut(f.Reason, ", affected ")
		switch code := sending.ErrorCode(); sending.Reason {
		case mail.ErrSMTPRcptTo, mail.ErrSMTPData, mail.ErrSMTPDataClose:
			f.All = code == 0 || code == 421 || code == 530
			f.Final = !f.All && code >= 500 && !strings.Contains(f.Reason, "5.7.")
		}
	}
	if cause := context.Cause(ctx); cause != nil {
		f.Reason, f.All = cause.Error(), true
	}
	f.Reason = s.Host + ": " + f.Reason
	return &mailError{f, err}
}
