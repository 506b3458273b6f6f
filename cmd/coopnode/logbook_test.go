package main

import (
	"context"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/coopnode/coopnode/node"
)

// signsIn fails to sign in with a form, from an address.
func (g *gate) signsIn(address, who, password string) int {
	g.Helper()
	form := g.ask(http.MethodGet, "/sign-in", "", nil)
	m := regexp.MustCompile(`name="csrf" value="([^"]+)"`).FindStringSubmatch(form.Body.String())
	if m == nil {
		g.Fatalf("no form: %s", form.Body)
	}
	r := httptest.NewRequest(http.MethodPost, "https://mill.example/sign-in", strings.NewReader(url.Values{"csrf": {html.UnescapeString(m[1])}, "who": {who}, "password": {password}}.Encode()))
	r.RemoteAddr = address
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for _, c := range form.Result().Cookies() {
		r.AddCookie(c)
	}
	res := httptest.NewRecorder()
	g.echo.ServeHTTP(res, r)
	return res.Code
}

// LOG-2: what people and commands do is in the log of the server once, after it was done, with what it was done to; names of people are
// not, nor addresses of visitors (GDPR-4). The rest of LOG-2: refused signatures in TestDoorCounts, refused dials in TestRefusalLog, panics
// in TestPanicIsCaught, migrations in TestMigrationsAreLogged.
func TestLogbook(t *testing.T) {
	t.Parallel()
	out := &quietBuffer{}
	log := slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{ReplaceAttr: shorten}))
	g := newGateLogging(t, log)
	ctx := t.Context()
	book, err := openLogbook(ctx, g.node, log)
	if err != nil {
		t.Fatal(err)
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	said := func(what string, times int, texts ...string) {
		t.Helper()
		must(book.catchUp(ctx, g.house.db.Revision()))
		must(book.catchUp(ctx, g.house.db.Revision()+1)) // again, as after a change of no concern
		n := 0
		for line := range strings.Lines(out.String()) {
			all := true
			for _, s := range texts {
				all = all && strings.Contains(line, s)
			}
			if all {
				n++
			}
		}
		if n != times {
			t.Errorf("%s: %d lines have %q, want %d\n%s", what, n, texts, times, out)
		}
	}
	const by = "command:root"
	said("what was done before the start", 0, "action=")

	token, p, err := g.node.InvitePerson(ctx, by, "Xoana Ferreiro", "xoana@mill.example", node.RoleReader)
	must(err)
	_, _, _, err = g.node.RedeemPass(ctx, token, node.Guest{})
	must(err)
	said("sign-in", 1, "action=session.start", "by=person:"+p.ID)
	_, err = g.node.SetRole(ctx, by, p.ID, node.RoleEditor)
	must(err)
	said("role", 1, "action=person.role", "by="+by)
	for range 5 {
		if code := g.signsIn("203.0.113.77:5", "Xoana Ferreiro", "a wrong password"); code != http.StatusUnprocessableEntity {
			t.Fatalf("a wrong password is answered %d", code)
		}
	}
	said("failure", 5, `msg="sign-in failed"`, "person="+p.ID, "from=203.0.113.0/24")
	for range 3 {
		if code := g.signsIn("203.0.113.77:5", "Xoana Ferreiro", "a wrong password"); code != http.StatusTooManyRequests {
			t.Fatalf("the sixth wrong password is answered %d", code)
		}
	}
	said("throttle", 1, "too many failures", "from=203.0.113.0/24") // LOG-3
	must(g.node.SetMail(ctx, by, &node.MailSettings{Host: "mail.mill.example", Port: 587, Security: node.MailSTARTTLS, From: "node@mill.example"}))
	said("setting", 1, "action=mail.set", "object=mail.mill.example")
	_, err = g.node.ChangeRules(ctx, by, []*node.Rule{{Target: "bad.example", Severity: node.SeverityReject}}, nil)
	must(err)
	said("block", 1, "action=rules.change", "object=bad.example")
	_, err = g.node.RotateKeys(ctx, by)
	must(err)
	said("key", 1, "action=keys.rotate")
	must(g.node.Export(ctx, by, noArchive{}))
	said("export", 1, "action=export.coop")
	post := &node.Post{Base: node.Base{Type: node.TypePost, Texts: []node.Text{{Lang: "en", Source: "Bread."}}}}
	must(g.node.Publish(ctx, by, post))
	must(g.node.Delete(ctx, by, post.ID))
	said("erasure", 1, "action=delete", "object="+post.IRI)
	said("what others may send", 0, "\x1b")

	for _, secret := range []string{"Xoana", "xoana@", "203.0.113.77", "a wrong password", token} {
		said("what no log may keep", 0, secret)
	}
}

// noArchive is an archive that keeps nothing.
type noArchive struct{}

func (noArchive) Create(string) (io.Writer, error) { return io.Discard, nil }

// LOG-1: whatever others send stays inside its line and its field, on a terminal too, and is cut after 256 bytes.
func TestLogLinesAreEscaped(t *testing.T) {
	t.Parallel()
	evil := "a\nlevel=ERROR msg=forged \x1b[2J\u202e\u0085" + strings.Repeat("x", 1000)
	for _, format := range []string{"text", "json"} {
		out := &quietBuffer{}
		a := &app{errOut: out}
		a.serverLog(&Config{LogFormat: format}, slog.LevelInfo).Info("peer", "peer", evil, "err", io.EOF)
		line := out.String()
		if strings.Count(line, "\n") != 1 || strings.ContainsAny(line, "\x1b\u202e\u0085") && format == "text" || strings.Contains(line, "\x1b") || len(line) > 600 {
			t.Errorf("%s: %q", format, line)
		}
	}
}

// SIGUSR1 is debugging for a while; SIGHUP takes over the level of the log and says what has to wait for a new start. A file
// that cannot be used changes nothing.
func TestSignals(t *testing.T) {
	out := &quietBuffer{}
	dir := t.TempDir()
	a := &app{errOut: out, dataDir: dir, env: func(string) (string, bool) { return "", false }}
	file := filepath.Join(dir, "coopnode.toml")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("host = \"mill.example\"\n")
	cfg, err := a.loadConfig()
	if err != nil {
		t.Fatal(err)
	}
	level := newLogLevel(a.levelOf(cfg))
	log := a.serverLog(cfg, level)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.heed(ctx, cfg, level, log) }()
	defer func() { cancel(); <-ended }()
	// The signal of a test may come before heed listens, where nothing but the test would hear it.
	signals := func(s syscall.Signal, want string) {
		t.Helper()
		for limit := time.Now().Add(30 * time.Second); !strings.Contains(out.String(), want); time.Sleep(20 * time.Millisecond) {
			if time.Now().After(limit) {
				t.Fatalf("after %v the log has no %q:\n%s", s, want, out)
			}
			if err := syscall.Kill(os.Getpid(), s); err != nil {
				t.Fatal(err)
			}
		}
	}
	guard := make(chan os.Signal, 1)
	signal.Notify(guard, syscall.SIGUSR1, syscall.SIGHUP)
	defer signal.Stop(guard)
	signals(syscall.SIGUSR1, "debugging begins")
	if level.Level() != slog.LevelDebug {
		t.Errorf("after SIGUSR1 the log says %v", level.Level())
	}
	write("host = \"mill.example\"\nlisten = [\"127.0.0.1:1\"]\n[log]\nlevel = \"warn\"\n")
	signals(syscall.SIGHUP, `"taken over":["log.level"],"after a new start":["listen"]`)
	if level.Level() != slog.LevelWarn {
		t.Errorf("after SIGHUP the log says %v", level.Level())
	}
	write("hots = 1\n")
	signals(syscall.SIGHUP, "everything stays as it was")
	if level.Level() != slog.LevelWarn {
		t.Errorf("after a file that cannot be used the log says %v", level.Level())
	}
	level.debug(time.Millisecond, func() { cancel() })
	<-ctx.Done()
	if level.Level() != slog.LevelWarn {
		t.Errorf("after debugging the log says %v", level.Level())
	}
}
