package ui

import (
	"crypto/sha256"
	_ "embed" // the stylesheet, the font and the map travel inside the program
	"encoding/hex"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"
)

// The font and the map are made by "make assets" from npm packages; their licences stand beside them.
var (
	//go:embed style.css
	styleSource string
	//go:embed font/figtree-latin.woff2
	fontLatin []byte
	//go:embed font/figtree-latin-ext.woff2
	fontLatinExt []byte
	//go:embed map/world.svg
	worldSVG []byte
)

// An asset is a file that never changes under its name: the name has the hash of what is in it.
type asset struct {
	path, contentType string
	body              []byte
}

func newAsset(name, contentType string, body []byte) asset {
	sum := sha256.Sum256(body)
	return asset{AssetRoot + hex.EncodeToString(sum[:6]) + "/" + name, contentType, body}
}

var (
	fontFile    = newAsset("figtree-latin.woff2", "font/woff2", fontLatin)
	fontExtFile = newAsset("figtree-latin-ext.woff2", "font/woff2", fontLatinExt)
	worldFile   = newAsset("world.svg", "image/svg+xml", worldSVG)
	styleFile   = newAsset("style.css", "text/css; charset=utf-8", []byte(strings.NewReplacer(
		"font/figtree-latin.woff2", fontFile.path, "font/figtree-latin-ext.woff2", fontExtFile.path).Replace(terse(styleSource))))

	assets = []asset{styleFile, fontFile, fontExtFile, worldFile}
)

// terse takes out of a stylesheet what only its authors need: comments and space. Strings stay as they are.
func terse(css string) string {
	var b strings.Builder
	space, last := false, byte('}')
	for i := 0; i < len(css); {
		switch c := css[i]; {
		case strings.HasPrefix(css[i:], "/*"):
			i += strings.Index(css[i:], "*/") + 2
			continue
		case c == ' ' || c == '\n' || c == '\t':
			space = true
			i++
			continue
		default:
			if space && !strings.ContainsRune("{};,:", rune(last)) && !strings.ContainsRune("{};", rune(c)) {
				b.WriteByte(' ')
			}
			end := i + 1
			if c == '"' {
				end += strings.IndexByte(css[end:], '"') + 1
			}
			b.WriteString(css[i:end])
			space, last, i = false, css[end-1], end
		}
	}
	return b.String()
}

// AssetRoot is how the paths begin of what travels inside the program.
const AssetRoot = "/assets/"

// Assets serves what travels inside the program, for a page that stands without a node (Starting).
func Assets(e *echo.Echo) { e.Match([]string{http.MethodGet, http.MethodHead}, assetRoute, assetFile) }

const assetRoute = AssetRoot + ":hash/:name"

// assetFile gives an asset under its present name. Under an old one it must not be kept, since what is there is not what
// was there.
func assetFile(c echo.Context) error {
	for _, a := range assets {
		if !strings.HasSuffix(a.path, "/"+c.Param("name")) {
			continue
		}
		fileHeaders(c)
		cache := forEver
		if c.Request().URL.Path != a.path {
			cache = "no-cache"
		}
		return send(c, http.StatusOK, a.contentType, cache, a.body)
	}
	return echo.ErrNotFound
}

// robots lets search engines read pages, each list once.
func robots(c echo.Context) error {
	fileHeaders(c)
	return send(c, http.StatusOK, echo.MIMETextPlainCharsetUTF8, forAWeek, []byte("User-agent: *\nDisallow: /ap/\nDisallow: /*?\n"))
}
