package activitypub

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/coopnode/coopnode/node"
)

// securityTextFor is how long one may rely on what a node says there; RFC 9116 wants less than a year.
const securityTextFor = 180 * 24 * time.Hour

// securityText handles GET /.well-known/security.txt (RFC 9116): whom to tell of a hole in this node (SUP-5). That is the mail
// address that its profile makes public, else its front page, which says how it is reached.
func (w *Wire) securityText(c echo.Context) error {
	us, err := w.node.Profile(c.Request().Context())
	if err != nil {
		return err
	}
	contact := w.node.Links.Profile()
	if i := slices.IndexFunc(us.Coop.Contacts, func(c node.Contact) bool { return c.Email != "" }); i >= 0 {
		contact = (&url.URL{Scheme: "mailto", Opaque: url.PathEscape(us.Coop.Contacts[i].Email)}).String()
	}
	var b strings.Builder
	fmt.Fprintf(&b, "Contact: %s\nExpires: %s\nCanonical: %s/.well-known/security.txt\n",
		contact, w.node.Now().Add(securityTextFor).UTC().Truncate(24*time.Hour).Format(time.RFC3339), w.node.Links.Base)
	if len(us.Coop.Languages) > 0 {
		fmt.Fprintf(&b, "Preferred-Languages: %s\n", strings.Join(us.Coop.Languages, ", "))
	}
	return w.send(c, newAnswerOf("text/plain; charset=utf-8", cacheFixed, []byte(b.String())))
}
