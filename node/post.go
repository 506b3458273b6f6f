package node

import (
	"slices"
	"strings"
)

// A Post is a plain public note of the coop, a question, or an answer in a thread
// (decisions 12). Notes of other servers are kept as posts too.
type Post struct {
	Base
	Asks      bool      `json:"asks,omitempty"`      // a question: its page lists the answers
	Warning   string    `json:"warning,omitempty"`   // content warning of others; ours have none
	Mentions  []Mention `json:"mentions,omitempty"`  // actors named in it
	Form      string    `json:"form,omitempty"`      // the ActivityStreams type it came as, if not Note
	Quote     string    `json:"quote,omitempty"`     // address of what it quotes
	Options   []Option  `json:"options,omitempty"`   // a poll of others: what can be chosen, and the counts
	Sensitive bool      `json:"sensitive,omitempty"` // its author asks to hide pictures
}

// An Option is one answer of a poll that somebody holds elsewhere.
type Option struct {
	Text  string `json:"text"`
	Votes int    `json:"votes"` // as its author has counted
}

// A Mention names an actor in a post.
type Mention struct {
	Actor   string `json:"actor"`             // its id
	Address string `json:"address,omitempty"` // as people write it: @handle@host
}

// Validate checks that a post of ours can be published. Errors are Invalid.
func (p *Post) Validate() error {
	if len(p.Texts) == 0 || strings.TrimSpace(p.Texts[0].HTML) == "" {
		return wrong("check post", "post.empty", "The post is empty. Write some text.")
	}
	return nil
}

// MentionsActor says whether the post names the actor.
func (p *Post) MentionsActor(iri string) bool {
	return slices.ContainsFunc(p.Mentions, func(m Mention) bool { return m.Actor == iri })
}
