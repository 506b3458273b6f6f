package main

import (
	"context"
	"crypto/x509"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/coopnode/coopnode/node"
	"github.com/coopnode/coopnode/ui"
)

// sender is how this node sends through a post office, and trusts it.
func (o *postOffice) sender(m *node.MailSettings) *mailServer {
	o.Helper()
	s := &mailServer{MailSettings: m, us: "mill.example", timeout: 30 * time.Second}
	if o.cert != "" {
		pem, err := os.ReadFile(o.cert)
		if err != nil {
			o.Fatal(err)
		}
		s.roots = x509.NewCertPool()
		s.roots.AppendCertsFromPEM(pem)
	}
	return s
}

func (o *postOffice) send(s *mailServer, to string, text ui.Mail) error {
	o.Helper()
	m, err := s.message("abc", to, "Ana", "The Mill", "https://mill.example/console/notices", text)
	if err != nil {
		o.Fatal(err)
	}
	return s.send(context.Background(), m)
}

// A mail reaches a server that others wrote, over each kind of connection, with either way to sign in.
func TestMailIsTaken(t *testing.T) {
	t.Parallel()
	withUser := []string{"--user", postUser, "--password", postPassword}
	for name, tt := range map[string]struct {
		security node.MailSecurity
		args     []string
		signedIn string
	}{
		"STARTTLS, PLAIN":     {node.MailSTARTTLS, append(withUser, "--only", "PLAIN"), "PLAIN True"},
		"STARTTLS, LOGIN":     {node.MailSTARTTLS, append(withUser, "--only", "LOGIN"), "LOGIN True"},
		"TLS, PLAIN":          {node.MailTLS, withUser, "PLAIN True"},
		"STARTTLS, nobody":    {node.MailSTARTTLS, nil, ""},
		"this machine, LOGIN": {node.MailPlain, append(withUser, "--only", "LOGIN"), "LOGIN False"},
		"this machine":        {node.MailPlain, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newPostOffice(t, tt.security, tt.args...)
			settings := o.settings(tt.security)
			if tt.signedIn != "" {
				settings.User, settings.Password = postUser, postPassword
			}
			if err := o.send(o.sender(settings), "ana@mill.example", ui.Mail{Subject: "One", Text: "A text\n", HTML: "<p>A text</p>", Lang: "en"}); err != nil {
				t.Fatal(err)
			}
			list := o.mails()
			if len(list) != 1 || list[0].Get("X-Envelope") != "coop@mill.example ana@mill.example" {
				t.Fatalf("got %d mails: %+v", len(list), list)
			}
			if got := strings.TrimSpace(o.signIns()); got != tt.signedIn {
				t.Errorf("signed in %q, want %q", got, tt.signedIn)
			}
			if want := map[bool]string{true: "True", false: "False"}[tt.security != node.MailPlain]; list[0].Get("X-Encrypted") != want {
				t.Errorf("encrypted: %s, want %s", list[0].Get("X-Encrypted"), want)
			}
		})
	}
}

// What a mail says in its headers is ours, whatever others are called: nobody adds a header, a recipient or a line.
func TestMailHeaders(t *testing.T) {
	t.Parallel()
	o := newPostOffice(t, node.MailPlain)
	settings := o.settings(node.MailPlain)
	settings.ReplyTo = "ana@mill.example"
	s := o.sender(settings)
	evil := "Galician ñandú\r\nBcc: all@evil.example\r\n\r\nHello \u202e"
	m, err := s.message("abc", "ana@mill.example", evil, evil, "https://mill.example/console/notices", ui.Mail{
		Subject: evil, Lang: "gl\r\nX-Evil: yes", Text: "First\n.\nQUIT\nSecond ñ\n", HTML: "<p>ñ</p>",
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	list := o.mails()
	if len(list) != 1 {
		t.Fatalf("%d mails", len(list))
	}
	got := list[0]
	for name, want := range map[string]string{
		"X-Envelope": "coop@mill.example ana@mill.example", "Message-Id": "<abc@mill.example>", "Reply-To": "<ana@mill.example>",
		"List-Unsubscribe": "<https://mill.example/console/notices>", "Auto-Submitted": "auto-generated", "Bcc": "", "X-Evil": "",
	} {
		if got.Get(name) != want {
			t.Errorf("%s: %s, want %s", name, got.Get(name), want)
		}
	}
	for _, name := range []string{"From", "To"} {
		a, err := got.AddressList(name)
		if err != nil || len(a) != 1 || !strings.HasSuffix(a[0].Address, "@mill.example") || !strings.HasPrefix(a[0].Name, "Galician ñandú") {
			t.Errorf("%s: %v, %v", name, a, err)
		}
	}
	if want := "Galician ñandú  Bcc: all@evil.example    Hello"; got.subject() != want {
		t.Errorf("subject %q, want %q", got.subject(), want)
	}
	if when, err := got.Date(); err != nil || time.Since(when).Abs() > time.Hour {
		t.Errorf("date %v, %v", when, err)
	}
	if want := "First\n.\nQUIT\nSecond ñ\n"; got.Text != want {
		t.Errorf("text %q, want %q", got.Text, want)
	}
	settings.From = "coop@mill.example>\r\nBcc: <all@evil.example"
	if _, err := s.message("abc", "ana@mill.example", "Ana", "Mill", "", ui.Mail{}); err == nil {
		t.Error("a sender of two lines is taken")
	}
}

// What goes wrong is told apart: this mail for good, this mail for now, and all mails.
func TestMailIsRefused(t *testing.T) {
	t.Parallel()
	plain := newPostOffice(t, node.MailPlain)
	secret := newPostOffice(t, node.MailSTARTTLS, "--user", postUser, "--password", postPassword)
	type end struct{ All, Final bool }
	for name, tt := range map[string]struct {
		office *postOffice
		to     string
		edit   func(*mailServer)
		want   end
		says   string
	}{
		"mailbox gone":          {office: plain, to: "gone@mill.example", want: end{Final: true}, says: "550"},
		"mailbox busy":          {office: plain, to: "busy@mill.example", want: end{}, says: "451"},
		"not for us":            {office: plain, to: "denied@mill.example", want: end{}, says: "relay access denied"},
		"nobody there":          {office: plain, edit: func(s *mailServer) { s.Port = 1 }, want: end{All: true}, says: "refused"},
		"wrong password":        {office: secret, edit: func(s *mailServer) { s.Password = "wrong" }, want: end{All: true}, says: "535"},
		"no password":           {office: secret, edit: func(s *mailServer) { s.User = "" }, want: end{All: true}, says: "530"},
		"another certificate":   {office: secret, edit: func(s *mailServer) { s.roots = x509.NewCertPool() }, want: end{All: true}, says: "certificate"},
		"another name":          {office: secret, edit: func(s *mailServer) { s.Host = "127.0.0.1" }, want: end{All: true}, says: "certificate"},
		"no STARTTLS":           {office: plain, edit: func(s *mailServer) { s.Security, s.User, s.Password = node.MailSTARTTLS, "u", "p" }, want: end{All: true}, says: "STARTTLS"},
		"no TLS":                {office: plain, edit: func(s *mailServer) { s.Security = node.MailTLS }, want: end{All: true}, says: "tls"},
		"nobody signs in there": {office: plain, edit: func(s *mailServer) { s.User, s.Password = "u", "p" }, want: end{All: true}, says: "AUTH"},
	} {
		t.Run(name, func(t *testing.T) {
			settings := tt.office.settings(node.MailPlain)
			if tt.office == secret {
				settings = tt.office.settings(node.MailSTARTTLS)
				settings.User, settings.Password = postUser, postPassword
			}
			s := tt.office.sender(settings)
			if tt.edit != nil {
				tt.edit(s)
			}
			if tt.to == "" {
				tt.to = "ana@mill.example"
			}
			err := tt.office.send(s, tt.to, ui.Mail{Subject: "One", Text: "x", HTML: "x", Lang: "en"})
			var refused *mailError
			if !errors.As(err, &refused) {
				t.Fatalf("got %v", err)
			}
			if got := (end{refused.All, refused.Final}); got != tt.want || !strings.Contains(refused.Reason, tt.says) {
				t.Errorf("got %+v %q, want %+v and %q", got, refused.Reason, tt.want, tt.says)
			}
			if strings.Contains(refused.Reason, postPassword) {
				t.Errorf("the reason says the password: %s", refused.Reason) // KEY-6
			}
		})
	}
	if list := append(plain.mails(), secret.mails()...); len(list) > 0 {
		t.Errorf("%d mails were taken", len(list))
	}
	if strings.Contains(plain.signIns(), "PLAIN") || strings.Contains(plain.signIns(), "LOGIN") {
		t.Errorf("a password was said without encryption: %s", plain.signIns())
	}
}

// A server that is slow, full, or gone in the middle holds nobody for ever, and is tried again.
func TestMailServerInTrouble(t *testing.T) {
	t.Parallel()
	o := newPostOffice(t, node.MailPlain)
	s := o.sender(o.settings(node.MailPlain))
	try := func(how string) *mailError {
		t.Helper()
		o.is(how, true)
		defer o.is(how, false)
		err := o.send(s, "ana@mill.example", ui.Mail{Subject: how, Text: "x", HTML: "x", Lang: "en"})
		var refused *mailError
		if !errors.As(err, &refused) || refused.Final {
			t.Fatalf("%s: got %v", how, err)
		}
		return refused
	}
	if f := try("full"); f.All {
		t.Errorf("full: %+v", f)
	}
	s.timeout = time.Second
	if f := try("slow"); !f.All {
		t.Errorf("slow: %+v", f)
	}
	s.timeout = 30 * time.Second
	if f := try("die"); !f.All {
		t.Errorf("gone: %+v", f)
	}
	o.child.Wait()
	o.start()
	if err := o.send(s, "ana@mill.example", ui.Mail{Subject: "again", Text: "x", HTML: "x", Lang: "en"}); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	o.is("slow", true)
	time.AfterFunc(100*time.Millisecond, cancel)
	m, err := s.message("abc", "ana@mill.example", "", "Mill", "", ui.Mail{Subject: "x", Text: "x", HTML: "x"})
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if err := s.send(ctx, m); err == nil || time.Since(began) > 20*time.Second {
		t.Errorf("a stop ends it after %v with %v", time.Since(began), err)
	}
}
