package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// waysOut are the names by which the standard library reaches other machines, all of them around the address rules.
var waysOut = map[string][]string{
	"net/http":          {"DefaultClient", "DefaultTransport", "Get", "Post", "PostForm", "Head", "Client", "Transport"},
	"net/http/httputil": {"ReverseProxy", "NewSingleHostReverseProxy"},
	"net":               {"Dial", "DialTimeout", "DialTCP", "DialUDP", "DialIP", "DialUnix", "Dialer"},
	"crypto/tls":        {"Dial", "DialWithDialer", "Dialer"},
	"net/smtp":          {"Dial", "SendMail"},
	"net/rpc":           {"Dial", "DialHTTP", "DialHTTPPath"},
}

// mayGoOut are the files in which those names may stand.
var mayGoOut = map[string]string{
	"activitypub/dial.go":            "the one transport, with the check of every connection in its dialer",
	"activitypub/client.go":          "the one client, which holds that transport",
	"activitypub/authority.go":       "the certificate authority, which who runs the node has named",
	"cmd/coopnode/mail.go":           "the mail server, which the stewards have named, and which most often is in a network of their own",
	"cmd/coopnode/demo.go":           "the visitor of the village, whose dialer knows 127.0.0.1 alone",
	"cmd/coopnode/demo_check.go":     "the same over the unix socket of a node's metrics",
	"cmd/coopnode/demo_script.go":    "the same",
	"activitypub/self.go":            "the public address of this node itself, and nothing else",
	"activitypub/resolve.go":         "the name servers of the configuration or of the system",
	"cmd/coopnode/doctor_network.go": "where this node listens itself",
	"cmd/coopnode/healthcheck.go":    "the same",
}

// SSRF-1: there is one client for every address that came from outside. Tests go where they like.
func TestOneClient(t *testing.T) {
	used := map[string]bool{}
	eachSource(t, func(name string, file *ast.File, at *token.FileSet) {
		for _, found := range namesOf(file, waysOut) {
			if mayGoOut[name] == "" {
				t.Errorf("%s: %s goes around the address rules; use activitypub.Client (SSRF-1)", at.Position(found.Pos()), found.Sel.Name)
			}
			used[name] = true
		}
	})
	if !used["activitypub/dial.go"] {
		t.Error("not even the client was found: this test looks for the wrong names")
	}
}

// mayMatch are the files with regular expressions, which Go's library matches in linear time.
var mayMatch = map[string]string{
	"node/node.go":              "a handle",
	"node/federation.go":        "the code of a country",
	"node/values.go":            "the key of a skill, a currency, a language",
	"ui/assets.go":              "our own stylesheet",
	"ui/openingform.go":         "a time zone that one of our own people typed",
	"ui/sheet.go":               "the code of a region that one of our own people typed",
	"ui/interact.go":            "an address that a person typed",
	"activitypub/interact.go":   "one address of a WebFinger document",
	"cmd/coopnode/importrow.go": "a short name in a file of samples",
	"cmd/coopnode/init.go":      "what the person who sets up a node typed",
}

// PARSE-6: whole documents of others are read with readers that look at each byte once, never with patterns.
func TestNoPatterns(t *testing.T) {
	eachSource(t, func(name string, file *ast.File, at *token.FileSet) {
		for _, spec := range file.Imports {
			p, _ := strconv.Unquote(spec.Path.Value)
			if strings.Contains(path.Base(p), "regexp") && (p != "regexp" || mayMatch[name] == "") {
				t.Errorf("%s: read remote documents without regular expressions, or name the one short value that is matched in mayMatch (PARSE-6)", at.Position(spec.Pos()))
			}
		}
	})
}

// secondParsers are what would read a document of others in another way than the strict reader did.
var secondParsers = map[string][]string{"encoding/json": {"Unmarshal", "NewDecoder"}}

// mayParse are the files of package activitypub in which they stand.
var mayParse = map[string]string{
	"activitypub/outbox.go":    "what this node has written itself",
	"activitypub/backfill.go":  "how far this node has read",
	"activitypub/discovery.go": "the same of lists of coops",
	"activitypub/word.go":      "the same of memberships",
	"activitypub/incoming.go":  "where in the bytes of a letter its object stands, after the strict reader took the letter",
}

// JSON-3: what is checked is what is used, for one reader reads every document of others, and one HTML reader goes
// through it piece by piece (PARSE-6).
func TestOneParser(t *testing.T) {
	found := 0
	eachSource(t, func(name string, file *ast.File, at *token.FileSet) {
		if path.Dir(name) != "activitypub" {
			return
		}
		for _, call := range namesOf(file, secondParsers) {
			found++
			if mayParse[name] == "" {
				t.Errorf("%s: %s reads otherwise than ReadJSON does; use that (JSON-3)", at.Position(call.Pos()), call.Sel.Name)
			}
		}
		for _, call := range namesOf(file, map[string][]string{"golang.org/x/net/html": {"Parse", "ParseFragment", "ParseWithOptions", "ParseFragmentWithOptions"}}) {
			t.Errorf("%s: read HTML with the tokenizer (PARSE-6)", at.Position(call.Pos()))
		}
	})
	if found == 0 {
		t.Error("nothing was found: this test looks for the wrong names")
	}
}

// namesOf finds where file uses one of these names of these packages, under whatever name they were imported.
func namesOf(file *ast.File, names map[string][]string) (found []*ast.SelectorExpr) {
	packages := map[string]string{}
	for _, spec := range file.Imports {
		p, _ := strconv.Unquote(spec.Path.Value)
		local := path.Base(p)
		if spec.Name != nil {
			local = spec.Name.Name
		}
		packages[local] = p
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok {
			if id, ok := sel.X.(*ast.Ident); ok && slices.Contains(names[packages[id.Name]], sel.Sel.Name) {
				found = append(found, sel)
			}
		}
		return true
	})
	return found
}

// eachSource reads every Go file of the program. Tests, and the rooms that only tests import, are left out.
func eachSource(t *testing.T, read func(name string, file *ast.File, at *token.FileSet)) {
	t.Helper()
	root, files := filepath.Join("..", ".."), 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (slices.Contains([]string{"node_modules", "testdata", "aptest", "storetest"}, d.Name()) || strings.HasPrefix(d.Name(), ".") && path != root) {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		at := token.NewFileSet()
		file, err := parser.ParseFile(at, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		files++
		read(filepath.ToSlash(rel), file, at)
		return nil
	})
	if err != nil || files < 100 {
		t.Fatalf("%d files: %v", files, err)
	}
}
