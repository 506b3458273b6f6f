package activitypub

import "github.com/coopnode/coopnode/node"

// maxOptions is how many answers of a poll are read (security.md 4, LIM).
const maxOptions = 20

// optionsOf reads what can be chosen in a Question of others, with the votes as its author counts them.
func optionsOf(m map[string]any) []node.Option {
	options := List(m["oneOf"])
	if len(options) == 0 {
		options = List(m["anyOf"])
	}
	var out []node.Option
	for _, v := range options {
		option := Obj(v)
		name := cutText(anyLanguage(option, "name"), maxNameRunes)
		if name == "" || len(out) >= maxOptions {
			continue
		}
		votes := intIn(Obj(option["replies"])["totalItems"])
		if votes == nil {
			votes = new(int)
		}
		out = append(out, node.Option{Text: name, Votes: *votes})
	}
	return out
}

// isVote says whether a note is a vote in a poll: the name of an option, as an answer, and no text (FEP-9967). Nobody
// wrote it to be read.
func isVote(m map[string]any) bool {
	return contains(Types(m), "Note") && Str(m, "name") != "" && first(m["inReplyTo"]) != nil && Str(m, "content") == "" && Obj(m["contentMap"]) == nil
}
