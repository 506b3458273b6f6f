package activitypub

import (
	"strconv"
	"time"
)

// Str returns the text at key, or "" if there is none or it is something else.
func Str(m map[string]any, key string) string {
	s, _ := m[key].(string)
	return s
}

// IDOf returns the id that v stands for: a string itself, or the "id" of an
// object. Anything else is "", a list too, and what is longer than MaxURLBytes (LIM).
func IDOf(v any) string {
	s, _ := v.(string)
	if m := Obj(v); m != nil {
		s = Str(m, "id")
	}
	if len(s) > MaxURLBytes {
		return ""
	}
	return s
}

// List returns v as a list, since a property may hold one value or several:
// nothing for nil, v itself for a list, a list of one for anything else.
func List(v any) []any {
	switch v := v.(type) {
	case nil:
		return nil
	case []any:
		return v
	}
	return []any{v}
}

// IDs returns IDOf for each entry of List(v) that has one, in order.
func IDs(v any) []string {
	var ids []string
	for _, e := range List(v) {
		if id := IDOf(e); id != "" {
			ids = append(ids, id)
		}
	}
	return ids
}

// Obj returns v if it is an object, else nil (which reads as an empty one).
func Obj(v any) map[string]any {
	m, _ := v.(map[string]any)
	return m
}

// Types returns the types of an object, in order. Entries that are no text are
// left out.
func Types(m map[string]any) []string {
	var types []string
	for _, t := range List(m["type"]) {
		if s, ok := t.(string); ok {
			types = append(types, s)
		}
	}
	return types
}

// Time returns the moment at key. It must be a full RFC 3339 date and time with a
// zone; whether it is plausible (JSON-5) is for the caller to say.
func Time(m map[string]any, key string) (time.Time, bool) {
	var t time.Time
	s := Str(m, key)
	if s == "" || t.UnmarshalText([]byte(s)) != nil {
		return time.Time{}, false
	}
	return t, true
}

// Num returns v as a number if it is one, or text that is exactly one, because
// some servers put decimals in quotes.
func Num(v any) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, true
	case string:
		if v == "" || len(v) > 64 || numberLength([]byte(v)) != len(v) {
			return 0, false
		}
		f, err := strconv.ParseFloat(v, 64)
		return f, err == nil
	}
	return 0, false
}
