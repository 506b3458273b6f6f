package node

import (
	"context"
	"time"
)

// ObjectType tells which kind of object something is.
type ObjectType string

// What a coop publishes.
const (
	TypePost    ObjectType = "post"
	TypeOpening ObjectType = "opening"
	TypeProject ObjectType = "project"
)

func (t ObjectType) path() string { return string(t) + "s" }

// Audience is who may see an object. It is set by its owner's Create and changed by its owner
// alone (ORG-8).
type Audience string

// From everybody to only those named.
const (
	Public    Audience = "public"
	Unlisted  Audience = "unlisted"
	Followers Audience = "followers"
	Direct    Audience = "direct"
)

var audiences = []Audience{Public, Unlisted, Followers, Direct}

// Listed says whether everybody may see it: such objects stand in collections and on pages.
func (a Audience) Listed() bool { return a == Public || a == Unlisted }

// An Object is a *Post, an *Opening or a *Project.
type Object interface{ Common() *Base }

// Base is what all objects have in common.
type Base struct {
	ID       string     `json:"id"`  // short name on this node
	IRI      string     `json:"iri"` // its address, the same everywhere
	Type     ObjectType `json:"type"`
	Actor    string     `json:"actor"` // address of its owner
	Local    bool       `json:"local"`
	Audience Audience   `json:"audience"`
	To       []string   `json:"to,omitempty"`  // actors named as readers
	URL      string     `json:"url,omitempty"` // the page for people
	Draft    bool       `json:"draft,omitempty"`
	Sample   bool       `json:"sample,omitempty"` // invented, as its owner is: see Samples

	Published time.Time `json:"published"`
	Updated   time.Time `json:"updated"`
	Received  time.Time `json:"received,omitzero"` // when it first came here, or was made here
	Deleted   time.Time `json:"deleted,omitzero"`
	// Moderation is what the rules here say of its owner: "", SeverityLimit or SeverityReject. The store fills it in.
	Moderation Severity  `json:"moderation,omitempty"`
	Hidden     time.Time `json:"hidden,omitzero"` // when our people took it off the public pages
	HiddenBy   string    `json:"hiddenBy,omitempty"`

	InReplyTo string   `json:"inReplyTo,omitempty"`
	Thread    string   `json:"thread,omitempty"` // address of the object at the root of the conversation
	Project   string   `json:"project,omitempty"`
	Tags      []string `json:"tags,omitempty"` // hashtags without #
	Texts     []Text   `json:"texts,omitempty"`

	Pictures   []Picture   `json:"pictures,omitempty"`
	Enclosures []Enclosure `json:"enclosures,omitempty"`

	SharedBy []string `json:"sharedBy,omitempty"` // Sharers; filled in where one is shown

	Likes   int `json:"likes"`   // actors that like it, each once
	Shares  int `json:"shares"`  // actors that announced it, each once
	Replies int `json:"replies"` // public answers that are not deleted

	// Lists are the collections to which others addressed it: until it is kept, when the author's own
	// decides whether it is for followers.
	Lists []string `json:"-"`

	// Raw is the document: the exact bytes served (ours) or received (others').
	Raw []byte `json:"-"`
}

// Common gives the part that all objects share.
func (b *Base) Common() *Base { return b }

// Visible says whether everybody may see it (HTTP-7, MOD-1): it is for all to read, published, not
// deleted, not hidden, and no rule keeps its owner off our pages.
func (b *Base) Visible() bool {
	return b.Audience.Listed() && !b.Draft && b.Deleted.IsZero() && b.Hidden.IsZero() && b.Moderation == ""
}

// Title is the title in the main language, or "" for a post without one.
func (b *Base) Title() string {
	if len(b.Texts) == 0 {
		return ""
	}
	return b.Texts[0].Title
}

// Text is what an object says in one language. The first of several is the main one.
type Text struct {
	Lang   string `json:"lang,omitempty"` // BCP 47, "" if not given
	Title  string `json:"title,omitempty"`
	Source string `json:"source,omitempty"` // Markdown, ours only
	HTML   string `json:"html,omitempty"`   // cleaned (security.md 8)
}

// TextIn picks the version for a reader's language, else the author's main one.
func (b *Base) TextIn(lang string) Text {
	for _, t := range b.Texts {
		if t.Lang == lang {
			return t
		}
	}
	if len(b.Texts) > 0 {
		return b.Texts[0]
	}
	return Text{}
}

// NewObject makes an empty object of type t; nil for a type that is not known.
func NewObject(t ObjectType) Object {
	switch t {
	case TypePost:
		return &Post{Base: Base{Type: t}}
	case TypeOpening:
		return &Opening{Base: Base{Type: t}}
	case TypeProject:
		return &Project{Base: Base{Type: t}}
	}
	return nil
}

// ObjectQuery selects known objects, newest first. Zero fields do not narrow it.
type ObjectQuery struct {
	Type      ObjectType
	Actor     string    // owner's address
	Local     bool      // ours only
	OpenAt    time.Time // openings that are open at this moment (decisions 25)
	DueFrom   time.Time // openings with a deadline at this moment or later, however they stand
	LateAt    time.Time // openings that say open though their deadline has passed at this moment
	Kind      OpeningKind
	Project   string
	InReplyTo string
	Thread    string    // the whole conversation but its root, oldest first
	SharedBy  string    // what this actor has announced
	PassedAt  time.Time // what this federation passes on and is open at this moment (coop:shared)
	BroughtBy string    // the same, of ours and of what is in the timeline
	Tag       string
	Skill     string // openings that ask for this skill key
	Posts     bool   // posts that are not replies
	Listed    bool   // only what everybody may see: not drafts, not deleted, public or unlisted, of nobody whom a rule limits
	Deleted   bool   // deleted ones too
	Drafts    bool   // drafts too
	Refused   bool   // those of refused owners too (MOD-3)
	Before    string // cursor: what Page returned
	Limit     int    // 1 to 200; 40 if 0
}

// Object finds one known object by id, address or page; NotFound otherwise, also for what is hidden
// because its owner is refused (MOD-3).
func (n *Node) Object(ctx context.Context, ref string) (Object, error) {
	o, err := n.store.Object(ctx, n.ref(ref))
	if err == nil && o.Common().Moderation == SeverityReject {
		return nil, &Error{Op: "read object", Kind: NotFound, Subject: ref}
	}
	return o, err
}

// Objects lists known objects and the cursor of the next page, "" at the end.
func (n *Node) Objects(ctx context.Context, q ObjectQuery) ([]Object, string, error) {
	return n.store.Objects(ctx, q)
}

// Count counts the objects that match q.
func (n *Node) Count(ctx context.Context, q ObjectQuery) (int, error) {
	return n.store.CountObjects(ctx, q)
}
