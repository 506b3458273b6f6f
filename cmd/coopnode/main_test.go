package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

var update = flag.Bool("update", false, "rewrite what the scripts compare with")

func TestMain(m *testing.M) {
	testscript.Main(tidy{m}, map[string]func(){
		"coopnode": main,
		"get":      get,
		"until":    until,
		"confined": confined,
	})
}

// TestScripts runs every command as a person types it. See testdata/script.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("COOPNODE_DATA", env.WorkDir+"/data")
			env.Setenv("TMPDIR", env.WorkDir)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"port": func(ts *testscript.TestScript, _ bool, args []string) { // port NAME... finds free ones
				for _, name := range args {
					ts.Setenv(name, freePort())
				}
			},
			"keep": func(ts *testscript.TestScript, _ bool, args []string) { // keep NAME: the first word that was answered
				words := strings.Fields(ts.ReadFile("stdout"))
				if len(words) == 0 {
					ts.Fatalf("nothing was answered")
				}
				ts.Setenv(args[0], words[0])
			},
			"exit":  exitIs,
			"paint": paint,
		},
	})
}

// exitIs runs a command that must end with a code: exit 2 coopnode opening close.
func exitIs(ts *testscript.TestScript, _ bool, args []string) {
	err := ts.Exec(args[1], args[2:]...)
	got := "0"
	if e, ok := err.(*exec.ExitError); ok {
		got = fmt.Sprint(e.ExitCode())
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if got != args[0] {
		ts.Fatalf("exit code %s, want %s", got, args[0])
	}
}

func freePort() string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// client is a browser that knows that names ending in .localhost are this machine, and stays where it asked.
var client = &http.Client{
	Timeout:       10 * time.Second,
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	Transport: &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		_, port, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		return new(net.Dialer).DialContext(ctx, network, "127.0.0.1:"+port)
	}},
}

// get is a command of the scripts: get URL [NAME:VALUE...] prints status, headers and body. It waits until
// somebody listens there.
func get() {
	r, err := http.NewRequest(http.MethodGet, os.Args[1], nil)
	if err != nil {
		fail(err)
	}
	for _, h := range os.Args[2:] {
		name, value, _ := strings.Cut(h, ":")
		if r.Header.Set(name, value); name == "Host" {
			r.Host = value
		}
	}
	for limit := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		resp, err := client.Do(r)
		if err != nil {
			if time.Now().After(limit) {
				fail(err)
			}
			continue
		}
		fmt.Println(resp.Status)
		resp.Header.Write(os.Stdout)
		fmt.Println()
		io.Copy(os.Stdout, resp.Body)
		return
	}
}

// until is a command of the scripts: until [within=4s] REGEXP COMMAND... repeats a command until its answer matches, or no longer
// does where there is a ! before REGEXP, for
// at most 15 s unless it says otherwise.
func until() {
	args, within := os.Args[1:], 15*time.Second
	if s, ok := strings.CutPrefix(args[0], "within="); ok {
		var err error
		if within, err = time.ParseDuration(s); err != nil {
			fail(err)
		}
		args = args[1:]
	}
	pattern, gone := strings.CutPrefix(args[0], "!")
	want := regexp.MustCompile(pattern)
	for limit := time.Now().Add(within); ; time.Sleep(50 * time.Millisecond) {
		out, err := exec.Command(args[1], args[2:]...).CombinedOutput()
		if err == nil && want.Match(out) != gone {
			os.Stdout.Write(out)
			return
		}
		if time.Now().After(limit) {
			fail(fmt.Errorf("%s is not so after %v: %v\n%s", args[0], within, err, out))
		}
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
