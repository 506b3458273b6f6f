package ui

import (
	"bytes"
	"fmt"
	"image/color"
)

// bannerTile is the side of one emblem of a banner in CSS pixels.
const bannerTile = 88

// BannerSVG returns the emblem of address repeated over its ground and fading downwards, as an SVG document of about a
// kilobyte. It has no size of its own: emblems keep theirs, and as many stand in it as there is room for.
func BannerSVG(address string) []byte {
	e := newEmblem(address)
	var first, second svgPen
	e.draw(&first, &second)
	var b bytes.Buffer
	// A tile holds its emblem and, a tile further on, the hair by which neighbours overlap.
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg"><defs><g id="q" transform="matrix(1.006 0 0 1.006 .006 .006)"><path fill="%s" d="%s"/><path fill="%s" d="%s"/></g>`,
		e.first, &first, e.second, &second)
	b.WriteString(`<g id="h"><use href="#q"/><use href="#q" transform="scale(-1 1)"/></g>`)
	fmt.Fprintf(&b, `<pattern id="p" width="4" height="4" patternUnits="userSpaceOnUse" patternTransform="scale(%d)"><g transform="translate(2 2)"><use href="#h"/><use href="#h" transform="scale(1 -1)"/></g></pattern>`, bannerTile/4)
	fmt.Fprintf(&b, `<linearGradient id="f" x2="0" y2="1"><stop offset=".3" stop-color="%[1]s" stop-opacity="0"/><stop offset="1" stop-color="%[1]s" stop-opacity=".8"/></linearGradient>`, e.ground)
	fmt.Fprintf(&b, `<style>@media(prefers-color-scheme:dark){.g{fill:%[1]s}stop{stop-color:%[1]s}}</style></defs>`, nightGround(e.first))
	fmt.Fprintf(&b, `<rect class="g" width="100%%" height="100%%" fill="%s"/><rect width="100%%" height="100%%" fill="url(#p)"/><rect width="100%%" height="100%%" fill="url(#f)"/></svg>`, e.ground)
	return b.Bytes()
}

// nightGround is the ground of a banner on dark pages: the night, with a little of the colour of the coop.
func nightGround(first string) string {
	night, ink := color.NRGBA{0x12, 0x18, 0x16, 0xff}, tileRGB(first)
	mix := func(a, b uint8) int { return (int(a)*4 + int(b)) / 5 }
	return fmt.Sprintf("#%02x%02x%02x", mix(night.R, ink.R), mix(night.G, ink.G), mix(night.B, ink.B))
}
