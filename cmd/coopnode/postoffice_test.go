package main

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/coopnode/coopnode/activitypub/aptest"
	"github.com/coopnode/coopnode/node"
)

// A postOffice is a mail server that others wrote, on loopback: aiosmtpd, in a process of its own. See testdata/mail.
type postOffice struct {
	testing.TB
	dir   string // the mails, and how it behaves
	cert  string // of who signs itself for localhost, "" without encryption
	port  int
	args  []string
	child *exec.Cmd
}

const (
	postUser     = "mill"
	postPassword = "a very secret word"
)

// newPostOffice starts one. Its security is one of node.MailSecurities; args are further ones of smtpd.py.
func newPostOffice(t testing.TB, security node.MailSecurity, args ...string) *postOffice {
	t.Helper()
	if exec.Command("/usr/bin/python3", "-c", "import aiosmtpd").Run() != nil {
		aptest.LeaveOut(t, "mail through a real server; install Debian's python3-aiosmtpd")
		t.SkipNow()
	}
	o := &postOffice{TB: t, dir: t.TempDir(), args: append([]string{"--security", string(security)}, args...)}
	if security != node.MailPlain {
		key := filepath.Join(o.dir, "key.pem")
		o.cert = filepath.Join(o.dir, "cert.pem")
		signItself(t, o.cert, key)
		o.args = append(o.args, "--cert", o.cert, "--key", key)
	}
	o.start()
	return o
}

// start starts it, the second time where it was before.
func (o *postOffice) start() {
	o.Helper()
	o.child = exec.Command("/usr/bin/python3", append([]string{"testdata/mail/smtpd.py", o.dir, "--port", strconv.Itoa(o.port)}, o.args...)...)
	var trouble bytes.Buffer
	o.child.Stderr = &trouble
	out, err := o.child.StdoutPipe()
	if err == nil {
		err = o.child.Start()
	}
	if err != nil {
		o.Fatal(err)
	}
	child := o.child
	o.Cleanup(func() { child.Process.Kill(); child.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err == nil {
		o.port, err = strconv.Atoi(strings.TrimSpace(line))
	}
	if err != nil {
		child.Process.Kill()
		child.Wait()
		o.Fatalf("the mail server does not start: %v\n%s", err, &trouble)
	}
}

func (o *postOffice) kill() {
	o.child.Process.Kill()
	o.child.Wait()
}

// is makes it behave in some way from now on, or no more.
func (o *postOffice) is(how string, so bool) {
	o.Helper()
	name := filepath.Join(o.dir, how)
	var err error
	if so {
		err = os.WriteFile(name, nil, 0o600)
	} else {
		err = os.Remove(name)
	}
	if err != nil {
		o.Fatal(err)
	}
}

// signIns lists how others signed in: the way, and whether the connection was encrypted.
func (o *postOffice) signIns() string {
	b, _ := os.ReadFile(filepath.Join(o.dir, "signed-in"))
	return string(b)
}

// A taken mail is one that the server has kept.
type taken struct {
	mail.Header
	Raw        string
	Text, HTML string
}

// mails reads what has arrived, in that order.
func (o *postOffice) mails() (list []*taken) {
	o.Helper()
	files, err := filepath.Glob(filepath.Join(o.dir, "*.eml"))
	if err != nil {
		o.Fatal(err)
	}
	for _, name := range files {
		raw, err := os.ReadFile(name)
		if err != nil {
			o.Fatal(err)
		}
		m, err := mail.ReadMessage(bytes.NewReader(raw))
		if err != nil {
			o.Fatalf("%v in\n%s", err, raw)
		}
		got := &taken{Header: m.Header, Raw: string(raw)}
		media, values, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
		if err != nil || media != "multipart/alternative" {
			o.Fatalf("the mail is %s, %v", media, err)
		}
		parts := multipart.NewReader(m.Body, values["boundary"])
		for {
			part, err := parts.NextRawPart()
			if err == io.EOF {
				break
			} else if err != nil {
				o.Fatal(err)
			}
			body, err := io.ReadAll(quotedprintable.NewReader(part))
			if err != nil {
				o.Fatal(err)
			}
			switch media, _, _ := mime.ParseMediaType(part.Header.Get("Content-Type")); media {
			case "text/plain":
				got.Text = strings.ReplaceAll(string(body), "\r\n", "\n")
			case "text/html":
				got.HTML = string(body)
			}
		}
		list = append(list, got)
	}
	return list
}

// subject is the subject as it is read.
func (m *taken) subject() string {
	s, err := new(mime.WordDecoder).DecodeHeader(m.Get("Subject"))
	if err != nil {
		return err.Error()
	}
	return s
}

// settings are those with which this node sends through the server.
func (o *postOffice) settings(security node.MailSecurity) *node.MailSettings {
	return &node.MailSettings{Host: "localhost", Port: o.port, Security: security, From: "coop@mill.example"}
}

// signItself writes a certificate for localhost that nobody else has signed.
func signItself(t testing.TB, cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	about := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, about, about, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: pkcs8}} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
