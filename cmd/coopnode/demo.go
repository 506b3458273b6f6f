package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/coopnode/coopnode/node"
)

// patience is how long anything in the village may take. It is generous: the machine may be busy with other things.
const patience = 60 * time.Second

func demoCommand(a *app) *cobra.Command {
	var script, keep bool
	cmd := &cobra.Command{
		Use: "demo", Short: "Watch a few coops talk with each other on this machine", Args: argsBetween(0, 0),
		Long: "Starts nodes of four invented coops, each a process with a database of its own, and lets them follow each other, ask, answer\n" +
			"and publish over real signed HTTP. A fifth joins; three found a federation, which takes it in and passes on what it offers,\n" +
			"to a plain microblog server too. Then it is your turn: for each node there is a line to paste into another terminal.\n" +
			"Ctrl-C ends the nodes and removes their files.\n\n" +
			"With --script nobody needs to watch: one node is killed in the middle and started again, everything is checked, and the\n" +
			"exit code is 0 if all is as it should be, else 1.",
		Example: "  coopnode demo\n  coopnode demo --script --json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGPIPE)
			defer stop()
			return a.demo(ctx, script, keep)
		},
	}
	cmd.Flags().BoolVar(&script, "script", false, "play it, kill a node in the middle, check everything and end")
	cmd.Flags().BoolVar(&keep, "keep", false, "keep the files of the nodes at the end")
	cmd.AddCommand(demoNode(a))
	return cmd
}

// demoNode is serve on a leash: it ends when its standard input does. So no node outlives the demo, however that
// ends. The Ctrl-C of the terminal is for the demo alone.
func demoNode(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "node", Short: "Run a node of the demo until standard input ends", Hidden: true, Args: argsBetween(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			signal.Ignore(os.Interrupt, syscall.SIGHUP)
			ctx, stop := context.WithCancel(cmd.Context())
			go func() {
				io.Copy(io.Discard, a.in)
				stop()
			}()
			return a.serve(ctx)
		},
	}
}

// demo raises the village, plays the story, and then checks it all or waits for a person to take part.
func (a *app) demo(ctx context.Context, script, keep bool) (err error) {
	v, err := a.newVillage(script)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil && ctx.Err() == nil && !script {
			v.showLogs()
		}
		if e := v.end(keep); err == nil {
			err = e
		}
	}()
	began := time.Now()
	fmt.Fprint(v.w, "\n  Four coops start their nodes on this machine.\n\n")
	if err = v.raise(ctx, v.coops[:4]...); err == nil {
		v.ready = time.Since(began)
		v.introduce()
		err = v.story(ctx)
	}
	if script {
		return v.report(ctx, began, err)
	}
	if err == nil {
		err = v.federate(ctx)
	}
	if err == nil {
		err = v.offer(ctx)
	}
	if err == nil {
		if err = v.invite(ctx); err == nil {
			err = v.watch(ctx)
		}
	}
	if ctx.Err() != nil {
		return nil // Ctrl-C is how it ends
	}
	return err
}

// A village is the coops of the demo and what they have said.
type village struct {
	*teller
	a      *app
	dir    string // of all files, removed at the end
	exe    string // this program
	script bool
	coops  []*villager
	said   []*saying
	reader *microblog    // once there is a federation
	ready  time.Duration // from the start until all nodes answered
	checks []check
}

// A villager is one coop with its node.
type villager struct {
	*cast
	dir  string // data and configuration
	host string // of the node, with its port
	h    *house // opened beside the server, to look at what it holds

	follows []*villager

	process *exec.Cmd
	leash   io.Closer
	ended   chan struct{} // closed when the process is no more
}

func (n *villager) base() string { return "http://" + n.host }
func (n *villager) config() string {
	return filepath.Join(n.dir, "coopnode.toml")
}
func (n *villager) log() string     { return filepath.Join(n.dir, "serve.log") }
func (n *villager) metrics() string { return filepath.Join(n.dir, "metrics") }

func (a *app) newVillage(script bool) (*village, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	dir, err := os.MkdirTemp("", "coopnode-demo-")
	if err != nil {
		return nil, fmt.Errorf("make a folder for the demo: %w", err)
	}
	v := &village{teller: newTeller(a), a: a, dir: dir, exe: exe, script: script}
	for i := range casts {
		v.coops = append(v.coops, &villager{cast: &casts[i], dir: filepath.Join(dir, casts[i].label)})
	}
	return v, nil
}

// raise makes and starts nodes, all at once, and returns when they answer.
func (v *village) raise(ctx context.Context, coops ...*villager) error {
	all, ctx := errgroup.WithContext(ctx)
	for _, n := range coops {
		all.Go(func() error { return v.raiseOne(ctx, n) })
	}
	return all.Wait()
}

// raiseOne makes a node and starts it. Its port is part of its address, so when another program was quicker to take
// that port the node is made anew with another.
func (v *village) raiseOne(ctx context.Context, n *villager) error {
	port := n.port
	for {
		var err error
		if port, err = freePortFrom(port); err != nil {
			return err
		}
		n.host = fmt.Sprintf("%s.localhost:%d", n.label, port)
		if _, err := v.do(ctx, n, "init", n.host, "--dev", "--name", n.name); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(n.dir, "profile.toml"), []byte(n.profile), 0o600); err != nil {
			return fmt.Errorf("write profile: %w", err)
		}
		if _, err := v.do(ctx, n, "profile", "edit", filepath.Join(n.dir, "profile.toml")); err != nil {
			return err
		}
		if err = v.start(ctx, n); err == nil {
			break
		}
		if !n.foundPortTaken() {
			return err
		}
		if err := os.RemoveAll(n.dir); err != nil {
			return err
		}
		port += portStep
	}
	return v.open(ctx, n)
}

// portStep lies between the ports that a node tries, so that no two nodes of a village want the same one.
const portStep = 10

// freePortFrom finds a port on which nobody listens. They are looked for below those from which systems
// take ports for connections that go out, for such a connection would keep a node from starting again.
func freePortFrom(port int) (int, error) {
	for ; port < 20000; port += portStep {
		if l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			return port, l.Close()
		}
	}
	return 0, &node.Error{Op: "find a port", Kind: node.Busy,
		Text: "There is no free port between 8801 and 20000 for the nodes of the demo. End some of the programs that listen there."}
}

// start runs the process of a node and returns when it answers.
func (v *village) start(ctx context.Context, n *villager) error {
	log, err := os.OpenFile(n.log(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("write log: %w", err)
	}
	defer log.Close() // the process has its own
	before, err := log.Seek(0, io.SeekEnd)
	if err != nil {
		return fmt.Errorf("write log: %w", err)
	}
	p := exec.Command(v.exe, "demo", "node", "--data", n.dir)
	p.Args[0] = os.Args[0]
	p.Env = append(foreignEnvironment(), "COOPNODE_METRICS=unix:"+n.metrics())
	p.Stdout, p.Stderr = log, log
	if n.leash, err = p.StdinPipe(); err != nil {
		return fmt.Errorf("start node of %s: %w", n.short, err)
	}
	if err := p.Start(); err != nil {
		return fmt.Errorf("start node of %s: %w", n.short, err)
	}
	n.process, n.ended = p, make(chan struct{})
	go func() {
		p.Wait()
		close(n.ended)
	}()
	return patiently(ctx, func() error {
		if n.hasEnded() {
			return lasting{fmt.Errorf("the node of %s has ended: %s", n.short, p.ProcessState)}
		}
		// Until it says so itself, somebody else may answer at its address: another demo.
		if said, err := os.ReadFile(n.log()); err != nil || !bytes.Contains(said[before:], []byte(n.base()+" listens on ")) {
			return firstError(err, fmt.Errorf("the node of %s does not listen yet", n.short))
		}
		_, err := v.get(ctx, n, "/readyz", "", http.StatusOK)
		return err
	})
}

func (n *villager) hasEnded() bool {
	select {
	case <-n.ended:
		return true
	default:
		return false
	}
}

// foundPortTaken says whether the process has ended because somebody else listens on its port.
func (n *villager) foundPortTaken() bool {
	return n.process != nil && n.hasEnded() && n.process.ProcessState.ExitCode() == exitBusy
}

// open opens the store of a node beside its server, to look at what it holds.
func (v *village) open(ctx context.Context, n *villager) (err error) {
	n.h, err = (&app{env: noSettings, dataDir: n.dir}).openHouse(ctx)
	return err
}

// end stops all nodes and removes their files, or says where they are.
func (v *village) end(keep bool) error {
	var all sync.WaitGroup
	for _, n := range v.coops {
		if n.h != nil {
			n.h.db.Close()
		}
		if n.process == nil {
			continue
		}
		all.Go(func() {
			n.leash.Close()
			select {
			case <-n.ended:
			case <-time.After(5 * time.Second):
				n.process.Process.Kill()
				<-n.ended
			}
		})
	}
	all.Wait()
	if v.reader != nil {
		v.reader.close()
	}
	if keep {
		v.a.tell("The files are kept in %s. Run a node again with: %s serve --data %s", v.dir, v.program(), shellWord(v.coops[0].dir))
		return nil
	}
	if err := os.RemoveAll(v.dir); err != nil {
		return fmt.Errorf("remove files of the demo: %w", err)
	}
	return nil
}

// do gives a node a command, as a person types it, and returns its answer.
func (v *village) do(ctx context.Context, n *villager, args ...string) (string, error) {
	var out strings.Builder
	a := &app{in: strings.NewReader(""), out: &out, errOut: io.Discard, env: noSettings}
	root := rootCommand(a)
	root.SetArgs(append(args, "--quiet", "--data", n.dir))
	root.SetOut(&out)
	root.SetErr(io.Discard)
	if err := root.ExecuteContext(ctx); err != nil {
		return "", fmt.Errorf("coopnode %s for %s: %w", strings.Join(args, " "), n.short, err)
	}
	return strings.TrimSpace(out.String()), nil
}

// noSettings is the environment without the settings of some other node.
func noSettings(name string) (string, bool) {
	if strings.HasPrefix(name, "COOPNODE_") {
		return "", false
	}
	return os.LookupEnv(name)
}

func foreignEnvironment() (env []string) {
	for _, s := range os.Environ() {
		if !strings.HasPrefix(s, "COOPNODE_") {
			env = append(env, s)
		}
	}
	return env
}

// visitor asks nodes of the village. It knows that names ending in .localhost are this machine; the resolver may not.
var visitor = &http.Client{
	Timeout:       20 * time.Second,
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	Transport: &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		_, port, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		return new(net.Dialer).DialContext(ctx, network, net.JoinHostPort("127.0.0.1", port))
	}},
}

// get asks a node for a document or page and wants this status.
func (v *village) get(ctx context.Context, n *villager, path, accept string, status int) (string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, n.base()+path, nil)
	if err != nil {
		return "", err
	}
	if accept != "" {
		r.Header.Set("Accept", accept)
	}
	return answered(visitor, r, status)
}

func answered(c *http.Client, r *http.Request, status int) (string, error) {
	resp, err := c.Do(r)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != status {
		err = fmt.Errorf("%s answers %s, not %d", r.URL, resp.Status, status)
	}
	return string(body), err
}

// lasting is an error that more patience does not help.
type lasting struct{ error }

// patiently looks again and again until there is no error any more, or it lasts, or patience or ctx are at an end. It
// returns the last one.
func patiently(ctx context.Context, look func() error) error {
	for limit, wait := time.Now().Add(patience), 5*time.Millisecond; ; wait = min(2*wait, 100*time.Millisecond) {
		err := look()
		var l lasting
		if err == nil {
			return nil
		} else if errors.As(err, &l) || time.Now().After(limit) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(wait):
		}
	}
}
