package main

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/coopnode/coopnode/node"
)

// The makers of fields: each takes the name, the help and where in the T the value is.

func lineField[T any, S ~string](name, help string, at func(T) *S, values ...S) field[T] {
	return field[T]{name: name, help: help, values: words(values),
		get: func(t T) []string { return some(string(*at(t))) },
		set: func(t T, v []string) error { *at(t) = S(first(v)); return nil }}
}

func proseField[T any](name, help string, get func(T) string, set func(T, string)) field[T] {
	return field[T]{name: name, help: help, shape: prose,
		get: func(t T) []string { return some(get(t)) },
		set: func(t T, v []string) error { set(t, strings.TrimRight(first(v), " \t\n")); return nil }}
}

func listField[T any](name, flag, help string, at func(T) *[]string, values ...string) field[T] {
	return field[T]{name: name, flag: flag, help: help, shape: list, values: values,
		get: func(t T) []string { return *at(t) },
		set: func(t T, v []string) error { *at(t) = v; return nil }}
}

func skillsField[T any](at func(T) *[]node.Skill) field[T] {
	return field[T]{name: "skills", flag: "skill", shape: list, help: "skills in a word or two each: accessibility, Web engines",
		get: func(t T) (v []string) {
			for _, s := range *at(t) {
				v = append(v, skillText(s))
			}
			return v
		},
		set: func(t T, v []string) error {
			old := *at(t)
			*at(t) = nil
			for _, s := range v {
				skill := node.SkillFrom(s)
				if key, name, ok := strings.Cut(s, "="); ok {
					skill = node.Skill{Key: strings.TrimSpace(key), Name: strings.TrimSpace(name)}
				}
				if i := slices.IndexFunc(old, func(o node.Skill) bool { return o.Key == skill.Key }); i >= 0 {
					skill.SameAs = old[i].SameAs
				}
				*at(t) = append(*at(t), skill)
			}
			return nil
		}}
}

// skillText is what skillsField reads back: the name, or key=name where the key does not follow from it.
func skillText(s node.Skill) string {
	if s.Name == "" || node.SkillFrom(s.Name).Key == s.Key {
		return cmp.Or(s.Name, s.Key)
	}
	return s.Key + "=" + s.Name
}

func truthField[T any](name, help string, at func(T) *bool) field[T] {
	return field[T]{name: name, help: help, shape: truth,
		get: func(t T) []string { return []string{strconv.FormatBool(*at(t))} },
		set: func(t T, v []string) error {
			b, err := readTruth(name, first(v))
			*at(t) = b != nil && *b
			return err
		}}
}

// maybeField is a truth that may also be left unsaid.
func maybeField[T any](name, help string, at func(T) **bool) field[T] {
	return field[T]{name: name, help: help, shape: truth,
		get: func(t T) []string {
			if *at(t) == nil {
				return nil
			}
			return []string{strconv.FormatBool(**at(t))}
		},
		set: func(t T, v []string) (err error) { *at(t), err = readTruth(name, first(v)); return err }}
}

func readTruth(name, s string) (*bool, error) {
	yes, no := true, false
	switch strings.ToLower(s) {
	case "":
		return nil, nil
	case "true", "yes", "y", "1":
		return &yes, nil
	case "false", "no", "n", "0":
		return &no, nil
	}
	return nil, wrongUse("%s is yes or no, not %q.", name, s)
}

func countField[T any](name, help string, at func(T) **int) field[T] {
	return field[T]{name: name, help: help, shape: number,
		get: func(t T) []string {
			if *at(t) == nil {
				return nil
			}
			return []string{strconv.Itoa(**at(t))}
		},
		set: func(t T, v []string) error {
			if len(v) == 0 {
				*at(t) = nil
				return nil
			}
			n, err := strconv.Atoi(v[0])
			if err != nil || n < 0 {
				return wrongUse("%s is a whole number, not %q.", name, v[0])
			}
			*at(t) = &n
			return nil
		}}
}

func quantityField[T any](name, help string, at func(T) *node.Quantity) field[T] {
	return field[T]{name: name, help: help,
		get: func(t T) []string { return some(at(t).String()) },
		set: func(t T, v []string) (err error) {
			*at(t) = node.Quantity{}
			if len(v) > 0 {
				*at(t), err = node.ParseQuantity(v[0])
			}
			return err
		}}
}

func moneyField[T any](name, help string, at func(T) **node.Money) field[T] {
	return field[T]{name: name, help: help,
		get: func(t T) []string {
			if *at(t) == nil {
				return nil
			}
			return []string{moneyText(**at(t))}
		},
		set: func(t T, v []string) error {
			if len(v) == 0 {
				*at(t) = nil
				return nil
			}
			m, err := node.ParseMoney(v[0])
			*at(t) = &m
			return err
		}}
}

func moneyText(m node.Money) string {
	if m.Fixed() {
		return node.FormatNumber(m.Min) + " " + m.Currency
	}
	return node.FormatNumber(m.Min) + "-" + node.FormatNumber(m.Max) + " " + m.Currency
}

// dayField reads a date or a moment. A date means its end where something lasts until then, else its beginning.
func dayField[T any](name, help string, until bool, at func(T) *time.Time) field[T] {
	return field[T]{name: name, help: help,
		get: func(t T) []string { return some(dayText(*at(t), until)) },
		set: func(t T, v []string) error {
			if len(v) == 0 {
				*at(t) = time.Time{}
				return nil
			}
			d, err := node.ParseDay(v[0])
			if err == nil && !until && len(v[0]) == len(time.DateOnly) {
				d = d.Truncate(24 * time.Hour)
			}
			*at(t) = d
			return err
		}}
}

// dayText is a date where the moment is the beginning or the end of one, else a moment; "" for none.
func dayText(t time.Time, until bool) string {
	edge := t
	if until {
		edge = t.Add(time.Second)
	}
	switch {
	case t.IsZero():
		return ""
	case edge.Equal(edge.Truncate(24 * time.Hour)):
		return t.UTC().Format(time.DateOnly)
	}
	return t.UTC().Format(time.RFC3339)
}

// partField is a field of a part of T that is only there when something is said in it.
func partField[T any, P comparable](f field[*P], at func(T) **P) field[T] {
	return field[T]{name: f.name, flag: f.flag, shape: f.shape, help: f.help, values: f.values,
		get: func(t T) []string {
			if *at(t) == nil {
				return nil
			}
			return f.get(*at(t))
		},
		set: func(t T, v []string) error {
			var part, nothing P
			if *at(t) != nil {
				part = **at(t)
			}
			err := f.set(&part, v)
			if *at(t) = &part; part == nothing {
				*at(t) = nil
			}
			return err
		}}
}

func placeField[T any](at func(T) *node.Place) field[T] {
	return field[T]{name: "place", help: "where, with the country or region code last: A Coruña, ES-GA",
		get: func(t T) []string { return some(placeText(*at(t))) },
		set: func(t T, v []string) error {
			if first(v) != placeText(*at(t)) { // keep what this line does not say
				*at(t) = readPlace(first(v))
			}
			return nil
		}}
}

// readPlace understands "A Coruña, Galicia, ES-GA": a name, then a code of ISO 3166.
func readPlace(s string) node.Place {
	var p node.Place
	parts := strings.Split(s, ",")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	last := parts[len(parts)-1]
	country, part, regional := strings.Cut(last, "-")
	if len(country) == 2 && country == strings.ToUpper(country) && country[0] >= 'A' && country[0] <= 'Z' {
		p.Country = country
		if regional && part != "" {
			p.Region = last
		}
		parts = parts[:len(parts)-1]
	}
	if len(parts) > 0 {
		p.Locality = parts[0]
	}
	if len(parts) > 1 {
		p.Name = strings.Join(parts, ", ")
	}
	return p
}

func placeText(p node.Place) string {
	var parts []string
	for _, s := range []string{cmp.Or(p.Name, p.Locality), cmp.Or(p.Region, p.Country)} {
		if s != "" {
			parts = append(parts, s)
		}
	}
	return strings.Join(parts, ", ")
}

func words[S ~string](list []S) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = string(s)
	}
	return out
}

func first(v []string) string {
	if len(v) == 0 {
		return ""
	}
	return v[0]
}

func some(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}

// readShares understands cooperatives=25 nonprofit=20: percent of each.
func readShares(v []string) (map[string]int, error) {
	shares := map[string]int{}
	for _, s := range v {
		kind, percent, _ := strings.Cut(s, "=")
		n, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(percent), "%"))
		if err != nil {
			return nil, wrongUse("%q is not a share. Write kind=percent: cooperatives=25.", s)
		}
		shares[strings.TrimSpace(kind)] = n
	}
	return shares, nil
}

func sharesText(shares map[string]int) []string {
	var v []string
	for kind, percent := range shares {
		v = append(v, fmt.Sprintf("%s=%d", kind, percent))
	}
	slices.Sort(v)
	return v
}
