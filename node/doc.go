// Package node decides.
//
// It is the domain of coopnode: a cooperative that publishes its profile, posts, projects and
// openings, follows others, is followed, and keeps what it hears. Nothing here knows SQL, HTTP
// or ActivityStreams; the standard library is all that is imported.
//
// Start reading at Node in node.go; then any noun, say opening.go. What must happen together
// is written in one Store.Tx: the change, the act that tells of it, and one delivery for each
// inbox that shall hear of it.
//
// # Glossary
//
//	actor       anyone with an inbox: a coop, a person, a federation
//	act         one thing said, in domain words, before or after the wire (ActivityPub: activity)
//	object      what an act is about: a post, an opening, a project
//	letter      an activity on its way to or from us
//	delivery    one letter to one inbox, with its state
//	peer        another server, by host name
//	reader      an actor that has shown it holds an object of ours, so it hears of changes
//	known       ours or received, each once by its address
package node
