package ui

import (
	"net/http"
	"net/url"
	"time"

	"github.com/labstack/echo/v4"
	"golang.org/x/text/language"

	"github.com/coopnode/coopnode/node"
)

// matcher finds the language of the pages that a visitor reads best.
var matcher = func() language.Matcher {
	tags := make([]language.Tag, len(ourTongues))
	for i, t := range ourTongues {
		tags[i] = t.tag
	}
	return language.NewMatcher(tags)
}()

// besides are languages whose readers most often read another one of ours well, where CLDR does not say so.
var besides = map[string]string{"ast": "es", "an": "es", "ca": "es", "ext": "es", "mwl": "pt"}

// speak settles the language of a visit, and puts it into the request's context. In this order: the address (?lang=), the
// cookie, the account of who is signed in ("" of who is not), what the browser prefers, the node's own.
func (u *ui) speak(c echo.Context, v *visit, account string) {
	accepts := accepted(c.Request())
	chosen := cookieLanguage(c)
	v.accepts = nil
	for _, s := range []string{chosen, account} {
		if tag, err := language.Parse(s); err == nil {
			v.accepts = append(v.accepts, tag)
		}
	}
	v.accepts = append(v.accepts, accepts...)
	t := ownTongue(v.coop)
	for _, found := range []*tongue{u.tongueNamed(v.lang), u.tongueNamed(chosen), u.tongueNamed(account), tongueAmong(accepts...)} {
		if found != nil {
			t = found
			break
		}
	}
	c.SetRequest(c.Request().WithContext(speaking(c.Request().Context(), t)))
}

// tongueNamed is the language of ours for a BCP 47 tag, nil where there is none.
func (u *ui) tongueNamed(s string) *tongue {
	if s == "" || len(s) > 40 {
		return nil
	}
	for _, t := range u.spoken() {
		if t.tag.String() == s {
			return t
		}
	}
	tag, err := language.Parse(s)
	if err != nil {
		return nil
	}
	return tongueAmong(tag)
}

// spoken are the languages to choose from.
func (u *ui) spoken() []*tongue {
	if u.node.Dev {
		return append(ourTongues[:len(ourTongues):len(ourTongues)], pseudoTongues()...)
	}
	return ourTongues
}

// tongueAmong is the language of ours for somebody who reads these, best first; nil where there is none.
func tongueAmong(tags ...language.Tag) *tongue {
	if _, i, sure := matcher.Match(tags...); sure != language.No {
		return ourTongues[i]
	}
	for _, tag := range tags {
		base, _ := tag.Base()
		if other, ok := besides[base.String()]; ok {
			return tongueAmong(language.Make(other))
		}
	}
	return nil
}

// ownTongue is the main language of a node: that in which its coop says who it is, else the first that it speaks.
func ownTongue(coop *node.Actor) *tongue {
	var tags []string
	for _, t := range coop.Summary[:min(len(coop.Summary), 1)] {
		tags = append(tags, t.Lang)
	}
	if coop.Coop != nil {
		tags = append(tags, coop.Coop.Languages...)
	}
	for _, s := range tags {
		if tag, err := language.Parse(s); err == nil {
			if t := tongueAmong(tag); t != nil {
				return t
			}
		}
	}
	return english
}

// accepted is what the browser prefers; one that cannot be read prefers nothing.
func accepted(r *http.Request) []language.Tag {
	accept := r.Header.Get("Accept-Language")
	if len(accept) > 200 {
		return nil
	}
	tags, _, err := language.ParseAcceptLanguage(accept)
	if err != nil {
		return nil
	}
	return tags
}

const aYear = 365 * 24 * time.Hour

func cookieLanguage(c echo.Context) string {
	for _, name := range []string{"__Host-language", "language"} {
		if cookie, err := c.Cookie(name); err == nil {
			return cookie.Value
		}
	}
	return ""
}

// languageHome handles GET /language: the choice stands on every page.
func languageHome(c echo.Context) error { return c.Redirect(http.StatusSeeOther, "/") }

// chooseLanguage handles POST /language: it keeps the language of the pages in a cookie and goes back to the page on
// which it was chosen. Nothing else on public pages sets one. There is no session to bind the form to, and nothing but the
// visitor's own browser changes: that no other site can send it is enough (CSRF-1).
func (u *ui) chooseLanguage(c echo.Context) error {
	if err := u.readForm(c, maxFormBytes); err != nil {
		return err
	}
	chosen := c.Request().PostForm.Get("language")
	for _, t := range u.spoken() {
		if t.tag.String() != chosen {
			continue
		}
		c.SetCookie(&http.Cookie{Name: u.cookieName("language"), Value: chosen, Path: "/", MaxAge: int(aYear / time.Second), HttpOnly: true,
			Secure: u.secure(), SameSite: http.SameSiteLaxMode})
		c.Response().Header().Set("Cache-Control", "private, no-store")
		return c.Redirect(http.StatusSeeOther, u.next(c, c.Request().PostForm.Get("next"), "/"))
	}
	return &node.Error{Op: "choose language", Kind: node.Invalid, Subject: chosen}
}

// here is the address of the visited page without a language, where the choice of one leads back to.
func (v *visit) here() string {
	q := url.Values{}
	for k, s := range v.query {
		if k != "lang" {
			q[k] = s
		}
	}
	return (&url.URL{Path: v.path, RawQuery: q.Encode()}).String()
}
