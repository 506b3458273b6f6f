package activitypub_test

import (
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"github.com/coopnode/coopnode/activitypub/aptest"
)

// TestSealedNetwork (SSRF-2 to SSRF-7, T-4): a node with the rules of production, in a network of its own where every address
// of the world is this machine, is asked to go to thousands of hostile addresses. Decoys count who arrives where.
// What happens inside is in sealednetwork_test.go.
func TestSealedNetwork(t *testing.T) {
	if runtime.GOOS != "linux" {
		aptest.LeaveOut(t, "no connection to a blocked address, in a network of its own: that needs Linux")
		return
	}
	if _, err := exec.LookPath("ip"); err != nil {
		aptest.LeaveOut(t, "no connection to a blocked address, in a network of its own: that needs the program ip (Debian package iproute2)")
		return
	}
	inside := exec.Command(os.Args[0], "-test.run=^TestSealedNetworkProcess$", "-test.count=1", "-test.v", "-test.timeout=50m")
	inside.Env = append(os.Environ(), "COOPNODE_TEST_SEALED=1",
		"HTTPS_PROXY=http://127.0.0.1:444", "https_proxy=http://127.0.0.1:444") // of which nobody takes notice (SSRF-7)
	seal(inside)
	out, err := inside.CombinedOutput()
	if inside.Process == nil {
		aptest.LeaveOut(t, "no connection to a blocked address, in a network of its own: this machine does not let "+
			"this user make a network namespace ("+err.Error()+"). Run it as root, or allow user namespaces")
		return
	}
	if err != nil || !strings.Contains(string(out), "--- PASS: TestSealedNetworkProcess") {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
}
