package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coopnode/coopnode/activitypub/aptest"
)

// judgeDir holds a judge of pages, which drives a real browser; see README.md there.
var judgeDir = filepath.Join("..", "..", "ui", "testdata", "browser")

// A judge is that program beside the test.
type judge struct {
	testing.TB
	in io.Writer

	mu      sync.Mutex
	last    int
	waiting map[int]chan json.RawMessage // by the id of the question; closed when the judge is no more
	over    bool
	log     quietBuffer
}

// has says whether a program and a file that the test needs are there; if not, it has said what is left out.
func has(t testing.TB, what, program, file string) bool {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		aptest.LeaveOut(t, what+", which needs the program "+program+": make tools")
		return false
	}
	if _, err := os.Stat(filepath.Join(judgeDir, file)); err != nil {
		aptest.LeaveOut(t, what+", which needs: cd ui/testdata/browser && npm ci --ignore-scripts")
		return false
	}
	return true
}

// startJudge starts the judge; nil, having said so, where it cannot be had.
func startJudge(t testing.TB) *judge {
	t.Helper()
	const what = "pages in a real browser"
	if !has(t, what, "chromium", "node_modules/playwright-core") || !has(t, what, "node", "node_modules/axe-core") {
		return nil
	}
	chromium, _ := exec.LookPath("chromium") // has has seen it
	cmd := exec.Command("node", "judge.mjs")
	cmd.Dir = judgeDir
	j := &judge{TB: t, waiting: map[int]chan json.RawMessage{}}
	cmd.Env = append(os.Environ(), "CHROMIUM="+chromium)
	cmd.Stderr = &j.log
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	j.in = in
	read := make(chan struct{})
	go func() { defer close(read); j.listen(out) }()
	t.Cleanup(func() {
		in.Close()
		select {
		case <-read:
		case <-time.After(20 * time.Second):
			cmd.Process.Kill()
			<-read
		}
		cmd.Wait()
	})
	return j
}

// listen gives each answer to who asked.
func (j *judge) listen(out io.Reader) {
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadBytes('\n')
		j.mu.Lock()
		if err != nil {
			for _, c := range j.waiting {
				close(c)
			}
			j.over = true
			j.mu.Unlock()
			return
		}
		var answer struct{ ID int }
		if err := json.Unmarshal(line, &answer); err == nil && j.waiting[answer.ID] != nil {
			j.waiting[answer.ID] <- line
			delete(j.waiting, answer.ID)
		}
		j.mu.Unlock()
	}
}

// ask puts a question, which says under "do" what is to be done, and reads the answer into answer. Several may be
// asked at once.
func (j *judge) ask(question map[string]any, answer any) error {
	c := make(chan json.RawMessage, 1)
	j.mu.Lock()
	if j.over {
		j.mu.Unlock()
		return fmt.Errorf("the judge is no more: %s", &j.log)
	}
	j.last++
	question["id"] = j.last
	j.waiting[j.last] = c
	line, err := json.Marshal(question)
	if err == nil {
		_, err = j.in.Write(append(line, '\n'))
	}
	j.mu.Unlock()
	if err != nil {
		return err
	}
	select {
	case line, ok := <-c:
		if !ok {
			return fmt.Errorf("the judge is no more: %s", &j.log)
		}
		var failed struct{ Error string }
		if err := json.Unmarshal(line, &failed); err != nil || failed.Error != "" {
			return fmt.Errorf("the judge fails: %s, %v", failed.Error, err)
		}
		return json.Unmarshal(line, answer)
	case <-time.After(3 * time.Minute):
		return fmt.Errorf("the judge does not answer to %s: %s", line, &j.log)
	}
}

// An audit is what the judge says of one page.
type audit struct {
	Found []string
	Cost  struct{ First, Later cost }
}

// again is what a later visit takes when the page has changed and what belongs to it has not.
func (a *audit) again() int { return a.Cost.First.Own + a.Cost.Later.Bytes - a.Cost.Later.Own }

// cost is what a visit takes, as it travels.
type cost struct {
	Bytes int      // of all that was asked for
	Own   int      // of the page itself
	List  []string // every request, its bytes first
}

// jar is the cookie of a page as the judge takes it.
func (p *sitePage) jar() []map[string]string {
	name, value, ok := strings.Cut(p.cookie, "=")
	if !ok {
		return []map[string]string{}
	}
	return []map[string]string{{"name": name, "value": value, "url": p.address}}
}

// audit looks at a page in every mode and size. language is that of the browser.
func (j *judge) audit(p sitePage, language string) (a audit, err error) {
	question := map[string]any{"do": "audit", "address": p.address, "status": p.status, "language": language, "later": p.cookie == "", "cookies": p.jar()}
	if strings.HasSuffix(p.address, "/sign-in") || strings.HasSuffix(p.address, "/reset") {
		question["allowed"] = []string{"form"} // to which the form is bound: who comes here has chosen to sign in (CSRF-1)
	}
	err = j.ask(question, &a)
	return a, err
}
