package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// debianPackage is the .deb of the released program for this machine, built once; not compressed, which takes long.
func debianPackage(t testing.TB) (file string) {
	t.Helper()
	program := released(t)
	return builtOnce(t, "coopnode.deb", func(out string) *exec.Cmd {
		arch, err := exec.Command("dpkg", "--print-architecture").Output()
		if err != nil {
			t.Fatalf("dpkg: %v", err)
		}
		cmd := exec.Command("../../deploy/debian/build.sh", program, strings.TrimSpace(string(arch)), "0.1.0", out)
		cmd.Env = append(os.Environ(), "COMPRESS=none")
		return cmd
	})
}

// onThisSystem runs a shell script as root of a system that is this machine's, with the files of the test in /test; what it changes is
// gone afterwards. No service manager runs in it.
func onThisSystem(t *testing.T, files map[string]string, script string) string {
	t.Helper()
	shared := t.TempDir()
	for name, from := range files {
		if err := os.Link(from, filepath.Join(shared, name)); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("unshare", "--mount", "--net", "sh", "-ec", `
		mount -t tmpfs none /mnt
		mkdir /mnt/upper /mnt/work /mnt/root
		mount -t overlay overlay -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work /mnt/root
		mount -t proc proc /mnt/root/proc
		for d in /dev /sys; do mount --rbind $d /mnt/root$d; done
		mkdir /mnt/root/test
		mount --bind "$1" /mnt/root/test
		ip link set lo up
		exec chroot /mnt/root sh -ec "$2"`, "sh", shared, script)
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8", "HOME=/root"}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return string(out)
}

// The .deb brings program, unit, user, man pages and completions; installing it twice is as good as once; an upgrade starts a running
// node anew; the data stay when it is removed and even when it is purged.
func TestPackage(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Log("left out: only root can install a package")
		return
	}
	if !needTool(t, "dpkg-deb", "unshare", "ip", "man") {
		return
	}
	said := onThisSystem(t, map[string]string{"coopnode.deb": debianPackage(t)}, `
		install() { dpkg --no-triggers -i /test/coopnode.deb >/tmp/said || { cat /tmp/said; exit 1; }; }
		install
		grep -q 'sudo coopnode init' /tmp/said || { echo "it does not say what comes next"; exit 1; }
		test "$(stat -c '%U %G %a' /var/lib/coopnode)" = 'coopnode coopnode 700'
		test "$(stat -c '%U %a' /usr/bin/coopnode)" = 'root 755'
		test "$(getent passwd coopnode | cut -d: -f6-)" = /var/lib/coopnode:/usr/sbin/nologin
		coopnode version
		man -w coopnode coopnode-opening-new 5 coopnode.toml >/dev/null
		bash -c '. /usr/share/bash-completion/completions/coopnode; complete -p coopnode' >/dev/null
		grep -q compdef /usr/share/zsh/vendor-completions/_coopnode
		grep -q 'complete -c coopnode' /usr/share/fish/vendor_completions.d/coopnode.fish
		test -f /lib/systemd/system/coopnode.service -a -f /usr/lib/sysusers.d/coopnode.conf
		test ! -e /etc/systemd/system/multi-user.target.wants/coopnode.service

		echo kept >/var/lib/coopnode/coopnode.db
		echo 'host = "coop.example"' >/etc/coopnode/coopnode.toml
		chmod 640 /etc/coopnode/coopnode.toml
		before=$(stat -c '%U %a' /var/lib/coopnode /etc/coopnode/coopnode.toml)
		mkdir -p /run/systemd/system # as where systemd runs; what it would be told is written down
		for tool in systemctl deb-systemd-invoke; do printf '#!/bin/sh\necho "%s $*" >>/tmp/told\n' $tool >/usr/bin/$tool; chmod 755 /usr/bin/$tool; done
		install
		grep -q 'sudo coopnode init' /tmp/said && { echo "it says to set up what is set up"; exit 1; }
		test "$before" = "$(stat -c '%U %a' /var/lib/coopnode /etc/coopnode/coopnode.toml)"
		dpkg -V coopnode
		echo "== upgraded"; cat /tmp/told; rm /tmp/told
		dpkg --no-triggers -r coopnode >/dev/null
		echo "== removed"; cat /tmp/told; rm /tmp/told
		test -s /etc/coopnode/coopnode.toml
		dpkg --no-triggers -P coopnode | grep -q 'stay in /var/lib/coopnode'
		test ! -e /etc/coopnode
		test -s /var/lib/coopnode/coopnode.db
		rm /usr/bin/systemctl /usr/bin/deb-systemd-invoke
		rm -r /run/systemd/system
		install
		test -s /var/lib/coopnode/coopnode.db`)
	want := `coopnode \S+ \(go.*\)
== upgraded
systemctl --system daemon-reload
deb-systemd-invoke try-restart coopnode.service
== removed
deb-systemd-invoke stop coopnode.service
systemctl --system daemon-reload
`
	if !regexp.MustCompile("^" + want + "$").MatchString(said) {
		t.Errorf("it says:\n%s\nwant:\n%s", said, want)
	}
}
