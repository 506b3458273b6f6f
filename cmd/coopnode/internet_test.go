package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"encoding/json"
	"fmt"
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
)

const transcriptFile = "testdata/internet.golden"

// TestInternet (issue 6, done when 1): on a fresh machine, in a network of its own with a DNS and a certificate authority, the package
// is installed, init makes the node, and the first opening reaches a server on Fedify by https. What the person sees is
// in testdata/internet.golden. The inside is TestInternetProcess.
func TestInternet(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Log("left out: only root can make a network and install a package")
		return
	}
	if !needTool(t, "unshare", "nsenter", "setpriv", "ip", "dpkg-deb", "pebble", "node") {
		return
	}
	dir := t.TempDir()
	letIn(t, dir)
	inside := exec.Command("unshare", "--mount", "--net", os.Args[0], "-test.run=^TestInternetProcess$", "-test.count=1", "-test.v", "-test.timeout=10m")
	inside.Env = append(os.Environ(), "COOPNODE_TEST_INTERNET="+dir, "COOPNODE_TEST_DEB="+debianPackage(t))
	out, err := inside.CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("--- PASS: TestInternetProcess")) {
		t.Fatalf("%v\n%s", err, out)
	}
	got, err := os.ReadFile(filepath.Join(dir, "transcript"))
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(transcriptFile, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(transcriptFile)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("the person sees:\n%s\nwant:\n%s", got, want)
	}
}

// Addresses of the test's internet: what it is made of, and the machine. They have to be public, for the node goes to no others.
const (
	worldV4, worldV6     = "93.184.216.1", "2606:2800:220::1"
	machineV4, machineV6 = "93.184.216.34", "2606:2800:220::34"
)

// An internet is a network with a machine in it that nobody has touched.
type internet struct {
	*testing.T
	dir        string // of the test
	root       string // of the machine's files
	holder     string // process that keeps the machine's network
	names      *nameServer
	transcript bytes.Buffer
}

func (i *internet) must(program string, args ...string) string {
	i.Helper()
	out, err := exec.Command(program, args...).CombinedOutput()
	if err != nil {
		i.Fatalf("%s %s: %v\n%s", program, strings.Join(args, " "), err, out)
	}
	return string(out)
}

func (i *internet) ok(err error) {
	i.Helper()
	if err != nil {
		i.Fatal(err)
	}
}

// build makes networks and files. All of it ends with the process, which has namespaces of its own.
func (i *internet) build() {
	i.Helper()
	i.must("mount", "--make-rprivate", "/")
	resolv := filepath.Join(i.dir, "resolv.conf")
	i.ok(os.WriteFile(resolv, []byte("nameserver "+worldV4+"\n"), 0o644))
	i.must("mount", "--bind", resolv, "/etc/resolv.conf")

	holder := exec.Command("unshare", "--net", "sleep", "600")
	i.ok(holder.Start())
	i.Cleanup(func() { holder.Process.Kill(); holder.Wait() })
	i.holder = fmt.Sprint(holder.Process.Pid)
	own, err := os.Readlink("/proc/self/ns/net")
	i.ok(err)
	aptest.Until(i, "the machine has a network", func() bool {
		its, err := os.Readlink("/proc/" + i.holder + "/ns/net")
		return err == nil && its != own
	})
	i.must("ip", "link", "set", "lo", "up")
	i.must("ip", "link", "add", "world", "type", "veth", "peer", "name", "eth0", "netns", i.holder)
	for _, end := range []struct {
		in     []string
		name   string
		v4, v6 string
	}{{nil, "world", worldV4, worldV6}, {[]string{"nsenter", "-t", i.holder, "-n"}, "eth0", machineV4, machineV6}} {
		for _, step := range []string{
			"ip link set lo up", "ip link set " + end.name + " up",
			"ip address add " + end.v4 + "/24 dev " + end.name, "ip address add " + end.v6 + "/64 dev " + end.name + " nodad",
		} {
			args := append(end.in, strings.Fields(step)...)
			i.must(args[0], args[1:]...)
		}
	}

	// The files are this machine's, and what changes in them is forgotten.
	disk := filepath.Join(i.dir, "disk")
	i.ok(os.Mkdir(disk, 0o755))
	i.must("mount", "-t", "tmpfs", "none", disk)
	i.root = filepath.Join(disk, "root")
	for _, d := range []string{"upper", "work", "root"} {
		i.ok(os.Mkdir(filepath.Join(disk, d), 0o755))
	}
	i.must("mount", "-t", "overlay", "overlay", "-o", "lowerdir=/,upperdir="+disk+"/upper,workdir="+disk+"/work", i.root)
	i.must("mount", "-t", "proc", "proc", i.root+"/proc")
	for _, d := range []string{"/dev", "/sys"} {
		i.must("mount", "--rbind", d, i.root+d)
	}
	i.must("rm", "-rf", i.root+"/etc/coopnode", i.root+"/var/lib/coopnode", i.root+"/run/coopnode.pid")
	i.write("/etc/resolv.conf", 0o644, "nameserver "+worldV4+"\n")
}

// write puts a file on the machine.
func (i *internet) write(path string, mode os.FileMode, text string) {
	i.Helper()
	i.ok(os.MkdirAll(filepath.Dir(i.root+path), 0o755))
	i.ok(os.WriteFile(i.root+path, []byte(text), mode))
	i.ok(os.Chmod(i.root+path, mode))
}

// on is a command of root on the machine.
func (i *internet) on(command string, env ...string) *exec.Cmd {
	cmd := exec.Command("nsenter", "-t", i.holder, "-n", "chroot", i.root, "sh", "-c", command)
	cmd.Env = append([]string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8", "HOME=/root"}, env...)
	return cmd
}

// types is what the person types on the machine, and what comes back. answers hears each line that comes.
func (i *internet) types(command string, hears func(line string)) {
	i.Helper()
	fmt.Fprintf(&i.transcript, "# %s\n", command)
	settings, err := os.ReadFile(i.root + "/etc/coopnode/env")
	i.ok(err)
	cmd := i.on(command+" 2>&1", strings.Fields(string(settings))...)
	out, err := cmd.StdoutPipe()
	i.ok(err)
	i.ok(cmd.Start())
	for lines := bufio.NewScanner(out); lines.Scan(); {
		fmt.Fprintln(&i.transcript, lines.Text())
		if hears != nil {
			hears(lines.Text())
		}
	}
	if err := cmd.Wait(); err != nil {
		log, _ := os.ReadFile(i.root + "/var/log/coopnode.log")
		i.Fatalf("%s: %v\n%s\nthe server:\n%s", command, err, &i.transcript, log)
	}
	fmt.Fprintln(&i.transcript)
}

// In place of systemd, which does not run here: it starts what the unit names, as its user and with its rights and settings.
const standInForSystemd = `#!/bin/sh
unit=/lib/systemd/system/coopnode.service
value() { sed -n "s/^$1=-*//p" $unit; }
case "$*" in
"show --property=LoadState --value coopnode.service") test -e $unit && echo loaded ;;
"enable --now coopnode.service")
	test -e /run/coopnode.pid && exit 0 # it runs
	cd /
	set -a; . $(value EnvironmentFile); set +a
	setsid setpriv --reuid "$(value User)" --regid "$(value Group)" --clear-groups --inh-caps=-all,+net_bind_service \
		--bounding-set=-all,+net_bind_service --ambient-caps=-all,+net_bind_service --no-new-privs \
		env $(value Environment) $(value ExecStart) >/var/log/coopnode.log 2>&1 </dev/null &
	echo $! >/run/coopnode.pid ;;
*) exit 1 ;;
esac
`

// TestInternetProcess is the inside of TestInternet. As a test of its own it does nothing.
func TestInternetProcess(t *testing.T) {
	dir := os.Getenv("COOPNODE_TEST_INTERNET")
	if dir == "" {
		return
	}
	i := &internet{T: t, dir: dir}
	i.build()
	i.names = newNameServer(t, worldV4+":53")
	for _, name := range []string{"acme.example", "social.example"} {
		i.names.set(name, worldV4)
	}
	cert := aptest.NewCertificate(t, "acme.example", "social.example")
	ca, ok := newPebble(t, "acme.example", cert, i.names.address, "80", "443")
	if !ok {
		t.Fatal("no Pebble")
	}
	root := ca.start()
	authority, err := os.ReadFile(cert.CA)
	i.ok(err)
	trusted := append(authority, root...)
	bundle := filepath.Join(dir, "ca.pem")
	i.ok(os.WriteFile(bundle, trusted, 0o644))
	fediverse := i.startFedify(cert, bundle)

	// The machine: the package, and what makes this internet differ from the other one.
	deb, err := os.ReadFile(os.Getenv("COOPNODE_TEST_DEB"))
	i.ok(err)
	i.write("/root/coopnode.deb", 0o644, string(deb))
	if out, err := i.on("dpkg --no-triggers -i /root/coopnode.deb").CombinedOutput(); err != nil {
		t.Fatalf("install: %v\n%s", err, out)
	}
	i.write("/usr/bin/systemctl", 0o755, standInForSystemd)
	i.write("/etc/coopnode/ca.pem", 0o644, string(trusted))
	i.write("/etc/coopnode/env", 0o644, "COOPNODE_ACME__DIRECTORY="+ca.directory()+"\nCOOPNODE_OUTGOING__CA_FILE=/etc/coopnode/ca.pem\n")
	t.Cleanup(func() { i.on("kill $(cat /run/coopnode.pid)").Run() })

	i.types("coopnode init toxo.example --yes --mail ana@toxo.example --wait 2m", func(line string) {
		if strings.Contains(line, "AAAA") { // the person enters what was said
			i.names.set("toxo.example", machineV4, machineV6)
		}
	})
	browser := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: poolOf(t, trusted)}}}
	for _, address := range []string{"http://toxo.example/", "https://toxo.example/"} {
		resp, err := browser.Get(address)
		i.ok(err)
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK || resp.Request.URL.String() != "https://toxo.example/" {
			t.Errorf("%s leads to %s: %s", address, resp.Request.URL, resp.Status)
		}
	}
	if out, err := i.on("setpriv --reuid=65534 --regid=65534 --clear-groups coopnode status", "HOME=/home/ana").CombinedOutput(); err == nil || !bytes.Contains(out, []byte("sudo coopnode")) {
		t.Errorf("without sudo: %v, %s", err, out)
	}
	if all := owners(t, i.root+"/var/lib/coopnode"); len(all) != 1 || all[0] {
		t.Errorf("the files of the node belong to the users %v", all)
	}

	ask := func(what string, input map[string]any) []byte {
		t.Helper()
		body, err := json.Marshal(input)
		i.ok(err)
		method := http.MethodPost
		if input == nil {
			method = http.MethodGet
		}
		r, err := http.NewRequestWithContext(t.Context(), method, fediverse+"/control/"+what, bytes.NewReader(body))
		i.ok(err)
		resp, err := browser.Do(r)
		i.ok(err)
		defer resp.Body.Close()
		answer, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("Fedify answers to %s: %s %s, %v", what, resp.Status, answer, err)
		}
		return answer
	}
	ask("follow", map[string]any{"actor": "https://toxo.example/ap/coop"})
	aptest.Until(t, "Fedify follows", func() bool {
		return bytes.Contains(ask("events?kind=activity&type=Accept", nil), []byte("toxo.example"))
	})
	i.types("coopnode opening new --title 'Accessibility audit' --amount '240 hour'", nil)
	heard := func(title string) int {
		return bytes.Count(ask("events?kind=activity&type=Create", nil), []byte(title))
	}
	aptest.Until(t, "Fedify has the opening", func() bool { return heard("Accessibility audit") > 0 })
	once := heard("Accessibility audit")
	// Again: every step finds that it was done.
	i.types("coopnode init toxo.example --yes --wait 2m", nil)

	// The machine is lost, and there is another one: the package is on it, and what the person kept (done when 6).
	i.types("coopnode backup /root/coop.tar.gz", nil)
	i.types("cp /var/lib/coopnode/master.key /root/", nil)
	i.must("chmod", "700", i.root+"/root")
	i.ok(i.on("kill -9 $(cat /run/coopnode.pid); rm -r /run/coopnode.pid /var/lib/coopnode /etc/coopnode/coopnode.toml").Run())
	i.types("coopnode restore /root/coop.tar.gz --key /root/master.key", nil)
	i.types("coopnode delivery resume", nil)
	i.types("coopnode init toxo.example --yes --wait 2m", nil)
	i.types("coopnode doctor --quiet", nil)
	i.types("coopnode opening new --title 'Bread for the night shift'", nil)
	aptest.Until(t, "Fedify has the opening of the new machine", func() bool { return heard("Bread for the night shift") > 0 })
	if again := heard("Accessibility audit") - once; again != 0 {
		t.Errorf("Fedify has heard of the first opening %d times more", again)
	}
	i.ok(os.WriteFile(filepath.Join(dir, "transcript"), masked(i.transcript.String()), 0o644))
}

// startFedify starts a server on Fedify at social.example and gives its address.
func (i *internet) startFedify(cert *aptest.Certificate, trusts string) string {
	i.Helper()
	cmd := exec.Command("node", "peer.mjs", "--host", "social.example", "--port", "443", "--cert", cert.Cert, "--key", cert.Key)
	cmd.Dir = filepath.Join("..", "..", "activitypub", "testdata", "fedify")
	cmd.Env = append(os.Environ(), "NODE_EXTRA_CA_CERTS="+trusts)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	i.ok(err)
	i.ok(cmd.Start())
	i.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if base, ok := strings.CutPrefix(strings.TrimSpace(line), "ready "); ok {
		return strings.TrimSuffix(base, ":443")
	}
	i.Fatalf("Fedify does not start: %q, %v", line, err)
	return ""
}

// masked takes out what differs from day to day.
func masked(transcript string) []byte {
	for _, m := range [][2]string{
		{`/welcome/\S+`, "/welcome/TOKEN"},
		{`valid until \d+ \w+ \d+`, "valid until DATE"},
		{`Pebble Intermediate CA \w+`, "Pebble Intermediate CA"},
		{`process \d+`, "process PID"},
		{`\d{4}-\d\d-\d\d \d\d:\d\d UTC  `, "TIME  "},
		{`\d+ KiB`, "SIZE"},
		{`(openings/|delivery |^)[a-z2-7]{10}\b`, "${1}ID"},
		{`\d+ checks are good`, "N checks are good"},
	} {
		transcript = regexp.MustCompile(`(?m)`+m[0]).ReplaceAllString(transcript, m[1])
	}
	return []byte(transcript)
}
