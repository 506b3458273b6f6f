package ui

import (
	"errors"
	"io"
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"

	"github.com/coopnode/coopnode/node"
)

// uploadPath is where forms go that bring a picture. They bring all else that was typed, too, and are shown again with it.
const uploadPath = "/console/pictures"

// takePicture handles POST /console/pictures: a picture for what is being written, or for the profile.
func (u *ui) takePicture(c echo.Context, d *desk) error {
	typed := c.Request().PostForm
	if use := node.PictureUse(typed.Get("do")); use == node.AsIcon || use == node.AsBanner {
		return u.setPicture(c, d, use, typed)
	}
	ed := editors[node.ObjectType(typed.Get("for"))]
	if ed == nil {
		return &node.Error{Op: "take picture", Kind: node.Invalid}
	}
	var o node.Object
	if id := typed.Get("id"); id != "" {
		c.SetParamNames("id")
		c.SetParamValues(id)
		var err error
		if o, err = d.own(c, ed.typ); err != nil {
			return err
		}
	}
	file, err := uploaded(c, "file")
	var p *node.Picture
	if err == nil {
		p, err = d.node.AddPicture(c.Request().Context(), file, typed.Get("description"))
	}
	if err != nil {
		errs, err := d.wrong(c, err)
		if err != nil {
			return err
		}
		for i := range errs {
			errs[i].Field = "file"
		}
		return d.formAgain(c, ed, o, typed, errs)
	}
	addPicture(typed, p)
	typed.Del("description")
	return d.formAgain(c, ed, o, typed, nil)
}

// setPicture sets a picture of the profile.
func (u *ui) setPicture(c echo.Context, d *desk, use node.PictureUse, typed url.Values) error {
	ctx := c.Request().Context()
	name := string(use)
	file, err := uploaded(c, name+".file")
	if err == nil {
		_, err = d.node.SetPicture(ctx, d.by(), use, file, typed.Get(name+".description"))
	}
	if err != nil {
		errs, err := d.wrong(c, err)
		if err != nil {
			return err
		}
		for i := range errs {
			errs[i].Field = name + ".file"
		}
		return d.profileAgain(c, typed, errs)
	}
	d.session.Flash = say(ctx, "profile."+name+".set")
	return d.profileAgain(c, typed, nil)
}

// uploaded is the file in a field of a form; one byte more than may be, so that what is too large is noticed. None is
// no picture.
func uploaded(c echo.Context, field string) ([]byte, error) {
	f, _, err := c.Request().FormFile(field)
	if errors.Is(err, http.ErrMissingFile) {
		return nil, &node.Error{Op: "take picture", Kind: node.Invalid, Text: say(c.Request().Context(), "picture.choose")}
	} else if err != nil {
		return nil, &node.Error{Op: "take picture", Kind: node.Invalid, Err: err}
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, node.MaxPictureUpload+1))
}
