package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/coopnode/coopnode/node"
)

// LOGIN-5: serve shows the link for the first steward, that link stands in a file for its owner alone, and when it was
// used both are gone.
func TestWelcomeLink(t *testing.T) {
	t.Parallel()
	p := newProgram(t, "coopnode", "The mill")
	file := filepath.Join(p.dir, welcomeName)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	link := strings.TrimSpace(string(text))
	p.start()
	p.until("serve shows the link", func() bool { return strings.Contains(p.log.String(), link) })
	if res, body := p.ask(link); res.StatusCode != 200 || !bytes.Contains(body, []byte("<form")) {
		t.Errorf("the link answers %s", res.Status)
	}
	if _, err := os.Stat(file); err != nil { // looking does not use it
		t.Error(err)
	}

	h := p.house()
	_, _, antia, err := h.RedeemPass(t.Context(), link[strings.LastIndex(link, "/")+1:], node.Guest{Name: "Antía"})
	if err != nil {
		t.Fatal(err)
	}
	p.until("the file is gone", func() bool { _, err := os.Stat(file); return os.IsNotExist(err) })
	if res, _ := p.ask(link); res.StatusCode != 404 {
		t.Errorf("the used link answers %s", res.Status)
	}
	p.stop()
	before := len(p.log.String())
	p.start()
	p.stop()
	if again := p.log.String()[before:]; strings.Contains(again, "/welcome/") {
		t.Errorf("with a steward serve shows a link:\n%s", again)
	}
	if _, err := os.Stat(file); !os.IsNotExist(err) {
		t.Errorf("the file: %v", err)
	}
	if antia.Role != node.RoleSteward {
		t.Errorf("who came in is %s", antia.Role)
	}
}

// house opens the node beside its server.
func (p *program) house() *house {
	p.Helper()
	h, err := (&app{env: noSettings, dataDir: p.dir}).openHouse(p.Context())
	if err != nil {
		p.Fatal(err)
	}
	p.Cleanup(func() { h.db.Close() })
	return h
}

// employ lets a person publish and change things, and gives what must never be seen of that outside.
func (p *program) employ() (secrets []string) {
	p.Helper()
	h, ctx := p.house(), p.Context()
	must := func(err error) {
		p.Helper()
		if err != nil {
			p.Fatal(err)
		}
	}
	token, err := h.Welcome(ctx, "command:wirecheck")
	must(err)
	_, s, who, err := h.RedeemPass(ctx, token, node.Guest{Name: "Uxía Nowhere", Mail: "uxia.nowhere@coop.example", Agent: "Unseen/1.0"})
	must(err)
	post := &node.Post{Base: node.Base{Type: node.TypePost, Texts: []node.Text{{Lang: "en", Source: "By one of us."}}}}
	must(h.Publish(ctx, who.By(), post))
	_, err = h.Edit(ctx, who.By(), post.IRI, func(o node.Object) error { o.Common().Texts[0].Source = "By one of us, again."; return nil })
	must(err)
	_, err = h.SaveProfile(ctx, who.By(), func(a *node.Actor) error { a.Name += " and more"; return nil })
	must(err)
	secrets = []string{who.ID, who.Name, who.Mail, s.ID, s.Agent, "wirecheck", "session.start"}
	log, err := h.AuditLog(ctx, node.AuditQuery{Limit: 200})
	must(err)
	if len(log) < 6 {
		p.Fatalf("only %d lines in the audit log", len(log))
	}
	for _, e := range log {
		if by, ok := strings.CutPrefix(e.Name, "command:"); ok {
			secrets = append(secrets, "command:"+by)
		}
	}
	return secrets
}
