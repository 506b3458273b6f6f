package ui_test

import (
	"bytes"
	"image"
	"net/http"
	"strings"
	"testing"

	"github.com/coopnode/coopnode/node"
)

// Our own picture and banner come small, whatever they show, and as nothing but pictures (MED-2); what is not ours, or is for
// something else, comes in no other size.
func TestLightPictures(t *testing.T) {
	s := newSite(t)
	at := map[node.PictureUse]string{}
	for use, file := range map[node.PictureUse][]byte{node.AsIcon: noise(t, 600, 700), node.AsBanner: drawing(t, 1500, 500)} {
		us, err := s.node.SetPicture(t.Context(), "test", use, file, "A crowd")
		if err != nil {
			t.Fatal(err)
		}
		address := us.Icon.Address
		if use == node.AsBanner {
			address = us.Image.Address
		}
		at[use] = strings.TrimPrefix(address, base)
	}
	shown, err := s.node.AddPicture(t.Context(), noise(t, 30, 20), "A mill")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		path                 string
		width, height, bytes int
	}{
		{at[node.AsIcon] + "/icon", 0, 0, 3000}, // noise is drawn in fewer pixels
		{at[node.AsBanner] + "/banner", 1152, 176, 9000},
		{at[node.AsBanner] + "/narrow", 720, 208, 9000},
	} {
		for range 2 { // drawn, and kept
			res, body := s.get(tt.path, "Accept", "text/html")
			c, _, err := image.DecodeConfig(bytes.NewReader([]byte(body)))
			if err != nil || len(body) > tt.bytes || tt.width > 0 && (c.Width != tt.width || c.Height != tt.height) {
				t.Errorf("%s: %d bytes, %d by %d, %v", tt.path, len(body), c.Width, c.Height, err)
			}
			if !strings.HasPrefix(res.Header.Get("Content-Type"), "image/") || res.Header.Get("Content-Security-Policy") != "default-src 'none'; sandbox" || !strings.Contains(res.Header.Get("Cache-Control"), "immutable") {
				t.Errorf("%s: %v", tt.path, res.Header)
			}
		}
	}
	for _, p := range []string{at[node.AsIcon] + "/banner", at[node.AsBanner] + "/icon", at[node.AsIcon] + "/9", strings.TrimPrefix(shown.Address, base) + "/icon", "/media/pictures/aaaaaaaaaaaaaaaaaaaaaaaaaa/icon"} {
		if res, body := s.get(p, "Accept", "text/html"); res.StatusCode != http.StatusNotFound || !strings.HasPrefix(res.Header.Get("Content-Type"), "text/plain") {
			t.Errorf("%s: %s %s", p, res.Status, body)
		}
	}
	page := s.want(t, "/", http.StatusOK, at[node.AsIcon]+"/icon", at[node.AsBanner]+"/banner", at[node.AsBanner]+"/narrow")
	if strings.Contains(page, `src="`+at[node.AsIcon]+`"`) || strings.Contains(page, `src="`+at[node.AsBanner]+`"`) {
		t.Error("the page loads a picture whole")
	}
}
