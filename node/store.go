package node

import (
	"context"
	"io"
	"time"
)

// Store is what the domain needs to be remembered.
//
// Tx runs f alone against all other writers and returns after its changes are safe on disk.
// An error of f takes back what f did. f may run more than once (decisions 7): it must not touch
// a channel, a counter, the clock or the network.
type Store interface {
	Reader
	PictureShelf
	Tx(ctx context.Context, f func(Tx) error) error
	// Generation changes whenever another process may have changed the data.
	Generation() int64
	// Revision changes whenever anything is changed in the data, before the Tx that did it returns; with Generation where
	// it was another process.
	Revision() int64
	// Cleanse takes out of the files what the database keeps of what was deleted (GDPR-3). Busy where somebody reads.
	Cleanse(ctx context.Context) error
	// Holds says which of some texts stand in the files, and how many bytes it has looked through.
	Holds(ctx context.Context, texts []string) (found []string, size int64, err error)
}

// PictureShelf keeps the files of pictures, each whole or not at all. Files have no part in
// transactions: a file is written before the row that speaks of it, and removed after.
type PictureShelf interface {
	WritePicture(name string, b []byte) error           // returns when it is safe on disk
	OpenPicture(name string) (io.ReadSeekCloser, error) // NotFound
	RemovePicture(name string) error                    // it is no error if it is gone
	PictureFiles() ([]ShelvedFile, error)
}

// ShelvedFile is a file on the shelf.
type ShelvedFile struct {
	Name    string
	Changed time.Time
	Bytes   int64
}

// Tx is a Store inside a transaction.
type Tx interface {
	Reader
	Writer
}

// Reader answers questions. Errors are NotFound where one thing was asked for and it is not there;
// any other says that the data cannot be read.
type Reader interface {
	Setting(ctx context.Context, key string) (string, error) // NotFound

	Actor(ctx context.Context, iri string) (*Actor, error)                  // NotFound
	ActorByHandle(ctx context.Context, handle, host string) (*Actor, error) // NotFound
	ActorByKey(ctx context.Context, keyID string) (*Actor, error)           // NotFound
	KnownCoops(ctx context.Context) ([]*Actor, error)
	CoopsOn(ctx context.Context, handle, host string) ([]*Actor, error) // of KnownCoops, whatever the handle if ""; at most 20
	OwnKeys(ctx context.Context) ([]*OwnKey, error)                     // unsealed, the one that signs first
	OwnKeyIDs(ctx context.Context) ([]string, error)                    // of OwnKeys, in their order; cheap
	SampleActors(ctx context.Context) ([]string, error)                 // addresses of all that are invented
	// PeerForm is what was learned of the form of signature that a peer wants; the zero value if nothing was.
	PeerForm(ctx context.Context, host string) (PeerForm, error)

	Object(ctx context.Context, ref string) (Object, error) // by id, address or page; NotFound
	Objects(ctx context.Context, q ObjectQuery) (list []Object, next string, err error)
	CountObjects(ctx context.Context, q ObjectQuery) (int, error)
	Document(ctx context.Context, iri string) (*Document, error) // NotFound

	Reaction(ctx context.Context, object, actor string, verb Verb) (*Reaction, error) // NotFound
	ReactionsOf(ctx context.Context, actor string) ([]*Reaction, error)               // what an actor likes and has announced, newest first; at most 10,000

	Act(ctx context.Context, iri string) (*ActRecord, error) // NotFound
	Acts(ctx context.Context, q ActQuery) ([]*ActRecord, error)
	CountOutbox(ctx context.Context) (int, error)
	ActBytes(ctx context.Context, seq int64) ([]byte, error) // NotFound

	Follower(ctx context.Context, actor string) (*Following, error) // NotFound
	FollowerList(ctx context.Context, q FollowQuery) ([]*Following, error)
	CountFollowers(ctx context.Context) (int, error)
	CountFollowerServers(ctx context.Context) (int, error)          // on which the accepted ones have their inboxes
	Followed(ctx context.Context, actor string) (*Following, error) // NotFound
	FollowedList(ctx context.Context, q FollowQuery) ([]*Following, error)
	CountFollowed(ctx context.Context) (int, error)

	Subscription(ctx context.Context, source string) (*Subscription, error) // NotFound
	Subscriptions(ctx context.Context) ([]*Subscription, error)             // newest first, with Who

	Sightings(ctx context.Context, actor string) ([]*Sighting, error) // in whose lists it stands, oldest first; at most 200
	ToLookAt(ctx context.Context, through string, now time.Time, limit int) ([]string, error)
	SightedCoops(ctx context.Context, through string) ([]string, error) // known coops in the lists of one; at most 200
	Look(ctx context.Context, actor string) (*Look, error)              // NotFound
	CountLooks(ctx context.Context, since time.Time) (int, error)

	LastMove(ctx context.Context, actor string) (*Moving, error)      // from or to it, the newest; NotFound
	Quote(ctx context.Context, iri string) (*Quote, error)            // by its stamp; NotFound
	QuoteBy(ctx context.Context, object, post string) (*Quote, error) // NotFound
	CountQuotes(ctx context.Context, object string) (int, error)

	Membership(ctx context.Context, federation, coop string) (*Membership, error) // NotFound
	MembershipByID(ctx context.Context, id string) (*Membership, error)           // by our record; NotFound
	MembershipByJoin(ctx context.Context, join string) (*Membership, error)       // by the application; NotFound
	Memberships(ctx context.Context, q MembershipQuery) ([]*Membership, error)
	CountMemberships(ctx context.Context, q MembershipQuery) (int, error)
	Opinions(ctx context.Context, join string) ([]*Opinion, error) // of an application, the oldest first

	// Tallies counts the openings that everybody may see, in all and by the federations that passed them on or have
	// confirmed members.
	Tallies(ctx context.Context, now time.Time) (all Tally, by map[string]*FederationNumbers, err error)

	Timeline(ctx context.Context, q TimelineQuery) ([]*TimelineEntry, error)
	Conversations(ctx context.Context, q ConversationQuery) ([]*Conversation, error)
	CountRemarks(ctx context.Context, q RemarkQuery) (int, error)
	Report(ctx context.Context, id string) (*Report, error) // NotFound
	Reports(ctx context.Context, q ReportQuery) ([]*Report, error)
	CountOpenReports(ctx context.Context) (int, error) // about us, not closed
	Seen(ctx context.Context, iri string) (seen, undone bool, err error)
	Letters(ctx context.Context, now time.Time, after int64, without []string, limit int) ([]*Letter, error)

	DueDeliveries(ctx context.Context, host string, now time.Time, limit int) ([]*Delivery, error)
	Deliveries(ctx context.Context, q DeliveryQuery) ([]*Delivery, error)
	Peers(ctx context.Context, limit int) ([]*Peer, error) // those with letters waiting, worst first
	NextDue(ctx context.Context) (time.Time, error)        // zero if nothing waits
	QueueStatus(ctx context.Context) (*QueueStatus, error)
	// DeliveryHours lists the hours since then in which letters ended, or were made that still wait; oldest first.
	DeliveryHours(ctx context.Context, since time.Time) ([]*DeliveryHour, error)
	OldestDelivery(ctx context.Context) (act int64, err error) // Seq of the oldest act that waits for somebody; 0 if none does
	DueTasks(ctx context.Context, now time.Time, limit int) ([]*Task, error)
	Tasks(ctx context.Context, kind TaskKind) ([]*Task, error)              // due or not
	Task(ctx context.Context, kind TaskKind, subject string) (*Task, error) // NotFound
	// Shares lists the objects that actor has announced, newest first; at most 1,000.
	Shares(ctx context.Context, actor string) ([]*TimelineEntry, error)

	// Bringers lists who brought an object here, in the order in which they did.
	Bringers(ctx context.Context, object string) ([]*TimelineEntry, error)

	// Sharers lists who has announced an object, the first one first: of others' those who brought it here, of ours those
	// whom we follow.
	Sharers(ctx context.Context, object string, limit int) ([]string, error)

	Reshare(ctx context.Context, object string) (*Reshare, error) // NotFound
	Reshares(ctx context.Context, q ReshareQuery) ([]*Reshare, error)
	// PassedSince counts how often something of an actor was passed on since then, which is the beginning of a day.
	PassedSince(ctx context.Context, actor string, since time.Time) (int, error)

	Secret(ctx context.Context, id string) ([]byte, error) // NotFound
	NoticeChoices(ctx context.Context, person string) (map[NoticeKind]NoticeChoice, error)
	Notices(ctx context.Context, q NoticeQuery) ([]*Notice, error) // newest first
	CountNotices(ctx context.Context, q NoticeQuery) (int, error)
	DueNotices(ctx context.Context, webhook bool, now time.Time, limit int) ([]*Notice, error) // links first, then what is due longest
	NoticeSecret(ctx context.Context, id string) ([]byte, error)                               // of one that waits; NotFound

	Rules(ctx context.Context) ([]*Rule, error)
	RulesFor(ctx context.Context, targets []string) ([]*Rule, error)
	// KnownActors lists the addresses of all others of whom something is kept.
	KnownActors(ctx context.Context) ([]string, error)

	Picture(ctx context.Context, address string, use PictureUse) (*PictureFile, error) // NotFound
	PictureNamed(ctx context.Context, name string) (*PictureFile, error)               // kept; NotFound
	KeptPictures(ctx context.Context) ([]*PictureFile, error)
	DuePictures(ctx context.Context, now time.Time, limit int) ([]*PictureFile, error) // one of each host
	WastedPictures(ctx context.Context, limit int) (names []string, err error)         // files that have to go
	// Search finds what q asks for, as far as it is indexed and visible to everybody, and the cursor of the next page.
	Search(ctx context.Context, q SearchQuery) (list []Hit, next string, err error) // Invalid for a cursor that is none
	CountFound(ctx context.Context, q SearchQuery, most int) (int, error)           // counts no further than most
	SearchFacets(ctx context.Context, most int) (*SearchFacets, error)
	// IndexWaits says whether IndexNoted has something to do.
	IndexWaits(ctx context.Context, now time.Time) (bool, error)
	// IsShown says whether pages may show an actor: a follower, one whom we follow, or an author of something kept.
	IsShown(ctx context.Context, actor string) (bool, error)

	People(ctx context.Context) ([]*Person, error)                         // by name
	Person(ctx context.Context, id string) (*Person, error)                // NotFound
	PersonByName(ctx context.Context, name string) (*Person, error)        // in any case; NotFound
	PersonByMail(ctx context.Context, mail string) (*Person, error)        // in any case; NotFound
	Session(ctx context.Context, sum string) (*Session, error)             // NotFound
	SessionByID(ctx context.Context, id string) (*Session, error)          // NotFound
	SessionsOf(ctx context.Context, person string) ([]*Session, error)     // the one seen last first
	Pass(ctx context.Context, sum string) (*Pass, error)                   // NotFound
	AuditEntries(ctx context.Context, q AuditQuery) ([]*AuditEntry, error) // newest first
}

// Writer changes things; only a Tx can.
type Writer interface {
	SetSetting(ctx context.Context, key, value string) error

	SaveActor(ctx context.Context, a *Actor) error
	SaveOwnKey(ctx context.Context, k *OwnKey) error // sealed before it is kept (KEY-2)
	DropOwnKey(ctx context.Context, id string) error
	SavePeerForm(ctx context.Context, f PeerForm) error

	SaveObject(ctx context.Context, o Object) error
	// LockObject reads an object of which the caller will decide something; others wait (decisions 7).
	LockObject(ctx context.Context, iri string) (Object, error) // NotFound
	// JoinThread makes what stands in the conversation from a part of the conversation to.
	JoinThread(ctx context.Context, from, to string) error
	// ForgetActor deletes what a gone actor published, follows and is followed for.
	ForgetActor(ctx context.Context, iri string, at time.Time) error

	// React keeps a Like or Announce of an object, once per actor; TakeBack removes it.
	React(ctx context.Context, r Reaction) error
	TakeBack(ctx context.Context, r Reaction) error // by IRI and Actor, or by Object, Actor and Verb
	// AddReader remembers that actor holds object, 90 days (decisions 16).
	AddReader(ctx context.Context, object, actor string, at time.Time) error

	SaveAct(ctx context.Context, a *ActRecord) error // gives a new Seq; a Create replaces the earlier bytes and keeps its Seq
	UnlistAct(ctx context.Context, iri string) error
	// Enqueue makes one delivery of the act for each distinct inbox of r, and returns how many.
	Enqueue(ctx context.Context, a *ActRecord, r Recipients) (int, error)

	SaveFollower(ctx context.Context, f *Following) error
	RemoveFollower(ctx context.Context, actor string) error
	SaveFollowed(ctx context.Context, f *Following) error
	RemoveFollowed(ctx context.Context, actor string) error

	// LockMembership reads a membership of which the caller will decide something; others wait (decisions 7).
	LockMembership(ctx context.Context, federation, coop string) (*Membership, error) // NotFound
	SaveMembership(ctx context.Context, m *Membership) error
	SaveOpinion(ctx context.Context, o *Opinion) error // the last word of each member

	SaveSubscription(ctx context.Context, s *Subscription) error
	// RemoveSubscription forgets it, how far it was read, and what is in the timeline only because of it.
	RemoveSubscription(ctx context.Context, source string) error

	// SaveSightings remembers who stands in a list now, in place of who stood there before.
	SaveSightings(ctx context.Context, through string, how Listing, actors []string, at time.Time) error
	DropSightings(ctx context.Context, through string) error // whom it lists
	SaveLook(ctx context.Context, l *Look) error

	SaveMove(ctx context.Context, m *Moving) error
	SaveQuote(ctx context.Context, q *Quote) error // Exists

	// NotePassed remembers that a federation passed something on, once; for what is not kept here it does nothing.
	NotePassed(ctx context.Context, federation, object string, at time.Time) error
	Bring(ctx context.Context, e *TimelineEntry) error
	Unbring(ctx context.Context, e *TimelineEntry) error // by IRI and Actor, or by ObjectIRI and Actor

	SaveReshare(ctx context.Context, r *Reshare) error
	DropReshare(ctx context.Context, object string) error

	SaveRemark(ctx context.Context, r *Remark, thread string) error // one that is there already stays as it is
	// MarkRemarks sets the state of those that match q, and returns how many it changed.
	MarkRemarks(ctx context.Context, q RemarkQuery, to Attention) (int, error)
	SaveReport(ctx context.Context, r *Report) error

	// KeepLetter stores a letter before it is answered; false if one with its id is here already.
	KeepLetter(ctx context.Context, l *Letter) (bool, error)
	PutOffLetter(ctx context.Context, seq int64, until time.Time, reason string) error
	DropLetter(ctx context.Context, seq int64) error
	MarkSeen(ctx context.Context, iri, actor string, undone bool, at time.Time) error

	ClaimPeers(ctx context.Context, owner string, now, leaseUntil time.Time, limit int) ([]*Peer, error)
	ExtendLeases(ctx context.Context, owner string, until time.Time) error
	Settle(ctx context.Context, outcomes []Outcome, visits []Visit, now time.Time) error
	ReleasePeers(ctx context.Context) error // at start: one process, so every claim is a dead one's
	WakePeer(ctx context.Context, host string, now time.Time) error
	RetryDeliveries(ctx context.Context, q DeliveryQuery, now time.Time) (int, error)
	DropDeliveries(ctx context.Context, q DeliveryQuery) (int, error)

	// What is repeated of something that is erased, see erase.go.
	ScrubErased(ctx context.Context) (more bool, err error) // objects of ours: letters on their way go, acts keep their address alone
	ScrubPerson(ctx context.Context, p *Person) error
	ScrubActor(ctx context.Context, iri string) error
	NoteErased(ctx context.Context, what string) error // on the list that outlives the database (BAK-5)

	SaveTask(ctx context.Context, t *Task) error // one per kind and subject; the newer replaces
	DropTask(ctx context.Context, t *Task) error
	// DoubtInbox makes a TaskDoubt, due then, for each follower whose letters go to inbox, its own or
	// the shared one. One that is there already stays as it is: it remembers what was seen before.
	DoubtInbox(ctx context.Context, inbox string, due time.Time) error

	SaveSecret(ctx context.Context, id string, secret []byte) error // sealed (KEY-2)
	DropSecret(ctx context.Context, id string) error
	SaveNoticeChoice(ctx context.Context, person string, kind NoticeKind, choice NoticeChoice) error
	AddNotice(ctx context.Context, t *Notice) error // one to the same recipient of the same stays as it is
	SealNotice(ctx context.Context, id string, secret []byte) error
	SettleNotice(ctx context.Context, t *Notice) error // Due, Attempts, State, Reason and Ended; one that has ended forgets its secret
	// PutOffNotices puts off all that is due, for persons or for the webhook, and gives up what could not go in time.
	PutOffNotices(ctx context.Context, webhook bool, now, until time.Time, reason string) error

	// SaveRule keeps a rule in place of one for the same target. What is kept of those whom it is about
	// does not change by it: JudgeActor does that. Of actors and objects that come later the store knows by itself.
	SaveRule(ctx context.Context, r *Rule) error
	DropRule(ctx context.Context, target string, allow bool) error
	// JudgeActor remembers what the rules say of an actor beside all that is kept of it.
	JudgeActor(ctx context.Context, iri string, s Severity) error
	// Part forgets follows in both directions, a subscription, and that the actor is a reader of anything. What it
	// brought into the timeline stays.
	Part(ctx context.Context, iri string) error
	// PurgeActor deletes an actor and all that is kept of it, and returns how many objects that were.
	PurgeActor(ctx context.Context, iri string) (objects int, err error)

	// WantPictures says which pictures owner, an object or an actor, shows for a use, in place of what was said before. A copy
	// that is not known becomes wanted, one that was given up again when its time has come, and one that nobody shows any
	// more goes, with its file.
	WantPictures(ctx context.Context, owner string, use PictureUse, addresses []string, now time.Time) error
	SavePicture(ctx context.Context, f *PictureFile) error
	UsePictures(ctx context.Context, names []string, at time.Time) error
	ShrinkPictures(ctx context.Context, most int64) error // the longest unused go first; ours stay
	ForgetWasted(ctx context.Context, names []string) error

	// IndexNoted makes the index say what is kept of at most so many actors and objects that changed since they were
	// indexed, and says whether more wait. What changes is noted by all the others here.
	IndexNoted(ctx context.Context, now time.Time, limit int) (more bool, err error)
	// TidyIndex does a step towards an index that holds nothing of what was deleted.
	TidyIndex(ctx context.Context, first bool) (more bool, err error)

	SavePerson(ctx context.Context, p *Person) error   // Exists where another one has its name or mail address
	RemovePerson(ctx context.Context, id string) error // with its sessions and links
	SaveSession(ctx context.Context, s *Session) error
	EndSession(ctx context.Context, id string) error              // it is no error if it has ended
	EndSessions(ctx context.Context, person, except string) error // except is the id of one that goes on, or ""
	SavePass(ctx context.Context, p *Pass) error
	DropPass(ctx context.Context, sum string) error
	DropPasses(ctx context.Context, person string, kind PassKind) error // of nobody if person is "", of every kind if kind is
	SignOutAll(ctx context.Context) error                               // ends all sessions and all links
	NoteAudit(ctx context.Context, e *AuditEntry) error                 // gives it its Seq

	// Sweep removes what has passed its time: seen ids, readers, refusals, unused pictures (DB-7, Q-9).
	Sweep(ctx context.Context, now time.Time) error
	// Hasten makes due what waits for a time so far ahead that a clock must have been wrong when it was chosen.
	Hasten(ctx context.Context, now time.Time) error
}

// Document is what others GET at the id of an object of ours.
type Document struct {
	Raw      []byte
	Audience Audience
	Draft    bool
	Deleted  bool
	Updated  time.Time
}

// ActQuery selects acts of ours, newest first.
type ActQuery struct {
	Outbox bool   // only what stands in the outbox
	Object string // about this object
	Before int64  // Seq
	From   int64  // Seq: the oldest ones from this one on, instead of the newest; still newest first
	Limit  int    // 1 to 200; 40 if 0
}

// FollowQuery selects followers or followed, newest first.
type FollowQuery struct {
	State  FollowState // "" for all
	Before string      // actor of the last one seen
	Limit  int         // 1 to 1,000; 40 if 0
}

// TimelineQuery selects what the followed have brought, newest first.
type TimelineQuery struct {
	Type   ObjectType
	Before time.Time
	Limit  int // 1 to 200; 40 if 0
}

// DeliveryQuery selects waiting deliveries. Zero fields do not narrow it.
type DeliveryQuery struct {
	Host   string
	Object string
	Act    string // id of the activity
	Inbox  string
	Limit  int
}
