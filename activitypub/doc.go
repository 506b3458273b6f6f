// Package activitypub proves and speaks.
//
// It is the wire: letters that other servers send us and those that we send, and the documents that
// they read. It answers one question, "is it true?", and leaves the other, "do we want it, and what
// does it change?", to package node.
//
// Start at Wire in wire.go. Then follow a letter:
//
//	in   inbox.go (the door: small, readable, signed, on disk, 202)
//	     → keyring.go (whose key is it?)
//	     → incoming.go (the desk: fetch what must come from its own home, then node.Receive)
//	out  node writes the act and its deliveries in one transaction
//	     → outgoing.go (claim a peer) → visit.go (send) → completer.go (settle)
//
// What a thing looks like on the wire, both directions, is in the file of its noun: coop.go, opening.go,
// project.go, post.go; activities are in act.go. What others GET is listed in mount.go.
//
// go-fed's streams is the vocabulary in which all of it is written and dispatched, go-fed's pub the order of
// steps at the door, httpsig the signature that we send. No other package knows them.
package activitypub
