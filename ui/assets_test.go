package ui_test

import (
	"regexp"
	"strings"
	"testing"
)

// The stylesheet, the font and the map are kept for ever under names that have their hash; the stylesheet names no other host.
func TestAssets(t *testing.T) {
	s := newSite(t)
	_, body := s.get("/")
	style := regexp.MustCompile(`href="(/assets/[0-9a-f]{12}/style\.css)"`).FindStringSubmatch(body)
	if style == nil {
		t.Fatal("the page has no stylesheet")
	}
	res, css := s.get(style[1])
	if !strings.HasPrefix(res.Header.Get("Content-Type"), "text/css") {
		t.Errorf("the stylesheet is %s", res.Header.Get("Content-Type"))
	}
	files := []string{style[1]}
	for _, m := range regexp.MustCompile(`url\("([^"]*)"\)`).FindAllStringSubmatch(css, -1) {
		files = append(files, m[1])
	}
	if len(files) != 3 || !strings.Contains(body, `rel="preload" href="`+files[1]+`"`) {
		t.Errorf("the page and its stylesheet name %q", files)
	}
	for _, f := range files {
		res, _ := s.get(f)
		if cc := res.Header.Get("Cache-Control"); res.StatusCode != 200 || !strings.Contains(cc, "immutable") {
			t.Errorf("%s: %s, Cache-Control %q", f, res.Status, cc)
		}
		old := regexp.MustCompile(`[0-9a-f]{12}`).ReplaceAllString(f, "000000000000")
		if res, _ := s.get(old); res.Header.Get("Cache-Control") != "no-cache" {
			t.Errorf("%s is kept under a name that is not its own", old)
		}
	}
	if res, _ := s.get("/assets/000000000000/other.css"); res.StatusCode != 404 {
		t.Errorf("an asset that is not there: %s", res.Status)
	}
}
