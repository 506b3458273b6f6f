package node

import "time"

// A Letter is an activity that arrived and was proved to come from its actor.
type Letter struct {
	Seq       int64
	IRI       string
	Actor     string
	Host      string // of the signer: letters of one host are handled in order of arrival
	Object    string // address of what it is about, "" if it carries none
	Verb      string
	Raw       []byte
	Received  time.Time
	Attempts  int
	NotBefore time.Time
}
