package activitypub

import "strings"

// maxAccept is how many entries of an Accept header are read.
const maxAccept = 64

// A mediaRange is one entry of an Accept header (RFC 9110 12.5.1). Parameters other than q are
// read over: the profile of ld+json is sent by some and left out by others.
type mediaRange struct {
	name string // "text/html", "text/*" or "*/*", lower case
	q    int    // weight in thousandths, 0 to 1000; 0 means "not this"
	at   int    // place among the entries
}

// parseAccept reads the lines of an Accept header by the grammar of RFC 9110. An entry that does
// not follow it is left out, and so is what comes after the 64th.
func parseAccept(lines []string) []mediaRange {
	var ranges []mediaRange
	for _, line := range lines {
		for line != "" && len(ranges) < maxAccept {
			var entry string
			entry, line = cutUnquoted(line, ',')
			if r, ok := parseRange(entry); ok {
				r.at = len(ranges)
				ranges = append(ranges, r)
			}
		}
	}
	return ranges
}

func parseRange(s string) (mediaRange, bool) {
	name, rest := cutUnquoted(s, ';')
	name = strings.Trim(name, " \t")
	kind, sub, _ := strings.Cut(name, "/")
	if !isToken(kind) || !isToken(sub) || kind == "*" && sub != "*" {
		return mediaRange{}, false
	}
	r := mediaRange{name: strings.ToLower(name), q: 1000}
	weighed := false
	for rest != "" {
		var p string
		p, rest = cutUnquoted(rest, ';')
		if p = strings.Trim(p, " \t"); p == "" {
			continue // RFC 9110 5.6.6 allows empty parameters
		}
		key, value, ok := strings.Cut(p, "=")
		if !ok || !isToken(key) || !isToken(value) && !isQuoted(value) {
			return mediaRange{}, false
		}
		if strings.EqualFold(key, "q") && !weighed {
			if r.q, ok = parseWeight(value); !ok {
				return mediaRange{}, false
			}
			weighed = true
		}
	}
	return r, true
}

// parseWeight reads 0 to 1 with at most three decimals (RFC 9110 12.4.2).
func parseWeight(s string) (int, bool) {
	whole, decimals, _ := strings.Cut(s, ".")
	if len(decimals) > 3 || whole != "0" && whole != "1" {
		return 0, false
	}
	q := 0
	for i := range 3 {
		q *= 10
		if i < len(decimals) {
			if decimals[i] < '0' || decimals[i] > '9' {
				return 0, false
			}
			q += int(decimals[i] - '0')
		}
	}
	if whole == "1" {
		return 1000, q == 0
	}
	return q, true
}

// cutUnquoted is strings.Cut at the first sep that does not stand in a quoted string.
func cutUnquoted(s string, sep byte) (before, after string) {
	quoted := false
	for i := 0; i < len(s); i++ {
		switch {
		case quoted && s[i] == '\\':
			i++
		case s[i] == '"':
			quoted = !quoted
		case s[i] == sep && !quoted:
			return s[:i], s[i+1:]
		}
	}
	return s, ""
}

// isQuoted checks for a quoted string of RFC 9110 5.6.4.
func isQuoted(s string) bool {
	if len(s) < 2 || s[0] != '"' || s[len(s)-1] != '"' {
		return false
	}
	for i := 1; i < len(s)-1; i++ {
		switch c := s[i]; {
		case c == '\\':
			if i++; i == len(s)-1 {
				return false
			}
		case c == '"' || c < ' ' && c != '\t' || c == 0x7f:
			return false
		}
	}
	return true
}

// How qualityOf compares: only ranges that name a type, or text/* and */* as well.
const (
	exactly = false
	orWider = true
)

// qualityOf is the heaviest weight that the ranges give to one of the types, and where it stands.
// For each type its most exact range counts, so that "text/html;q=0, */*" leaves text/html out.
func qualityOf(ranges []mediaRange, wider bool, types ...string) (best mediaRange) {
	for _, t := range types {
		names := []string{t}
		if wider {
			kind, _, _ := strings.Cut(t, "/")
			names = append(names, kind+"/*", "*/*")
		}
	exact:
		for _, name := range names {
			for _, r := range ranges {
				if r.name != name {
					continue
				}
				if r.q > best.q || r.q == best.q && r.at < best.at {
					best = r
				}
				break exact
			}
		}
	}
	return best
}
