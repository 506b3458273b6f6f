package activitypub

import (
	"maps"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// put sets a property that has something to say.
func put(m map[string]any, key, value string) {
	if value != "" {
		m[key] = value
	}
}

func putList(m map[string]any, key string, values []string) {
	if len(values) > 0 {
		m[key] = strs(values)
	}
}

// strs makes a JSON array of strings, empty rather than null.
func strs(values []string) []any {
	out := make([]any, len(values))
	for i, v := range values {
		out[i] = v
	}
	return out
}

// texts reads a string or a list of strings.
func texts(v any) []string {
	var out []string
	for _, e := range List(v) {
		if s, ok := e.(string); ok && s != "" && len(out) < maxListed {
			out = append(out, cutText(s, maxNameRunes))
		}
	}
	return out
}

// short is the text at key, as long as a name may be.
func short(m map[string]any, key string) string { return cutText(Str(m, key), maxNameRunes) }

// few is List, as long as a list may be.
func few(v any) []any {
	list := List(v)
	return list[:min(len(list), maxListed)]
}

// first is the value itself, or the first of a list.
func first(v any) any {
	if list, ok := v.([]any); ok {
		if len(list) == 0 {
			return nil
		}
		return list[0]
	}
	return v
}

// firstLine makes a title of a text that has none: its first line without markup, at most 120 characters.
func firstLine(content string) string {
	var b strings.Builder
	hidden := false // inside a script, whose source is text to the tokenizer
	z := html.NewTokenizer(strings.NewReader(content))
read:
	for b.Len() <= 480 {
		switch t := z.Next(); t {
		case html.ErrorToken:
			break read
		case html.TextToken:
			if !hidden {
				b.Write(z.Text())
			}
		default:
			name, _ := z.TagName()
			hidden = t == html.StartTagToken && (string(name) == "script" || string(name) == "style")
			if endsLine[string(name)] && strings.TrimSpace(b.String()) != "" {
				break read
			}
		}
	}
	line := strings.Join(strings.Fields(b.String()), " ")
	if runes := []rune(line); len(runes) > 120 {
		return strings.TrimSpace(string(runes[:119])) + "…"
	}
	return line
}

// textOf is what people read of HTML, as plain text: a line for each paragraph and line break.
func textOf(content string) string {
	var b strings.Builder
	hidden := false
	for z := html.NewTokenizer(strings.NewReader(content)); ; {
		switch t := z.Next(); t {
		case html.ErrorToken:
			return strings.TrimSpace(b.String())
		case html.TextToken:
			if !hidden {
				b.Write(z.Text())
			}
		default:
			name, _ := z.TagName()
			hidden = t == html.StartTagToken && (string(name) == "script" || string(name) == "style")
			if endsLine[string(name)] && t != html.StartTagToken || string(name) == "br" {
				b.WriteByte('\n')
			}
		}
	}
}

// endsLine are the elements at which a line ends.
var endsLine = map[string]bool{"p": true, "br": true, "div": true, "h1": true, "h2": true, "h3": true, "h4": true, "li": true, "blockquote": true, "pre": true}

func contains(list []string, s string) bool { return slices.Contains(list, s) }

func anyOf(list []string, in map[string]bool) bool {
	return slices.ContainsFunc(list, func(s string) bool { return in[s] })
}

func sortedKeys(m map[string]any) []string { return slices.Sorted(maps.Keys(m)) }

// cutText keeps at most n characters.
func cutText(s string, n int) string {
	if len(s) <= n {
		return s
	}
	if runes := []rune(s); len(runes) > n {
		return string(runes[:n-1]) + "…"
	}
	return s
}

// cutBytes keeps at most n bytes and no half character.
func cutBytes(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "…"
}
