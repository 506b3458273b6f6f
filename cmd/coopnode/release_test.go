package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/modfile"
)

// SUP-3: two builds, in two folders and with nothing kept from the one for the other, give equal bytes. It takes minutes.
func TestTortureReproducibleRelease(t *testing.T) {
	if os.Getenv("COOPNODE_TORTURE") == "" {
		t.Log("left out: a build from nothing takes minutes; COOPNODE_TORTURE=1 does it")
		return
	}
	if !needTool(t, "git", "dpkg-deb", "make") {
		return
	}
	from := "../.."
	var dirs, sums []string
	for _, folder := range []string{"one", "another/place"} { // both of one commit, also where the source goes on meanwhile
		dir := filepath.Join(t.TempDir(), folder)
		if out, err := exec.Command("git", "clone", "-q", from, dir).CombinedOutput(); err != nil {
			t.Fatalf("git: %v\n%s", err, out)
		}
		dirs, from = append(dirs, dir), dir
	}
	for i, dir := range dirs {
		make := exec.Command("make", "-s", "-C", dir, "release", "ARCHITECTURES=amd64")
		make.Env = append(os.Environ(), "COMPRESS=gzip", "TZ=Asia/Tokyo", "LC_ALL=C")
		if i == 1 {
			make.Env = append(os.Environ(), "COMPRESS=gzip", "GOCACHE="+filepath.Join(t.TempDir(), "cache"))
		}
		if out, err := make.CombinedOutput(); err != nil {
			t.Fatalf("make release: %v\n%s", err, out)
		}
		s, err := os.ReadFile(filepath.Join(dir, "bin", "release", "SHA256SUMS"))
		if err != nil {
			t.Fatal(err)
		}
		sums = append(sums, string(s))
	}
	t.Logf("\n%s", sums[0])
	if sums[0] != sums[1] {
		t.Errorf("the second build gives\n%s", sums[1])
	}
	for _, want := range []string{"coopnode-linux-amd64", "_amd64.deb", "coopnode.cdx.json"} {
		if !strings.Contains(sums[0], want) {
			t.Errorf("there is no sum of %s", want)
		}
	}
}

// SUP-3: the program says what it is made of: every module that Go noted in it, with version and sum.
func TestPartsAreListed(t *testing.T) {
	t.Parallel()
	program := released(t)
	said, err := exec.Command(program, "version", "--sbom").Output()
	if err != nil {
		t.Fatal(err)
	}
	var list struct {
		Format   string `json:"bomFormat"`
		Spec     string `json:"specVersion"`
		Metadata struct{ Component part }
		Parts    []part `json:"components"`
	}
	if err := json.Unmarshal(said, &list); err != nil {
		t.Fatal(err)
	}
	if list.Format != "CycloneDX" || list.Spec != "1.6" || list.Metadata.Component.Name != "github.com/coopnode/coopnode" {
		t.Errorf("it is %s %s of %v", list.Format, list.Spec, list.Metadata.Component)
	}
	noted, err := exec.Command("go", "version", "-m", program).Output()
	if err != nil {
		t.Fatal(err)
	}
	modules := 0
	for line := range strings.Lines(string(noted)) {
		f := strings.Fields(line)
		if len(f) != 4 || f[0] != "dep" {
			continue
		}
		modules++
		if !slices.ContainsFunc(list.Parts, func(p part) bool {
			return p.Name == f[1] && p.Version == f[2] && p.PURL == "pkg:golang/"+f[1]+"@"+strings.ReplaceAll(f[2], "+", "%2B") && len(p.Properties) == 1 && p.Properties[0].Value == f[3]
		}) {
			t.Errorf("%s is in the program and not in the list", f[1])
		}
	}
	if modules < 20 || len(list.Parts) != modules+1 { // and Go's own library
		t.Errorf("%d parts are listed, and the program has %d modules", len(list.Parts), modules)
	}
	again, err := exec.Command(program, "version", "--sbom").Output()
	if err != nil || !bytes.Equal(said, again) {
		t.Errorf("it says something else the second time: %v", err)
	}
}

// SUP-2: each direct dependency has a written reason, and there is no C in the program.
func TestDependenciesHaveReasons(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	f, err := modfile.Parse("go.mod", data, nil)
	if err != nil {
		t.Fatal(err)
	}
	direct := 0
	for _, r := range f.Require {
		if r.Indirect {
			continue
		}
		if direct++; len(r.Syntax.Suffix) == 0 || len(strings.Fields(r.Syntax.Suffix[0].Token)) < 2 {
			t.Errorf("%s has no reason in go.mod", r.Mod.Path)
		}
	}
	if direct < 10 {
		t.Errorf("%d direct dependencies were found", direct)
	}
	noted, err := exec.Command("go", "version", "-m", released(t)).Output()
	if err != nil || !bytes.Contains(noted, []byte("CGO_ENABLED=0")) {
		t.Errorf("the program may hold C: %v\n%s", err, noted)
	}
}
