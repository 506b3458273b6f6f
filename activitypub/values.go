package activitypub

import (
	"html"
	"maps"
	"slices"
	"strings"
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
		if s, ok := e.(string); ok && s != "" {
			out = append(out, s)
		}
	}
	return out
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

// firstLine makes a title of a text that has none: its first words without markup, at most 120 characters.
func firstLine(content string) string {
	var b strings.Builder
	depth := 0
	for _, r := range content {
		switch {
		case r == '<':
			if depth == 0 && strings.TrimSpace(b.String()) != "" && b.Len() > 40 {
				depth = -1 // a block ended and there is enough
			} else {
				depth++
			}
		case r == '>' && depth > 0:
			depth--
			b.WriteByte(' ')
		case depth == 0:
			b.WriteRune(r)
		}
		if depth < 0 || b.Len() > 480 {
			break
		}
	}
	line := strings.Join(strings.Fields(html.UnescapeString(b.String())), " ")
	if runes := []rune(line); len(runes) > 120 {
		return strings.TrimSpace(string(runes[:119])) + "…"
	}
	return line
}

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
