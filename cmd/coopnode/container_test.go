package main

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/coopnode/coopnode/activitypub/aptest"
)

// dockerLines are the instructions of the last stage of deploy/Dockerfile.
func dockerLines(t *testing.T) (list [][2]string) {
	t.Helper()
	text, err := os.ReadFile("../../deploy/Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		word, rest, ok := strings.Cut(strings.TrimSpace(line), " ")
		switch {
		case !ok || word == "#":
		case word == "FROM":
			list = [][2]string{{word, rest}}
		default:
			list = append(list, [2]string{word, rest})
		}
	}
	return list
}

// The image holds the program and certificates, and nothing else: the program lives there as 65532, with an environment that says
// COOPNODE_HOST alone, a root that it cannot write, and its own health check. No engine for containers runs here, so the test does what
// the Dockerfile says.
func TestContainer(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Log("left out: only root can change the root of a program")
		return
	}
	root := t.TempDir()
	for dir := root; dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil { // what the user 65532 has to pass
			t.Fatal(err)
		}
	}
	from := map[string]string{"/out/coopnode": released(t), "/out/data": "", "/out/tmp": "", "/etc/ssl/certs/ca-certificates.crt": aptest.NewCertificate(t).CA}
	env, said := []string{"COOPNODE_HOST=coop.example"}, map[string]string{}
	for _, l := range dockerLines(t) {
		said[l[0]] = l[1]
		switch l[0] {
		case "ENV":
			env = append(env, strings.Fields(l[1])...)
		case "COPY":
			f := strings.Fields(l[1])
			source, ok := from[f[len(f)-2]]
			if !ok || f[0] != "--from=build" {
				t.Fatalf("the Dockerfile copies %s, of which this test knows nothing", l[1])
			}
			to := filepath.Join(root, f[len(f)-1])
			if source == "" {
				if err := os.Mkdir(to, 0o700); err != nil {
					t.Fatal(err)
				}
				if slices.Contains(f, "--chown=65532:65532") {
					if err := os.Chown(to, 65532, 65532); err != nil {
						t.Fatal(err)
					}
				}
				continue
			}
			data, err := os.ReadFile(source)
			if err == nil {
				err = os.MkdirAll(filepath.Dir(to), 0o755)
			}
			if err == nil {
				err = os.WriteFile(to, data, 0o755)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	if said["FROM"] != "scratch" || said["USER"] != "65532:65532" || said["VOLUME"] != "/data" {
		t.Errorf("the image is from %s, runs as %s and keeps %s", said["FROM"], said["USER"], said["VOLUME"])
	}
	words := func(s string) (list []string) {
		if err := json.Unmarshal([]byte(s), &list); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
		return list
	}
	entry := words(said["ENTRYPOINT"])
	health := words(regexp.MustCompile(`CMD (\[.*\])$`).FindStringSubmatch(said["HEALTHCHECK"])[1])

	port := freePort() // containers have theirs for themselves
	for i, e := range env {
		env[i] = strings.Replace(e, ":8080", "127.0.0.1:"+port, 1)
	}
	if !slices.Contains(env, "COOPNODE_LISTEN=127.0.0.1:"+port) {
		t.Fatalf("the image listens elsewhere: %s", env)
	}
	inside := func(line ...string) *exec.Cmd {
		cmd := exec.Command(line[0], line[1:]...)
		cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: root, Credential: &syscall.Credential{Uid: 65532, Gid: 65532}}
		cmd.Dir, cmd.Env = "/", env
		return cmd
	}
	if out, err := inside(health...).CombinedOutput(); err == nil || err.(*exec.ExitError).ExitCode() != 1 {
		t.Errorf("healthcheck before the start: %v\n%s", err, out)
	}
	p := &program{TB: t, log: &quietBuffer{}, base: "http://127.0.0.1:" + port}
	p.child = inside(append(entry, words(said["CMD"])...)...)
	p.child.Stderr = p.log
	if err := p.child.Start(); err != nil {
		t.Fatal(err)
	}
	child := p.child
	t.Cleanup(func() { child.Process.Kill() })
	p.until("the container is healthy", func() bool { return inside(health...).Run() == nil })
	if !strings.Contains(p.log.String(), "https://coop.example/welcome/") {
		t.Errorf("the log shows no link for the first steward:\n%s", p.log)
	}
	r, err := http.NewRequest(http.MethodGet, p.base+"/ap/coop", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = "coop.example"
	res, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(res.Body)
	if res.Body.Close(); res.StatusCode != 200 || !strings.Contains(string(body), "https://coop.example/ap/coop") {
		t.Errorf("the actor: %s\n%s", res.Status, body)
	}
	if out, err := inside("/coopnode", "backup", "/data/copy").CombinedOutput(); err != nil {
		t.Errorf("a backup inside: %v\n%s", err, out)
	}
	p.stop()
	if out, err := inside(health...).CombinedOutput(); err == nil || err.(*exec.ExitError).ExitCode() != 1 {
		t.Errorf("healthcheck after the end: %v\n%s", err, out)
	}
}

// compose.yaml names what is there: the Dockerfile, the Caddyfile and its variables, settings that coopnode knows, and the one line that
// has to be written. Only the proxy can be reached from outside.
func TestComposeFile(t *testing.T) {
	t.Parallel()
	const dir = "../../deploy"
	if exec.Command("/usr/bin/python3", "-c", "import yaml").Run() != nil {
		aptest.LeaveOut(t, "compose.yaml: there is no python3-yaml")
		return
	}
	out, err := exec.Command("/usr/bin/python3", "-c", "import json, sys, yaml; print(json.dumps(yaml.safe_load(open(sys.argv[1]))))", dir+"/compose.yaml").Output()
	if err != nil {
		t.Fatalf("compose.yaml: %v", err)
	}
	var compose struct {
		Services map[string]struct {
			Build          struct{ Context, Dockerfile string }
			Environment    map[string]string
			Volumes, Ports []string
			ReadOnly       bool     `json:"read_only"`
			CapDrop        []string `json:"cap_drop"`
		}
		Volumes map[string]any
	}
	if err := json.Unmarshal(out, &compose); err != nil {
		t.Fatal(err)
	}
	ours, proxy := compose.Services["coopnode"], compose.Services["caddy"]
	if _, err := os.Stat(filepath.Join(dir, ours.Build.Context, ours.Build.Dockerfile)); err != nil || ours.Build.Dockerfile == "" {
		t.Errorf("it is built by %q: %v", ours.Build.Dockerfile, err)
	}
	if !ours.ReadOnly || !slices.Equal(ours.CapDrop, []string{"ALL"}) || !slices.Equal(ours.Volumes, []string{"data:/data"}) || len(ours.Ports) != 0 || len(compose.Volumes) != 2 {
		t.Errorf("the container of coopnode is not as closed as it can be: %+v", ours)
	}
	for name, value := range ours.Environment {
		i := slices.IndexFunc(settings, func(s field[*Config]) bool { return environmentName(s.name) == name })
		if i < 0 {
			t.Errorf("%s is no setting", name)
		} else if err := settings[i].set(&Config{}, strings.Split(value, ",")); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	caddyfile, err := os.ReadFile(dir + "/Caddyfile")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`\{\$(\w+)`).FindAllStringSubmatch(string(caddyfile), -1) {
		if proxy.Environment[m[1]] == "" {
			t.Errorf("Caddyfile wants %s, and compose.yaml does not set it", m[1])
		}
	}
	if proxy.Environment["COOPNODE_UPSTREAM"] != "coopnode:8080" || !slices.Contains(proxy.Volumes, "./Caddyfile:/etc/caddy/Caddyfile:ro") {
		t.Errorf("the proxy is %+v", proxy)
	}
	example, err := os.ReadFile(dir + "/.env.example")
	if err != nil || !strings.Contains(string(example), "\nCOOPNODE_HOST=coop.example\n") {
		t.Errorf(".env.example: %v\n%s", err, example)
	}
}
