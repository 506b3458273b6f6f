package ui

import (
	"net/http"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"
)

// A deskPage makes a page of the console.
type deskPage func(c echo.Context, d *desk) (head, templ.Component, error)

// shows answers with a page.
func shows(page deskPage) deskHandler {
	return func(c echo.Context, d *desk) error {
		h, body, err := page(c, d)
		if err != nil {
			return err
		}
		return d.show(c, h, body)
	}
}

// again shows the page from which a form came, with what is wrong with it. An error about which its sender can do nothing is
// returned.
func (d *desk) again(c echo.Context, page deskPage, cause error) error {
	errs, err := d.wrong(c, cause)
	if err != nil {
		return err
	}
	return d.againWith(c, page, errs)
}

func (d *desk) againWith(c echo.Context, page deskPage, errs fieldErrors) error {
	d.errs = errs
	h, body, err := page(c, d)
	if err != nil {
		return err
	}
	return d.refuse(c, h, body, errs)
}

// doneCount leads on like done, and says what happened to so many.
func (d *desk) doneCount(c echo.Context, path, key string, n int) error {
	return d.doneText(c, path, sayCount(c.Request().Context(), key, float64(n)))
}

// doneText leads on like done, with a text that is made already.
func (d *desk) doneText(c echo.Context, path, text string) error {
	return d.told(c, path, text)
}

// typed is what a form that was refused said in a field; "" on a page that was only asked for.
func typed(c echo.Context, name string) string {
	if c.Request().Method != http.MethodPost {
		return ""
	}
	return c.FormValue(name)
}
