package ui

import (
	"context"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/coopnode/coopnode/node"
)

// crumbOf is what the path of pages ends with.
func crumbOf(ctx context.Context, p *editing) string {
	if p.object == nil {
		return say(ctx, "editor.new")
	}
	return nameOf(ctx, p.object.Common().TextIn(""))
}

// leadOf is the sentence above a form that is still empty.
func leadOf(ctx context.Context, p *editing) string {
	if p.object != nil {
		return ""
	}
	return say(ctx, "editor."+string(p.typ)+".lead")
}

// quietly is what the Enter key does in a form: nothing that others hear of.
func quietly(p *editing) string {
	if p.unpublished() {
		return "keep"
	}
	return "preview:" + previews[0]
}

// publishText is on the button that publishes: to how many.
func publishText(ctx context.Context, p *editing) string {
	if p.hearing.Followers == 0 {
		return say(ctx, "editor.publish")
	}
	return sayCount(ctx, "editor.publish.to", float64(p.hearing.Followers))
}

// languageOr is the name of a language, also of none.
func languageOr(ctx context.Context, tag string) string {
	if tag == "" {
		return say(ctx, "editor.version.other")
	}
	return languageName(ctx, tag)
}

// languageTyped is a tag as somebody would write it: by its name, where that leads back to it.
func languageTyped(ctx context.Context, tag string) string {
	name := languageName(ctx, tag)
	if back, ok := readLanguage(tongueOf(ctx), name); ok && back == tag {
		return name
	}
	return tag
}

// languagesTyped and countriesTyped are the same for lists.
func languagesTyped(ctx context.Context, listed string) string {
	return eachTyped(listed, func(w string) string { return languageTyped(ctx, w) })
}

func countriesTyped(ctx context.Context, listed string) string {
	return eachTyped(listed, func(w string) string {
		name := countryName(ctx, w)
		if back, ok := readCountry(tongueOf(ctx), name); ok && back == w {
			return name
		}
		return w
	})
}

func eachTyped(listed string, write func(string) string) string {
	s := sheet{typed: url.Values{"l": {listed}}}
	words := s.words("l")
	for i, w := range words {
		words[i] = write(w)
	}
	return strings.Join(words, ", ")
}

// settleLanguages puts tags in the place of names of languages that were typed, where they can be understood.
func settleLanguages(in *tongue, typed url.Values) {
	for i := range versions(typed) {
		name := versionField("lang", i)
		if tag, ok := readLanguage(in, plainName(typed.Get(name))); ok {
			typed.Set(name, tag)
		}
	}
}

// localPath is the path of a picture of ours, "" for any other address.
func localPath(d *desk, address string) string {
	if d.node.Links.Ours(address) {
		return strings.TrimPrefix(address, d.node.Links.Base)
	}
	return ""
}

// audienceChoices are those to whom something can be said here. What was said to some alone stays so.
func audienceChoices(p *editing) []node.Audience {
	if p.value("audience") == string(node.Direct) {
		return []node.Audience{node.Direct}
	}
	return []node.Audience{node.Public, node.Unlisted, node.Followers}
}

// kindPicks are the kinds of openings, with what each means.
func kindPicks(ctx context.Context) []pick {
	list := make([]pick, len(node.OpeningKinds))
	for i, k := range node.OpeningKinds {
		list[i] = pick{string(k), capital(sayKnown(ctx, "kind.", string(k))), sayKnown(ctx, "kind.hint.", string(k))}
	}
	return list
}

// peopleAsked is how many people the form asks for, 0 where it counts something else.
func peopleAsked(p *editing) int {
	n, err := strconv.Atoi(strings.TrimSpace(p.value("amount")))
	if err != nil || n < 0 || p.value("unit") != string(node.People) {
		return 0
	}
	return n
}

// employmentOptions are the kinds of employment, and the one that was said if it is another.
func employmentOptions(ctx context.Context, chosen string) []option {
	kinds := slices.Clone(employmentTypes)
	if chosen != "" && !slices.Contains(kinds, chosen) {
		kinds = append(kinds, chosen)
	}
	return optionsOf(ctx, "employment.", kinds)
}

func has(list []string, s string) bool { return slices.Contains(list, s) }

// maybeOptions are yes, no and nothing.
func maybeOptions(ctx context.Context) []option {
	return []option{{"", say(ctx, "form.unsaid")}, {"yes", say(ctx, "profile.yes")}, {"no", say(ctx, "profile.no")}}
}

// describedNow is what the description of a picture of the profile says: as it was typed, else as it is kept.
func describedNow(p *profileEditing, use node.PictureUse, now node.Picture) string {
	if name := string(use) + ".description"; p.typed.Has(name) {
		return p.value(name)
	}
	return now.Description
}
