package activitypub

import (
	"fmt"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// Limits of one document (security.md, LIM).
const (
	MaxDocumentBytes = 1 << 20
	maxJSONDepth     = 32
	maxJSONValues    = 20_000
	maxJSONString    = 128 << 10
)

// A JSONError says where a document stops being one that this node reads. The
// text is for logs.
type JSONError struct {
	At   int // bytes from the start
	Text string
}

func (e *JSONError) Error() string {
	return fmt.Sprintf("not a readable JSON document: %s at byte %d", e.Text, e.At)
}

// ReadJSON reads one JSON object as this node reads all that comes from outside
// (JSON-1 to JSON-3, LIM): valid UTF-8, no key twice at any level, nothing after
// the object, no NUL, no lone surrogates; at most 1 MiB, 32 levels, 20,000 values,
// and 128 KiB in one string. Numbers become float64, as in encoding/json. Every
// error is a *JSONError.
//
// Keys are what they are, byte for byte: there is no second parser behind this one
// that could see anything else.
func ReadJSON(b []byte) (map[string]any, error) {
	r := jsonReader{b: b}
	if len(b) > MaxDocumentBytes {
		return nil, r.fail("more than 1 MiB")
	}
	if !utf8.Valid(b) {
		return nil, r.fail("bytes that are not UTF-8")
	}
	r.space()
	if r.peek() != '{' {
		return nil, r.fail("no object")
	}
	m, err := r.object(1)
	if err != nil {
		return nil, err
	}
	if r.space(); r.i < len(b) {
		return nil, r.fail("something after the object")
	}
	return m, nil
}

type jsonReader struct {
	b      []byte
	i      int
	values int
}

func (r *jsonReader) fail(text string) error { return &JSONError{At: r.i, Text: text} }

func (r *jsonReader) space() {
	for r.i < len(r.b) {
		switch r.b[r.i] {
		case ' ', '\n', '\t', '\r':
			r.i++
		default:
			return
		}
	}
}

// peek returns the next byte, or 0 at the end. A 0 in the text is never valid.
func (r *jsonReader) peek() byte {
	if r.i < len(r.b) {
		return r.b[r.i]
	}
	return 0
}

// count notes one more value at the given depth.
func (r *jsonReader) count(depth int) error {
	if r.values++; r.values > maxJSONValues {
		return r.fail("more than 20,000 values")
	}
	if depth > maxJSONDepth {
		return r.fail("more than 32 levels")
	}
	return nil
}

func (r *jsonReader) value(depth int) (any, error) {
	switch c := r.peek(); {
	case c == '"':
		if err := r.count(0); err != nil {
			return nil, err
		}
		return r.text()
	case c == '{':
		return r.object(depth)
	case c == '[':
		return r.array(depth)
	case c == '-' || c >= '0' && c <= '9':
		if err := r.count(0); err != nil {
			return nil, err
		}
		return r.number()
	case c == 't':
		return r.word("true", true)
	case c == 'f':
		return r.word("false", false)
	case c == 'n':
		return r.word("null", nil)
	}
	return nil, r.fail("no value")
}

func (r *jsonReader) word(w string, v any) (any, error) {
	if len(r.b)-r.i < len(w) || string(r.b[r.i:r.i+len(w)]) != w {
		return nil, r.fail("no value")
	}
	r.i += len(w)
	return v, r.count(0)
}

// object reads from '{' to '}'. The number of values bounds its size.
func (r *jsonReader) object(depth int) (map[string]any, error) {
	if err := r.count(depth); err != nil {
		return nil, err
	}
	r.i++
	m := make(map[string]any)
	r.space()
	if r.peek() == '}' {
		r.i++
		return m, nil
	}
	for {
		if r.peek() != '"' {
			return nil, r.fail("no key")
		}
		at := r.i
		k, err := r.text()
		if err != nil {
			return nil, err
		}
		r.space()
		if r.peek() != ':' {
			return nil, r.fail("no colon")
		}
		r.i++
		r.space()
		v, err := r.value(depth + 1)
		if err != nil {
			return nil, err
		}
		before := len(m)
		if m[k] = v; len(m) == before {
			r.i = at
			return nil, r.fail("a key that was there before")
		}
		r.space()
		switch r.peek() {
		case ',':
			r.i++
			r.space()
		case '}':
			r.i++
			return m, nil
		default:
			return nil, r.fail("neither comma nor brace")
		}
	}
}

func (r *jsonReader) array(depth int) ([]any, error) {
	if err := r.count(depth); err != nil {
		return nil, err
	}
	r.i++
	list := []any{}
	r.space()
	if r.peek() == ']' {
		r.i++
		return list, nil
	}
	for {
		v, err := r.value(depth + 1)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
		r.space()
		switch r.peek() {
		case ',':
			r.i++
			r.space()
		case ']':
			r.i++
			return list, nil
		default:
			return nil, r.fail("neither comma nor bracket")
		}
	}
}

// text reads a string from quote to quote. That the bytes are UTF-8 is known.
func (r *jsonReader) text() (string, error) {
	r.i++
	start := r.i
	for i := start; i < len(r.b); i++ {
		switch c := r.b[i]; {
		case c == '"':
			if i-start > maxJSONString {
				return "", r.fail("a string of more than 128 KiB")
			}
			r.i = i + 1
			return string(r.b[start:i]), nil
		case c == '\\':
			r.i = i
			return r.escapedText(start)
		case c < ' ':
			r.i = i
			return "", r.fail("a control character in a string")
		}
	}
	return "", r.fail("a string without end")
}

// escapedText goes on from the first backslash of a string that began at start.
func (r *jsonReader) escapedText(start int) (string, error) {
	out := append(make([]byte, 0, r.i-start+64), r.b[start:r.i]...)
	for r.i < len(r.b) {
		c := r.b[r.i]
		switch {
		case len(out) > maxJSONString:
			return "", r.fail("a string of more than 128 KiB")
		case c == '"':
			r.i++
			return string(out), nil
		case c < ' ':
			return "", r.fail("a control character in a string")
		case c != '\\':
			out = append(out, c)
			r.i++
			continue
		}
		if r.i+1 >= len(r.b) {
			break
		}
		e := r.b[r.i+1]
		if e == 'u' {
			c, err := r.escapedRune()
			if err != nil {
				return "", err
			}
			out = utf8.AppendRune(out, c)
			continue
		}
		plain := unescape(e)
		if plain == 0 {
			return "", r.fail("an unknown escape")
		}
		out = append(out, plain)
		r.i += 2
	}
	return "", r.fail("a string without end")
}

func unescape(c byte) byte {
	switch c {
	case '"', '\\', '/':
		return c
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	}
	return 0
}

// escapedRune reads \uXXXX, or two of them that make one character.
func (r *jsonReader) escapedRune() (rune, error) {
	c, ok := r.hex4(r.i)
	if !ok {
		return 0, r.fail("an unknown escape")
	}
	n := 6
	if utf16.IsSurrogate(c) {
		low, ok := r.hex4(r.i + n)
		if c = utf16.DecodeRune(c, low); !ok || c == utf8.RuneError {
			return 0, r.fail("half a character (a lone surrogate)")
		}
		n += 6
	}
	if c == 0 {
		return 0, r.fail("a NUL")
	}
	r.i += n
	return c, nil
}

func (r *jsonReader) hex4(at int) (rune, bool) {
	if at+6 > len(r.b) || r.b[at] != '\\' || r.b[at+1] != 'u' {
		return 0, false
	}
	var n rune
	for _, c := range r.b[at+2 : at+6] {
		switch {
		case c >= '0' && c <= '9':
			n = n<<4 | rune(c-'0')
		case c >= 'a' && c <= 'f':
			n = n<<4 | rune(c-'a'+10)
		case c >= 'A' && c <= 'F':
			n = n<<4 | rune(c-'A'+10)
		default:
			return 0, false
		}
	}
	return n, true
}

func (r *jsonReader) number() (any, error) {
	n := numberLength(r.b[r.i:])
	if n == 0 {
		return nil, r.fail("no number")
	}
	f, err := strconv.ParseFloat(string(r.b[r.i:r.i+n]), 64)
	if err != nil {
		return nil, r.fail("a number out of range")
	}
	r.i += n
	return f, nil
}

// numberLength returns how many bytes at the start of b are a number by RFC 8259
// section 6, or 0.
func numberLength(b []byte) int {
	i := 0
	digits := func() bool {
		from := i
		for i < len(b) && b[i] >= '0' && b[i] <= '9' {
			i++
		}
		return i > from
	}
	if i < len(b) && b[i] == '-' {
		i++
	}
	if i < len(b) && b[i] == '0' {
		i++
	} else if !digits() {
		return 0
	}
	if i < len(b) && b[i] == '.' {
		if i++; !digits() {
			return 0
		}
	}
	if i < len(b) && (b[i] == 'e' || b[i] == 'E') {
		if i++; i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		if !digits() {
			return 0
		}
	}
	return i
}
