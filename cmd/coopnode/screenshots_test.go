package main

import (
	"fmt"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
)

// picturesVar names the folder for the pictures of all pages: make screenshots.
const picturesVar = "COOPNODE_SCREENSHOTS"

// The pictures in README: what each is called and where it is seen. They are made anew with all the others, as small as a
// page that is read on the way may be.
const (
	readmePictures = "../../.github/images"
	mostPicture    = 150_000 // bytes
)

func (s *sample) forReadme() map[string]sitePage {
	toxeira := s.nodes["toxeira"]
	return map[string]sitePage{
		"opening.png":   {address: toxeira + s.wanted},
		"dashboard.png": {address: toxeira + "/console", cookie: s.guest},
		"directory.png": {address: toxeira + "/directory"},
	}
}

// wants publishes an opening as Toxeira, of which other coops have taken a part, and gives the path of its page.
func (s *sample) wants(t *testing.T) string {
	t.Helper()
	p := s.beside(t, "toxeira")
	in := func(months int) string { return time.Now().AddDate(0, months, 0).Format(time.DateOnly) }
	project := p.command("project", "new", "-q", "--title", "Open map of cooperative housing", "--text", "Where housing coops are, and who has a free flat.", "--status", "active", "--goal-hours", "1200")
	return "/openings/" + p.command("opening", "new", "-q", "--title", "Survey of nine hundred housing coops", "--kind", "partner", "--amount", "40 people", "--available", "17 people", "--minimum", "1 people",
		"--closes", in(2), "--begins", in(3), "--ends", in(8), "--remote", "--budget", "24-31 EUR", "--budget-basis", "hour", "--skill", "Interviews,Maps", "--language", "es,gl,en", "--project", project,
		"--who", "coops", "--how", "reply,email", "--tag", "housing", "--lang", "en",
		"--text", "Nine hundred housing coops have never been asked what they own. We visit them, **one after the other**, and put what they say on an open map.\n\n- two weeks of learning together\n- four months of visits, wherever you live\n- the same hourly rate for everybody")
}

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
					if err := j.picture(p, file, side[0], side[1], mode == "dark", true); err != nil {
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
		for name, p := range s.forReadme() {
			file := filepath.Join(readmePictures, name)
			if err := j.picture(p, file, 1200, 800, false, false); err != nil {
				t.Error(err)
			}
			if info, err := os.Stat(file); err != nil || info.Size() > mostPicture {
				t.Errorf("the picture %s of README: %v, %v", name, info, err)
			}
		}
		t.Logf("pictures of %d pages are in %s", len(pages), dir)
	}
}

// picture takes one of a page: of the whole, or of what a window of that size shows.
func (j *judge) picture(p sitePage, file string, width, height int, dark, whole bool) error {
	file, err := filepath.Abs(file)
	if err != nil {
		return err
	}
	return j.ask(map[string]any{"do": "picture", "address": p.address, "file": file, "width": width, "height": height, "dark": dark, "whole": whole, "cookies": p.jar()}, &struct{}{})
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
