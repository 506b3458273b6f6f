package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"
	"github.com/spf13/cobra"
)

// A form is what people can fill in about a T: an opening, the profile, the configuration. It is one table, and
// from it come the flags, the TOML file, the commented text in the editor and what is shown.
type form[T any] []field[T]

// A field is one value of a form. get gives no strings where nothing was said; set with none, or
// with an empty one, takes the value away.
type field[T any] struct {
	name   string   // in a file: time_zones; nested with a dot: log.level
	flag   string   // where it is not the name with hyphens: --skill for skills
	shape  shape    // how it is written
	help   string   // one line
	values []string // all it can be, if few
	get    func(T) []string
	set    func(T, []string) error
}

// A shape is how a value is written in a file.
type shape int

const (
	line   shape = iota // one line of text
	prose               // several lines of Markdown
	list                // words: an array in a file, commas elsewhere
	number              // without quotes
	truth               // true or false
)

// flagName is how the field is called on the command line.
func (f field[T]) flagName() string {
	if f.flag != "" {
		return f.flag
	}
	return strings.NewReplacer("_", "-", ".", "-").Replace(f.name)
}

// describe is the help with the values that are allowed.
func (f field[T]) describe() string {
	if len(f.values) == 0 {
		return f.help
	}
	return f.help + ": " + strings.Join(f.values, ", ")
}

// find gives the field of that name, written as in a file or as a flag.
func (fs form[T]) find(name string) (field[T], bool) {
	for _, f := range fs {
		if name == f.name || strings.ReplaceAll(name, "-", "_") == f.name || name == f.flagName() {
			return f, true
		}
	}
	return field[T]{}, false
}

// unknown is the error for a name that is no field, with the nearest one that is.
func (fs form[T]) unknown(what, name string) error {
	var names []string
	for _, f := range fs {
		names = append(names, f.name)
	}
	if near := nearest(name, names); near != "" {
		return wrongUse("%s has no %q. Did you mean %q?", what, name, near)
	}
	return wrongUse("%s has no %q. There are: %s.", what, name, strings.Join(names, ", "))
}

// fill sets the fields that keys and values name. Keys come in the order of the form, so that a field
// may build on the one before.
func (fs form[T]) fill(what string, into T, values map[string][]string) error {
	rest := make([]string, 0, len(values))
	for name := range values {
		if _, ok := fs.find(name); !ok {
			rest = append(rest, name)
		}
	}
	sort.Strings(rest)
	for _, name := range rest {
		return fs.unknown(what, name)
	}
	for _, f := range fs {
		given, ok := values[f.name]
		if !ok {
			continue
		}
		v := slices.Clone(given) // fill may be asked again with the same values
		if f.shape != list && len(v) > 1 {
			return wrongUse("%s takes one value, not a list of %d.", f.name, len(v))
		}
		if f.shape != prose {
			for i := range v {
				v[i] = strings.TrimSpace(v[i])
			}
			v = slices.DeleteFunc(v, func(s string) bool { return s == "" })
		}
		if err := f.set(into, v); err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
	}
	return nil
}

// dropSame takes away the values that are as they were: what a person only left standing was not said again.
func (fs form[T]) dropSame(of T, values map[string][]string) {
	said := func(v []string) string { return strings.TrimSpace(strings.Join(v, "\x00")) }
	for _, f := range fs {
		if v, ok := values[f.name]; ok && said(v) == said(f.get(of)) {
			delete(values, f.name)
		}
	}
}

// flags gives a command one flag for each field. What it returns tells, after the command line was
// read, which values were given.
func (fs form[T]) flags(a *app, cmd *cobra.Command) func() (map[string][]string, error) {
	flags := cmd.Flags()
	for _, f := range fs {
		name := f.flagName()
		switch f.shape {
		case list:
			flags.StringSlice(name, nil, f.describe())
		case truth:
			flags.Bool(name, false, f.describe())
		case prose:
			flags.String(name, "", f.describe())
			flags.String(name+"-file", "", "the same from a file, or - for standard input")
		default:
			flags.String(name, "", f.describe())
		}
		if len(f.values) > 0 {
			cmd.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(f.values, cobra.ShellCompDirectiveNoFileComp))
		} else if f.shape != prose {
			cmd.RegisterFlagCompletionFunc(name, cobra.NoFileCompletions)
		}
	}
	return func() (map[string][]string, error) {
		values := map[string][]string{}
		for _, f := range fs {
			name := f.flagName()
			if f.shape == prose && flags.Changed(name+"-file") {
				text, err := a.readText(flags.Lookup(name + "-file").Value.String())
				if err != nil {
					return nil, err
				}
				values[f.name] = []string{text}
			}
			switch flag := flags.Lookup(name); {
			case !flag.Changed:
			case f.shape == list:
				values[f.name], _ = flags.GetStringSlice(name)
			default:
				values[f.name] = []string{flag.Value.String()}
			}
		}
		return values, nil
	}
}

// flatTOML reads a document as names with dots and what stands there, all as text.
func flatTOML(what string, data []byte) (map[string][]string, error) {
	var doc map[string]any
	if err := toml.Unmarshal(data, &doc); err != nil {
		var at *toml.DecodeError
		if errors.As(err, &at) {
			row, _ := at.Position()
			return nil, wrongUse("%s cannot be read: line %d: %s.", what, row, strings.TrimPrefix(at.Error(), "toml: "))
		}
		return nil, wrongUse("%s cannot be read: %v.", what, err)
	}
	values := map[string][]string{}
	return values, flatten(what, "", doc, values)
}

func flatten(what, prefix string, doc map[string]any, values map[string][]string) error {
	for key, v := range doc {
		name := prefix + key
		switch v := v.(type) {
		case map[string]any:
			if err := flatten(what, name+".", v, values); err != nil {
				return err
			}
		case []any:
			values[name] = []string{}
			for _, item := range v {
				s, ok := scalar(item)
				if !ok {
					return wrongUse("%s: %s is a list of single values, without lists or tables inside.", what, name)
				}
				values[name] = append(values[name], s)
			}
		default:
			s, _ := scalar(v)
			values[name] = []string{s}
		}
	}
	return nil
}

// scalar writes a TOML value that is neither list nor table as people would type it.
func scalar(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case int64:
		return strconv.FormatInt(v, 10), true
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), true
	case bool:
		return strconv.FormatBool(v), true
	case time.Time:
		return v.Format(time.RFC3339), true
	case fmt.Stringer: // dates without a zone
		return v.String(), true
	}
	return "", false
}

// write gives the commented text that people edit.
func (fs form[T]) write(w io.Writer, of T) {
	table := ""
	for _, f := range fs {
		name := f.name
		if dot := strings.LastIndexByte(f.name, '.'); dot > 0 {
			if f.name[:dot] != table {
				table = f.name[:dot]
				fmt.Fprintf(w, "\n[%s]\n", table)
			}
			name = f.name[dot+1:]
		}
		fmt.Fprintf(w, "\n# %s\n", f.describe())
		fmt.Fprintln(w, tomlLine(name, f.shape, f.get(of)))
	}
}

// tomlLine writes one key and its value; what has no empty form stands behind a #.
func tomlLine(name string, s shape, v []string) string {
	one := strings.Join(v, ", ")
	switch s {
	case list:
		quoted := make([]string, len(v))
		for i := range v {
			quoted[i] = tomlString(v[i])
		}
		return name + " = [" + strings.Join(quoted, ", ") + "]"
	case number, truth:
		if one == "" {
			return "# " + name + " ="
		}
		return name + " = " + one
	case prose:
		if !strings.Contains(one, "'''") && strings.IndexFunc(one, func(r rune) bool { return r < ' ' && r != '\n' && r != '\t' || r == 0x7f }) < 0 {
			return name + " = '''\n" + one + "'''"
		}
	}
	return name + " = " + tomlString(one)
}

func tomlString(s string) string {
	if strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\ufffd' }) < 0 {
		return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
	}
	b, err := toml.Marshal(map[string]string{"v": s})
	if err != nil { // only invalid UTF-8 cannot be written
		return strconv.Quote(strings.ToValidUTF8(s, ""))
	}
	_, v, _ := bytes.Cut(bytes.TrimSpace(b), []byte(" = "))
	return string(v)
}

// nearest finds the word of the list that one most likely meant, "" if none is near.
func nearest(word string, words []string) string {
	best, least := "", max(3, len(word)/4+1)
	for _, w := range words {
		if d := distance(word, w); d < least {
			best, least = w, d
		}
	}
	return best
}

// distance counts the letters to change, add, take away or swap with their neighbour (Damerau's distance).
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	d := make([][]int, len(x)+1)
	for i := range d {
		d[i] = make([]int, len(y)+1)
		d[i][0] = i
	}
	for j := range d[0] {
		d[0][j] = j
	}
	for i := 1; i <= len(x); i++ {
		for j := 1; j <= len(y); j++ {
			cost := 1
			if x[i-1] == y[j-1] {
				cost = 0
			}
			d[i][j] = min(d[i-1][j]+1, d[i][j-1]+1, d[i-1][j-1]+cost)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				d[i][j] = min(d[i][j], d[i-2][j-2]+1)
			}
		}
	}
	return d[len(x)][len(y)]
}
