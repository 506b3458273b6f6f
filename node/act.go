package node

import "time"

// Verb is what an act does: the activity types that this node says or understands.
type Verb string

// The verbs, as ActivityStreams names them.
const (
	Create   Verb = "Create"
	Update   Verb = "Update"
	Delete   Verb = "Delete"
	Follow   Verb = "Follow"
	Accept   Verb = "Accept"
	Reject   Verb = "Reject"
	Undo     Verb = "Undo"
	Like     Verb = "Like"
	Announce Verb = "Announce"
	Add      Verb = "Add"
	Remove   Verb = "Remove"
	Block    Verb = "Block" // never sent: who is blocked is not told
	Flag     Verb = "Flag"
	Move     Verb = "Move"
	Join     Verb = "Join"
	Invite   Verb = "Invite"
	Leave    Verb = "Leave"

	TentativeAccept Verb = "TentativeAccept"

	QuoteRequest Verb = "QuoteRequest" // FEP-044f; not of ActivityStreams
)

// HasID says whether an act has an id of its own. Some servers give a Create the id of what it publishes, or an
// Update none: such acts are told apart by what they are about, and each of them can come again without harm.
func (a *Act) HasID() bool { return a.IRI != "" && a.IRI != a.ObjectIRI }

// PublicIRI addresses everybody (ActivityPub 5.6).
const PublicIRI = "https://www.w3.org/ns/activitystreams#Public"

// An Act is one thing said, by us or by others, in domain words.
type Act struct {
	IRI        string // id of the activity
	Verb       Verb
	Actor      string      // address of the one who says it
	ObjectIRI  string      // address of what it is about
	Object     Object      // the object itself, where the act carries it or it was fetched from its home
	Subject    *Actor      // the actor itself, where a profile is the object
	Inner      *Act        // Accept, Reject, Undo: the act that it answers or takes back; Announce: the Update that it passes on
	Target     string      // Add: the collection; Move: the new address; Invite: the coop
	Origin     string      // Remove: the collection, where it is not the target
	Objects    []string    // Flag: all that it is about, ObjectIRI first
	Content    string      // what is said beside it, as plain text: Flag, Join, Invite, Accept and Reject of those, Remove
	Instrument string      // QuoteRequest: the post that quotes
	Result     string      // Accept of one: the stamp
	Record     *Membership // Accept of a Join: what the federation records
	To, Cc     []string    // audience
	Published  time.Time   // when it was said
	By         string      // ours: which person or command did it; never on the wire
}

// An ActRecord is an act of ours as it is kept: the exact bytes that are sent and served.
type ActRecord struct {
	Seq    int64 // order in which our acts were made; given by the store
	IRI    string
	Verb   Verb
	Object string // address of what it is about
	Raw    []byte
	Listed bool // stands in the outbox: a public Create or Announce
	Served bool // may be fetched by anyone
	At     time.Time
	By     string

	Reached, Refused, Waiting int // deliveries: arrived, ended without arriving, still to go
}

// An Encoder turns domain values into the bytes that travel. It is pure: the same value gives
// the same bytes, and it touches neither network nor store.
type Encoder interface {
	EncodeActor(a *Actor) ([]byte, error)
	EncodeObject(o Object) ([]byte, error) // a Tombstone where o is deleted
	EncodeAct(a *Act) ([]byte, error)
}
