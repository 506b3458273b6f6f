package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"io/fs"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/coopnode/coopnode/node"
)

// Bounds of what is imported.
const (
	maxImportLine  = 1 << 20  // bytes
	maxImportFile  = 64 << 20 // bytes
	maxImportLines = 200_000  // of one file
)

// A problem is a line that cannot be imported, and why.
type problem struct {
	File string `json:"file"`
	Line int    `json:"line"`
	Why  string `json:"why"`
}

func (p problem) String() string { return fmt.Sprintf("%s, line %d: %s", p.File, p.Line, p.Why) }

// A row is one line of a file, read.
type row[T any] struct {
	line  int
	value T
}

// readRows reads a file of one JSON object a line. read is told how many bytes were taken, and bad what is wrong with a
// line, which is left out. NotFound where there is no such file.
func readRows[T any](dir, name string, read func(int), bad func(problem)) ([]row[T], error) {
	f, err := openNamed(filepath.Join(dir, name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, missing("There is no file %s in %s.", name, dir)
	} else if err != nil {
		return nil, fmt.Errorf("import: %w", err)
	}
	defer f.Close()
	lines := bufio.NewScanner(io.LimitReader(f, maxImportFile+1))
	lines.Buffer(make([]byte, 64<<10), maxImportLine)
	var rows []row[T]
	total := 0
	for n := 1; lines.Scan(); n++ {
		total += len(lines.Bytes()) + 1
		read(len(lines.Bytes()) + 1)
		if total > maxImportFile || n > maxImportLines {
			return nil, wrongUse("%s is too long: at most %d MiB and %d lines are read.", name, maxImportFile>>20, maxImportLines)
		}
		text := bytes.TrimSpace(lines.Bytes())
		if len(text) == 0 {
			continue
		}
		r := row[T]{line: n}
		if why := readRow(text, &r.value); why != "" {
			bad(problem{name, n, why})
			continue
		}
		rows = append(rows, r)
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		return nil, wrongUse("%s has a line of more than %d kB, the longest that is read.", name, maxImportLine>>10)
	} else if lines.Err() != nil {
		return nil, fmt.Errorf("import %s: %w", name, lines.Err())
	}
	return rows, nil
}

// readRow reads one object into v, and says what is wrong with it, "" if nothing is.
func readRow(text []byte, v any) string {
	if !utf8.Valid(text) {
		return "it is not UTF-8"
	}
	err := json.Unmarshal(text, v)
	var syntax *json.SyntaxError
	var wrong *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return fmt.Sprintf("it is no JSON object (at byte %d: %s)", syntax.Offset, syntax.Error())
	case errors.As(err, &wrong):
		return fmt.Sprintf("%s cannot be a %s", wrong.Field, wrong.Value)
	case err != nil:
		return err.Error()
	}
	return ""
}

// inLanguages is a map from language to text that keeps its order: the first one is the main one.
type inLanguages []node.Text

// UnmarshalJSON reads an object of strings.
func (l *inLanguages) UnmarshalJSON(b []byte) error {
	d := json.NewDecoder(bytes.NewReader(b))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		if t == nil {
			return err
		}
		return errors.New("texts stand in an object, by language")
	}
	for d.More() {
		lang, err := d.Token()
		if err != nil {
			return err
		}
		var text string
		if err := d.Decode(&text); err != nil {
			return err
		}
		*l = append(*l, node.Text{Lang: lang.(string), HTML: paragraph(text)})
	}
	return nil
}

func paragraph(text string) string {
	if strings.TrimSpace(text) == "" {
		return ""
	}
	return "<p>" + html.EscapeString(text) + "</p>"
}

var idForm = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,63}$`)

// wrongID says what is wrong with an id, "" if nothing is.
func wrongID(id string) string {
	if !idForm.MatchString(id) {
		return fmt.Sprintf("id %q: an id is 1 to 64 small letters, digits and hyphens", id)
	}
	return ""
}

// wrongDomain says what is wrong with a domain, "" if nothing is.
func wrongDomain(domain string) string {
	u, err := url.Parse("https://" + domain)
	if err != nil || u.Host != domain || u.Hostname() == "" || domain != strings.ToLower(domain) || len(domain) > 253 {
		return fmt.Sprintf("domain %q is no host name in small letters", domain)
	}
	return ""
}

// day reads a date, zero for none.
func readDate(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return t, fmt.Errorf("%q is not a date like 2027-01-15", s)
	}
	return t, nil
}

// readMoment reads a moment, zero for none.
func readMoment(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return t, fmt.Errorf("%q is not a moment like 2027-01-15T18:00:00Z", s)
	}
	return t.UTC(), nil
}
