package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/coopnode/coopnode/activitypub/aptest"
	"github.com/coopnode/coopnode/node"
)

// What people do in the console, in a real browser and with real nodes: with a mouse, with scripts switched off, and by
// keyboard alone (issue 5, Done when 1).

const secret = "four words that nobody guesses"

// inEveryWay plays a flow in every way.
func inEveryWay(t *testing.T, flow func(t *testing.T, j *judge, how string)) {
	t.Parallel()
	j := startJudge(t)
	if j == nil {
		return
	}
	for _, how := range ways {
		t.Run(how, func(t *testing.T) { flow(t, j, how) })
	}
}

// arrives lets the first steward of a new node in, by the link that the node has written down.
func (j *judge) arrives(p *program, t *testing.T, how string) *somebody {
	t.Helper()
	link, err := os.ReadFile(filepath.Join(p.dir, welcomeName))
	if err != nil {
		t.Fatal(err)
	}
	v := j.somebody(t, "Ana", how)
	v.open(strings.TrimSpace(string(link)))
	v.fill(word(t, "person.name"), "Ana")
	v.fill(word(t, "password.new"), secret)
	v.press(word(t, "pass.welcome.go"))
	return v
}

// newServing is a node that runs; its people have not come yet.
func newServing(t *testing.T, name string) *program {
	t.Helper()
	p := newProgram(t, "coopnode", name)
	p.start()
	return p
}

// From the welcome link to the first opening, and to its end.
func TestFirstOpening(t *testing.T) {
	inEveryWay(t, func(t *testing.T, j *judge, how string) {
		p := newServing(t, "The mill")
		v := j.arrives(p, t, how)
		v.open(p.base + "/console")
		v.follow(word(t, "menu.openings"))
		v.follow(word(t, "editor.opening.new"))
		v.fill(word(t, "editor.opening.title"), "Bread for the fair")
		v.do("tick", capital(word(t, "kind.subcontract")))
		v.do("date", word(t, "editor.closes"), "with", "2099-01-15")
		v.press(word(t, "editor.publish"))
		v.sees("Bread for the fair")

		guest := j.somebody(t, "a guest", how)
		guest.open(p.base + "/openings")
		guest.follow("Bread for the fair")
		if guest.title != "Bread for the fair · The mill" {
			t.Errorf("the page of the opening is called %q", guest.title)
		}
		p.stop()
	})
}

// A second person comes in as an editor, by a link that the first one made, and may do what editors do.
func TestInvitedEditor(t *testing.T) {
	inEveryWay(t, func(t *testing.T, j *judge, how string) {
		p := newServing(t, "The mill")
		ana := j.arrives(p, t, how)
		ana.open(p.base + "/console/people")
		ana.fill(word(t, "colleague.name"), "Brais")
		ana.do("tick", word(t, "role.editor"))
		ana.press(word(t, "colleague.invite.go"))
		link := regexp.MustCompile(`http://\S+/welcome/\S+`).FindString(ana.text)
		if link == "" {
			t.Fatalf("no link is shown:\n%s", ana.text)
		}

		brais := j.somebody(t, "Brais", how)
		brais.open(link)
		brais.fill(word(t, "password.new"), secret)
		brais.press(word(t, "pass.invite.go"))
		if brais.address != p.base+"/console" || strings.Contains(brais.text, word(t, "menu.people")) {
			t.Errorf("an editor comes to %s and sees\n%s", brais.address, brais.text)
		}
		brais.follow(word(t, "menu.openings"))
		brais.follow(word(t, "editor.opening.new"))
		brais.fill(word(t, "editor.opening.title"), "Flour")
		brais.press(word(t, "editor.keep"))
		brais.sees(word(t, "editor.state.draft"))

		ana.open(p.base + "/console/audit")
		ana.sees("Brais")
		ana.open(p.base + "/console/people")
		ana.follow("Brais")
		ana.press(word(t, "colleague.suspend"))
		brais.open(p.base + "/console/openings")
		if !strings.HasPrefix(brais.address, p.base+"/sign-in") { // SES-6
			t.Errorf("who was suspended is at %s", brais.address)
		}
		p.stop()
	})
}

// A coop is followed by its address, and its openings come.
func TestFollowInConsole(t *testing.T) {
	inEveryWay(t, func(t *testing.T, j *judge, how string) {
		p, other := newServing(t, "The mill"), newServing(t, "The bakery")
		v := j.arrives(p, t, how)
		v.open(p.base + "/console/network")
		v.fill(word(t, "network.address"), other.base+"/")
		v.press(word(t, "network.follow.do"))
		v.open(p.base + "/console/network")
		v.comesToSee("The bakery")
		v.comesToSee(word(t, "follow.state.accepted"))
		other.command("opening", "new", "--title", "Flour wanted", "--closes", "2099-01-15")
		v.open(p.base + "/openings")
		v.comesToSee("Flour wanted")

		baker := j.arrives(other, t, how)
		baker.open(other.base + "/console/network/followers")
		baker.sees("The mill")
		p.stop()
		other.stop()
	})
}

// A federation's steward admits a coop that asks, and both sides say so.
func TestApplicantInConsole(t *testing.T) {
	inEveryWay(t, func(t *testing.T, j *judge, how string) {
		p, other := newProgram(t, "coopnode", "The union"), newServing(t, "The bakery")
		p.command("federation", "create", "--rule", "steward")
		p.start()
		v := j.arrives(p, t, how)
		other.command("member", "apply", p.base, "--text", "Six people, one oven.")
		v.open(p.base + "/console/applications")
		v.comesToSee("Six people, one oven.")
		v.press(word(t, "applications.admit"))
		guest := j.somebody(t, "a guest", how)
		guest.open(p.base + "/members")
		guest.comesToSee("The bakery")
		guest.open(other.base + "/")
		guest.comesToSee("The union")
		p.stop()
		other.stop()
	})
}

// Somebody on a server that others wrote answers a question, and is answered.
func TestAnswerInConsole(t *testing.T) {
	t.Parallel()
	j := startJudge(t)
	fediverse := startPeer(t)
	if j == nil || fediverse == "" {
		return
	}
	for _, how := range ways {
		t.Run(how, func(t *testing.T) {
			p := newServing(t, "The mill")
			question := node.Links{Base: p.base}.Object(node.TypePost, p.command("post", "new", "-q", "--asks", "--text", "Who has flour?"))
			control(t, fediverse, "note", map[string]any{"content": "<p>We have flour, by " + how + ".</p>", "inReplyTo": question, "to": []string{p.base + "/ap/coop"}, "visibility": "public"})
			v := j.arrives(p, t, how)
			v.open(p.base + "/console/inbox")
			v.comesToSee("We have flour, by " + how)
			v.follow(word(t, "inbox.open"))
			v.fill(word(t, "inbox.answer.to", "Alice"), "We take it, by "+how+".")
			v.press(word(t, "inbox.answer.send"))
			v.sees("We take it, by " + how)
			p.until("the answer is there", func() bool {
				return bytes.Contains(control(t, fediverse, "events?kind=activity&type=Create", nil), []byte("We take it, by "+how))
			})
			guest := j.somebody(t, "a guest", how)
			guest.open(strings.Replace(question, "/ap/", "/", 1))
			guest.comesToSee("We have flour, by " + how)
			p.stop()
		})
	}
}

// startPeer starts a server on Fedify and gives its address; "", having said so, where it cannot be had.
func startPeer(t *testing.T) string {
	t.Helper()
	dir := filepath.Join("..", "..", "activitypub", "testdata", "fedify")
	if _, err := os.Stat(filepath.Join(dir, "node_modules", "@fedify", "fedify")); err != nil {
		aptest.LeaveOut(t, "an answer from Fedify, which needs: cd activitypub/testdata/fedify && npm ci --ignore-scripts")
		return ""
	}
	cmd := exec.Command("node", "peer.mjs", "--port", "0", "--lifetime", "900")
	cmd.Dir = dir
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	base, ok := strings.CutPrefix(strings.TrimSpace(line), "ready ")
	if err != nil || !ok {
		t.Fatalf("Fedify does not start: %q, %v", line, err)
	}
	return base
}

// control asks the server on Fedify for something (see README.md there).
func control(t *testing.T, base, what string, input map[string]any) []byte {
	t.Helper()
	method, body := http.MethodGet, []byte(nil)
	if input != nil {
		method = http.MethodPost
		body, _ = json.Marshal(input) // of strings
	}
	r, err := http.NewRequest(method, base+"/control/"+what, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	res, err := (&http.Client{Timeout: time.Minute}).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("Fedify answers to %s: %s %s, %v", what, res.Status, answer, err)
	}
	return answer
}
