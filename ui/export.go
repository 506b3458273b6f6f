package ui

import (
	"archive/zip"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"github.com/coopnode/coopnode/node"
)

func (u *ui) mountExport(e *echo.Echo) {
	u.console(e, http.MethodGet, exportPath, node.RoleSteward, shows(exportPage))
	u.console(e, http.MethodPost, exportPath, node.RoleSteward, exportCoop)
	u.console(e, http.MethodPost, exportPath+"/about", node.RoleSteward, exportAbout)
}

const (
	exportPath   = "/console/export"
	exportWithin = 10 * time.Minute // a large archive takes its time on a slow line
)

func exportPage(c echo.Context, d *desk) (head, templ.Component, error) {
	ctx := c.Request().Context()
	return unlisted(say(ctx, "export.title")), exportBody(d, typed(c, "who")), nil
}

func exportCoop(c echo.Context, d *desk) error {
	if ok, err := d.confirmed(c); !ok {
		return err
	}
	return d.sendArchive(c, d.self.Address, "coop", func(ctx context.Context, into node.Archive) error {
		return d.node.Export(ctx, d.by(), into)
	})
}

// exportAbout gives all that is known of one person: of somebody elsewhere, or of one who works here.
func exportAbout(c echo.Context, d *desk) error {
	ctx, who := c.Request().Context(), strings.TrimSpace(c.FormValue("who"))
	if person, err := d.node.FindPerson(ctx, who); err == nil {
		if ok, err := d.confirmed(c); !ok {
			return err
		}
		return d.sendArchive(c, person.ID, "person", func(ctx context.Context, into node.Archive) error {
			return d.node.ExportPerson(ctx, d.by(), person.ID, into)
		})
	} else if !node.IsNotFound(err) {
		return err
	}
	actor, err := d.known(ctx, who)
	if err != nil {
		return err
	}
	if actor == nil {
		return d.againWith(c, exportPage, fieldErrors{{"who", say(ctx, "export.unknown")}})
	}
	if actor.Local {
		return d.againWith(c, exportPage, fieldErrors{{"who", say(ctx, "export.own")}})
	}
	if ok, err := d.confirmed(c); !ok {
		return err
	}
	return d.sendArchive(c, actor.Address(), "actor", func(ctx context.Context, into node.Archive) error {
		return d.node.ExportActor(ctx, d.by(), actor.IRI, into)
	})
}

// sendArchive sends what fill writes as a ZIP file, while it is written: an archive may be large.
func (d *desk) sendArchive(c echo.Context, of, kind string, fill func(context.Context, node.Archive) error) error {
	ctx := c.Request().Context()
	deadline := time.Now().Add(exportWithin)
	if err := http.NewResponseController(c.Response()).SetWriteDeadline(deadline); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	downloadHeaders(c, fileName(of)+"-"+d.now.UTC().Format("20060102")+".zip")
	c.Response().Header().Set(echo.HeaderContentType, "application/zip")
	archive := zip.NewWriter(c.Response())
	w, err := archive.Create("README.txt")
	if err == nil {
		_, err = io.WriteString(w, say(ctx, "export.readme."+kind, d.self.Name, moment(ctx, d.now))+"\n")
	}
	if err == nil {
		err = fill(ctx, dated{archive, d.now})
	}
	if err != nil { // an archive without its end cannot be taken for a whole one
		d.ui.opt.Log.WarnContext(ctx, "export broke off", "of", of, "err", err)
		if !c.Response().Committed {
			return err
		}
		panic(http.ErrAbortHandler)
	}
	return archive.Close()
}

// dated is a ZIP file whose files are of one moment.
type dated struct {
	*zip.Writer
	at time.Time
}

func (d dated) Create(name string) (io.Writer, error) {
	return d.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: d.at})
}

// fileName keeps of a name what every file system takes.
func fileName(s string) string {
	return strings.Trim(strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '.', r == '-', r == '_':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		}
		return '-'
	}, s), "-.")
}
