package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A demoRun is coopnode demo as a process of its own, with its files in a folder of the test.
type demoRun struct {
	*exec.Cmd
	dir         string
	out, errOut quietBuffer
}

func startDemo(t *testing.T, args ...string) *demoRun {
	t.Helper()
	d := &demoRun{Cmd: exec.Command("coopnode", append([]string{"demo"}, args...)...), dir: t.TempDir()}
	// What belongs to another node must not get into the village.
	d.Env = append(os.Environ(), "TMPDIR="+d.dir, "COOPNODE_HOST=other.example", "COOPNODE_DATA="+d.dir+"/other")
	d.Stdout, d.Stderr = &d.out, &d.errOut
	if err := d.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Process.Kill() })
	return d
}

// waitFor waits until the demo has said something. Its whole story may come before, beside those of the other tests.
func (d *demoRun) waitFor(t *testing.T, text string) {
	t.Helper()
	for limit := time.Now().Add(3 * patience); !strings.Contains(d.out.String(), text); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(limit) {
			t.Fatalf("it does not say %q:\n%s%s", text, &d.out, &d.errOut)
		}
	}
}

// nodes opens the locks that the nodes hold on their data folders as long as they run.
func (d *demoRun) nodes(t *testing.T) (locks []*os.File) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(d.dir, "coopnode-demo-*", "*", "serve.lock"))
	if err != nil {
		t.Fatal(err)
	}
	if len(paths) != 7 {
		t.Fatalf("there are %d nodes, want 7", len(paths))
	}
	for _, path := range paths {
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		if stopped(f) {
			t.Fatalf("nobody holds %s", path)
		}
		locks = append(locks, f)
	}
	return locks
}

// stopped says whether the process that held a lock is no more.
func stopped(lock *os.File) bool {
	return syscall.Flock(int(lock.Fd()), syscall.LOCK_SH|syscall.LOCK_NB) == nil
}

func wantNoFiles(t *testing.T, dir string) {
	t.Helper()
	left, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(left) > 0 {
		t.Errorf("files are left: %v", left)
	}
}

// The script is the whole program against itself: crash, recovery and every state on every node (issue 2, Done when
// 1). The port that it would like best is taken, so one node has to go elsewhere; and the demos of the other tests want
// the same ports at the same moment.
func TestDemoScript(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:8801")
	if err == nil { // else it is taken by somebody else, which is as good
		defer l.Close()
	}
	d := startDemo(t, "--script", "--json")
	err = d.Wait()
	var got checked
	if e := json.Unmarshal([]byte(d.out.String()), &got); e != nil {
		t.Fatalf("answer is no JSON: %v\n%s%s", e, &d.out, &d.errOut)
	}
	names := map[string]bool{}
	for _, c := range got.Checks {
		if !c.OK {
			t.Errorf("%s: %s", c.Name, c.Detail)
		}
		if names[c.Name] {
			t.Errorf("two checks are called %q", c.Name)
		}
		names[c.Name] = true
	}
	if err != nil || !got.OK {
		t.Fatalf("it ends with %v, ok %v\n%s", err, got.OK, &d.errOut)
	}
	for _, want := range []string{
		"mbuyu follows quebracho", "toxeira holds the answer", "hinata holds the opening, filled", "mbuyu holds the opening, read back",
		"letters are under way when quebracho is killed", "after the crash nothing waits any more",
		"quebracho has everything as it should be, once", "hinata answers WebFinger", "ljungsken serves its actor", "toxeira shows its page",
		"the answer stands under the question", "mbuyu has in its feed what it knows to be open", "what was deleted is 410",
		"quebracho has made no mistake", "trama has made no mistake", "toxeira says that mbuyu is a member of trama",
		"ljungsken holds what trama passed on, open", "ventana reads what trama passes on, filled", "trama passes on nothing that is filled",
		"lectora follows trama", "lectora sees it boosted once, open", "lectora sees it changed once and taken back once, filled", "lectora has seen nothing twice",
		"trama serves its actor", "ventana shows its page",
	} {
		if !names[want] {
			t.Errorf("there is no check called %q", want)
		}
	}
	if told := d.errOut.String(); !strings.Contains(told, "Ljungsken     answers") || !strings.Contains(told, "is killed (SIGKILL)") {
		t.Errorf("the story is not told beside the JSON: %s", told)
	}
	if strings.Contains(d.errOut.String(), ":8801") {
		t.Error("a node is on port 8801, which is taken")
	}
	wantNoFiles(t, d.dir)
}

// A person has a link to sign in at each node, pastes a line, sees it arrive, and ends the demo with Ctrl-C: neither files nor processes are left.
func TestDemoWithAPerson(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	d.waitFor(t, "now your own: coopnode init coop.example")
	line := regexp.MustCompile(`(?m)^\S+ --config (\S+) opening new --title 'Deseño de mapas' --amount '40 hour'$`).FindStringSubmatch(d.out.String())
	if line == nil {
		t.Fatalf("there is no line to paste for Toxeira:\n%s", &d.out)
	}
	paste := exec.Command("sh", "-c", strings.Replace(line[0], strings.Fields(line[0])[0], "coopnode", 1)) // the test binary goes by its name
	if answer, err := paste.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", line[0], err, answer)
	}
	d.waitFor(t, "sees the opening “Deseño de mapas” of Toxeira: open.")

	links := regexp.MustCompile(`http://\S+/welcome/[A-Za-z0-9_-]{43}`).FindAllString(d.out.String(), -1)
	if len(links) != 7 {
		t.Errorf("there are %d links to sign in, want one for each of the 7 nodes", len(links))
	}
	for _, link := range links {
		res, err := client.Get(link)
		if err != nil {
			t.Fatal(err)
		}
		page, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil || res.StatusCode != http.StatusOK || !bytes.Contains(page, []byte(`method="post"`)) {
			t.Errorf("%s answers %s (%v)", link, res.Status, err)
		}
	}

	locks := d.nodes(t)
	if err := d.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := d.Wait(); err != nil {
		t.Errorf("after Ctrl-C it ends with %v\n%s", err, &d.errOut)
	}
	for _, lock := range locks {
		if !stopped(lock) {
			t.Errorf("the node with %s still runs after the demo", lock.Name())
		}
	}
	wantNoFiles(t, d.dir)
}

// However the demo ends, its nodes end with it.
func TestDemoKilled(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	d.waitFor(t, "now your own")
	locks := d.nodes(t)
	if err := d.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	d.Wait()
	for limit := time.Now().Add(patience); len(locks) > 0; time.Sleep(10 * time.Millisecond) {
		if locks = slices.DeleteFunc(locks, stopped); time.Now().After(limit) {
			t.Fatalf("%d nodes have outlived the demo", len(locks))
		}
	}
}
