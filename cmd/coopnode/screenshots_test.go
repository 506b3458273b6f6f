package main

import (
	"fmt"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"
)

// picturesVar names the folder for the pictures of all pages: make screenshots.
const picturesVar = "COOPNODE_SCREENSHOTS"

// asPictures takes pictures of pages of the demo, on a desk and on a phone, light and dark: of all of them into the folder
// that is asked for, else of one, to see that it can be done.
func (s *sample) asPictures(t *testing.T) {
	j := startJudge(t)
	if j == nil {
		return
	}
	dir, pages := os.Getenv(picturesVar), s.pages
	if dir == "" {
		dir, pages = t.TempDir(), pages[:1]
	} else if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	var all errgroup.Group
	all.SetLimit(2)
	for _, p := range pages {
		for size, side := range map[string][2]int{"desktop": {1280, 960}, "phone": {390, 844}} {
			for _, mode := range []string{"light", "dark"} {
				all.Go(func() error {
					file := filepath.Join(dir, fmt.Sprintf("%s-%s-%s.png", fileName(p.address), size, mode))
					if err := j.picture(p, file, side[0], side[1], mode == "dark"); err != nil {
						return err
					}
					f, err := os.Open(file)
					if err != nil {
						return err
					}
					defer f.Close()
					if c, err := png.DecodeConfig(f); err != nil || c.Width != side[0] || c.Height < side[1] {
						return fmt.Errorf("the picture of %s is %d × %d, %v", p.address, c.Width, c.Height, err)
					}
					return nil
				})
			}
		}
	}
	if err := all.Wait(); err != nil {
		t.Error(err)
	}
	if os.Getenv(picturesVar) != "" {
		t.Logf("pictures of %d pages are in %s", len(pages), dir)
	}
}

// picture takes one of a whole page.
func (j *judge) picture(p sitePage, file string, width, height int, dark bool) error {
	file, err := filepath.Abs(file)
	if err != nil {
		return err
	}
	return j.ask(map[string]any{"do": "picture", "address": p.address, "file": file, "width": width, "height": height, "dark": dark, "whole": true, "cookies": p.jar()}, &struct{}{})
}

// fileName is an address as the name of a file: the node, and where on it.
func fileName(address string) string {
	host, path, _ := strings.Cut(strings.TrimPrefix(address, "http://"), "/")
	host, _, _ = strings.Cut(host, ".")
	host, _, _ = strings.Cut(host, ":")
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, host+"-"+path)
	return strings.Trim(name[:min(len(name), 80)], "-")
}
