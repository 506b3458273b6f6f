package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/coopnode/coopnode/node"
)

// The fields that posts, openings and projects share. base says where the T has what all objects have.

func titleField[T any](base func(T) *node.Base) field[T] {
	return lineField("title", "one line that says what it is", func(t T) *string { return &mainText(base(t)).Title })
}

func textField[T any](base func(T) *node.Base) field[T] {
	return proseField("text", "the text, in Markdown",
		func(t T) string { return mainText(base(t)).Source },
		func(t T, s string) { mainText(base(t)).Source = s })
}

func langField[T any](base func(T) *node.Base, flag string) field[T] {
	f := lineField("lang", "language in which this is written: es, en, pt-BR", func(t T) *string { return &mainText(base(t)).Lang })
	f.flag = flag
	return f
}

func tagsField[T any](base func(T) *node.Base) field[T] {
	return listField("tags", "tag", "hashtags", func(t T) *[]string { return &base(t).Tags })
}

func audienceField[T any](base func(T) *node.Base) field[T] {
	f := lineField("audience", "who sees it", func(t T) *node.Audience { return &base(t).Audience },
		node.Public, node.Unlisted, node.Followers, node.Direct)
	set := f.set
	f.set = func(t T, v []string) error {
		if a := first(v); a != "" && !slices.Contains(f.values, a) {
			return wrongUse("The audience is %s, not %q.", strings.Join(f.values, ", "), a)
		}
		return set(t, v)
	}
	return f
}

// toField names readers. What resolve has found comes as the id and, behind a space, the handle.
func toField[T any](base func(T) *node.Base) field[T] {
	f := listField("to", "", "addresses of those who get it in any case: @trenza@trenza.example", func(t T) *[]string { return &base(t).To })
	set := f.set
	f.set = func(t T, v []string) error {
		ids := make([]string, len(v))
		for i := range v {
			ids[i], _, _ = strings.Cut(v[i], " ")
		}
		return set(t, ids)
	}
	return f
}

func draftField[T any](base func(T) *node.Base) field[T] {
	return truthField("draft", "keep it here and publish it later", func(t T) *bool { return &base(t).Draft })
}

// mainText is the text in the language of its author, made where there is none.
func mainText(b *node.Base) *node.Text {
	if len(b.Texts) == 0 {
		b.Texts = []node.Text{{}}
	}
	return &b.Texts[0]
}

// also does something more whenever the field is set.
func (f field[T]) also(then func(T)) field[T] {
	set := f.set
	f.set = func(t T, v []string) error { then(t); return set(t, v) }
	return f
}

// formFor is the form with the translations that o has or values bring: [translation.es] with title and text.
func (n noun[T]) formFor(o T, values map[string][]string) form[T] {
	var langs []string
	if texts := o.Common().Texts; len(texts) > 1 {
		for _, t := range texts[1:] {
			langs = append(langs, t.Lang)
		}
	}
	for name := range values {
		if rest, ok := strings.CutPrefix(name, "translation."); ok {
			if lang, _, _ := strings.Cut(rest, "."); !slices.Contains(langs, lang) {
				langs = append(langs, lang)
			}
		}
	}
	slices.Sort(langs)
	fs := slices.Clone(n.form)
	for _, lang := range langs {
		title := lineField("translation."+lang+".title", "the title in "+lang, func(t T) *string { return &translation(t.Common(), lang).Title })
		text := proseField("translation."+lang+".text", "the text in "+lang,
			func(t T) string { return translation(t.Common(), lang).Source },
			func(t T, s string) { translation(t.Common(), lang).Source = s })
		fs = append(fs, title, text)
	}
	return fs
}

// translation is the text in a further language, made where there is none.
func translation(b *node.Base, lang string) *node.Text {
	mainText(b)
	for i := range b.Texts[1:] {
		if b.Texts[i+1].Lang == lang {
			return &b.Texts[i+1]
		}
	}
	b.Texts = append(b.Texts, node.Text{Lang: lang})
	return &b.Texts[len(b.Texts)-1]
}

// fieldLines shows what a form holds, but for title and text, which stand for themselves.
func fieldLines[T any](w io.Writer, fs form[T], o T, status string) {
	table(w, func(row func(...any)) {
		if status != "" {
			row("status", status)
		}
		for _, f := range fs {
			text := strings.Join(f.get(o), ", ")
			if f.shape == prose || f.name == "title" || f.name == "status" || text == "" || f.shape == truth && text == "false" {
				continue
			}
			row(strings.NewReplacer("_", " ").Replace(f.name), text)
		}
	})
}

// audienceText says who will hear of an object.
func (h *house) audienceText(ctx context.Context, b *node.Base) string {
	if b.Audience == node.Direct {
		return "Only those whom you named will get it."
	}
	n, err := h.CountFollowers(ctx)
	switch {
	case err != nil:
		return ""
	case n == 0:
		return "Nobody follows this coop yet; it stands on its page."
	case n == 1:
		return "The one follower of this coop will hear of it."
	}
	return fmt.Sprintf("%d followers will hear of it.", n)
}

// titleAnd is the title, with the author where it is not ours.
func titleAnd(h *house, b *node.Base) string {
	if b.Local {
		return title(b)
	}
	if b.Sample {
		return title(b) + "  (" + node.HostOf(b.Actor) + ", sample)"
	}
	return title(b) + "  (" + node.HostOf(b.Actor) + ")"
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// sizeText is a number of bytes for people.
func sizeText(n int64) string {
	const unit = 1 << 10
	size, names := float64(n), []string{"bytes", "KiB", "MiB", "GiB", "TiB"}
	at := 0
	for size >= unit && at < len(names)-1 {
		size, at = size/unit, at+1
	}
	if at == 0 || size >= 100 {
		return fmt.Sprintf("%.0f %s", size, names[at])
	}
	return fmt.Sprintf("%.1f %s", size, names[at])
}
