package ui

import (
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/coopnode/coopnode/node"
)

// signIn handles GET /sign-in.
func (u *ui) signIn(c echo.Context, v *visit) (view, error) {
	next := u.next(c, c.QueryParam("next"), "/console")
	if _, _, err := u.sessionOf(c); err == nil {
		return view{}, elsewhere(next)
	} else if !node.IsNotFound(err) {
		return view{}, err
	}
	return u.signInPage(c, &signInForm{Next: next}), nil
}

func (u *ui) signInPage(c echo.Context, f *signInForm) view {
	f.Token = u.formToken(c)
	page := view{head: unlisted(say(c.Request().Context(), "signin.title")), body: signInBody(f)}
	if len(f.Errs) > 0 {
		page.status = http.StatusUnprocessableEntity
	}
	return page
}

// unlisted is the head of a page that is nobody else's.
func unlisted(title string) head {
	return head{Title: title, Description: title, Kind: "website", Hidden: true}
}

// signInWith handles POST /sign-in. Somebody unknown, a wrong password and somebody who may not sign in are answered alike, after the
// same work (LOGIN-2).
func (u *ui) signInWith(c echo.Context, _ *visit) (view, error) {
	ctx := c.Request().Context()
	f := &signInForm{Who: strings.TrimSpace(c.FormValue("who")), Next: u.next(c, c.FormValue("next"), "/console")}
	p, err := u.node.FindPerson(ctx, f.Who)
	if node.IsNotFound(err) {
		p = &node.Person{} // whose password is nobody's
	} else if err != nil {
		return view{}, err
	}
	account := p.ID
	if account == "" {
		account = node.PersonKey(f.Who)
	}
	ok, err := u.proves(c, account, p, c.FormValue("password"))
	if err != nil {
		return view{}, err
	}
	if !ok {
		f.Errs.add("password", say(ctx, "signin.wrong"))
		return u.signInPage(c, f), nil
	}
	token, _, err := u.node.StartSession(ctx, p.ID, c.Request().UserAgent())
	if err != nil {
		return view{}, err
	}
	u.admit(c, token)
	return view{}, elsewhere(f.Next)
}

// proves says whether a password is that of a person, whom account names. After too many failures of the account or of
// the network nothing is looked at any more, and the error is 429 (LOGIN-3).
func (u *ui) proves(c echo.Context, account string, p *node.Person, password string) (bool, error) {
	ctx, network := c.Request().Context(), networkOf(c.RealIP())
	if wait := u.node.TrySignIn(account, network); wait > 0 {
		c.Response().Header().Set(echo.HeaderRetryAfter, strconv.Itoa(int(wait/time.Second)+1))
		return false, echo.ErrTooManyRequests
	}
	ok, old, err := u.hasher.opens(ctx, p.Password, password)
	if err != nil {
		return false, err
	}
	if !ok || !p.Active() {
		u.opt.Log.InfoContext(ctx, "sign-in failed", "person", p.ID, "from", node.BlurAddress(c.RealIP())) // LOG-2; what was typed may be a password
		return false, nil
	}
	u.node.SignedIn(account, network)
	if old {
		sealed, err := u.hasher.seal(ctx, password)
		if err != nil {
			return false, err
		}
		if err := u.node.RenewPassword(ctx, p.ID, p.Password, sealed); err != nil {
			return false, err
		}
	}
	return true, nil
}

// networkOf is whose failures are counted together: an address of IPv4, a /64 of IPv6.
func networkOf(address string) string {
	ip, err := netip.ParseAddr(address)
	if err != nil {
		return ""
	}
	if ip = ip.Unmap(); ip.Is4() {
		return ip.String()
	}
	network, _ := ip.WithZone("").Prefix(64) // of 128 bits
	return network.String()
}

// admit gives a browser its session, in place of what it had.
func (u *ui) admit(c echo.Context, token string) {
	u.setCookie(c, u.sessionCookie(), token)
	u.dropCookie(c, u.formCookie())
}

// signOut handles POST /sign-out.
func (u *ui) signOut(c echo.Context, d *desk) error {
	if err := u.node.EndSession(c.Request().Context(), d.person.ID, d.session.ID); err != nil {
		return err
	}
	u.dropCookie(c, u.sessionCookie())
	return c.Redirect(http.StatusSeeOther, "/")
}

// passPath is where a one-time link leads, on this node.
func passPath(token string) string { return node.Links{}.Pass(token) }

// arriveBy handles GET /welcome/:token: what the link does, and the button that does it. The link is not used by looking
// at it, for programs that read mail look at links too.
func (u *ui) arriveBy(c echo.Context, v *visit) (view, error) {
	pass, err := u.passOf(c)
	if err != nil {
		return view{}, err
	}
	return u.passPage(c, v, &passForm{Pass: pass, Name: pass.Name, Mail: pass.Mail}), nil
}

func (u *ui) passOf(c echo.Context) (*node.Pass, error) {
	token := c.Param("token")
	if len(token) > maxTokenBytes {
		return nil, &node.Error{Op: "read link", Kind: node.NotFound}
	}
	return u.node.Pass(c.Request().Context(), token)
}

func (u *ui) passPage(c echo.Context, v *visit, f *passForm) view {
	f.Token, f.Path = u.formToken(c), passPath(c.Param("token"))
	page := view{head: unlisted(say(c.Request().Context(), "pass."+string(f.Pass.Kind)+".title", v.self.Name)), body: passBody(v, f)}
	if len(f.Errs) > 0 {
		page.status = http.StatusUnprocessableEntity
	}
	return page
}

// redeem handles POST /welcome/:token.
func (u *ui) redeem(c echo.Context, v *visit) (view, error) {
	ctx := c.Request().Context()
	pass, err := u.passOf(c)
	if err != nil {
		return view{}, err
	}
	f := &passForm{Pass: pass, Name: strings.TrimSpace(c.FormValue("name")), Mail: strings.TrimSpace(c.FormValue("mail"))}
	as := node.Guest{Agent: c.Request().UserAgent()}
	if f.names() {
		if as.Name, as.Mail = f.Name, f.Mail; as.Name == "" {
			f.Errs.add("name", say(ctx, "person.name.missing"))
		}
	}
	password := c.FormValue("password")
	if f.renews() && (password != "" || pass.Kind == node.PassReset) {
		if wrong := flawOf(password); wrong != "" {
			f.Errs.add("password", say(ctx, "password.flaw."+string(wrong)))
		}
	}
	if len(f.Errs) > 0 {
		return u.passPage(c, v, f), nil
	}
	if f.renews() && password != "" {
		if as.Password, err = u.hasher.seal(ctx, password); err != nil {
			return view{}, err
		}
	}
	token, _, _, err := u.node.RedeemPass(ctx, c.Param("token"), as)
	if text := sentence(ctx, err); text != "" && (node.KindOf(err) == node.Invalid || node.KindOf(err) == node.Exists) {
		f.Errs.add("", text)
		return u.passPage(c, v, f), nil
	} else if err != nil {
		return view{}, err
	}
	u.admit(c, token)
	if pass.Kind == node.PassWelcome {
		return view{}, elsewhere("/console/start/1")
	}
	return view{}, elsewhere("/console")
}

// reset handles GET /reset.
func (u *ui) reset(c echo.Context, _ *visit) (view, error) {
	return u.resetPage(c, &resetForm{})
}

func (u *ui) resetPage(c echo.Context, f *resetForm) (view, error) {
	ctx := c.Request().Context()
	f.Token = u.formToken(c)
	var err error
	if f.Mails, err = u.node.SendsMail(ctx); err != nil {
		return view{}, err
	}
	return view{head: unlisted(say(ctx, "reset.title")), body: resetBody(f)}, nil
}

// resetTakes is how long the answer to a wish for a link takes: longer than to make one, which is a write to the disk.
const resetTakes = time.Second

// sendReset handles POST /reset. The answer does not say whether anybody here has that address, and comes no sooner
// where nobody has (LOGIN-6).
func (u *ui) sendReset(c echo.Context, _ *visit) (view, error) {
	ctx := c.Request().Context()
	f := &resetForm{Mail: strings.TrimSpace(c.FormValue("mail"))}
	kind := node.PassReset
	if c.FormValue("kind") == string(node.PassSignIn) {
		kind = node.PassSignIn
	}
	if sends, err := u.node.SendsMail(ctx); err != nil || !sends {
		if err != nil {
			return view{}, err
		}
		return u.resetPage(c, f)
	}
	f.Sent = true
	enough := time.NewTimer(resetTakes)
	defer enough.Stop()
	p, err := u.node.PersonByMail(ctx, f.Mail)
	if err == nil && p.Active() {
		_, err = u.node.SendPass(ctx, p.By(), kind, p.ID)
	}
	if err != nil && !node.IsNotFound(err) {
		return view{}, err
	}
	select {
	case <-enough.C:
		return u.resetPage(c, f)
	case <-ctx.Done():
		return view{}, ctx.Err()
	}
}
