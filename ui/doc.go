// Package ui shows.
//
// It makes the public pages of a coop, its feeds and its emblem, from what package node
// knows. It changes nothing, speaks no ActivityPub, and needs no script: every page is HTML from
// templ components, one stylesheet, and pictures drawn here.
//
// Start reading at Mount in ui.go, which lists every address; then any page, say opening.go with
// opening.templ. The lists, and how they are to be had as feeds and calendars, are in listing.go; what
// people do from servers of their own is in interact.go. How an answer leaves (headers, ETag,
// compression) is in send.go; how foreign and our own texts become harmless HTML is in html.go; every
// sentence is in language/en.json (see tongue.go), and the small ones that need counting or dates are in words.go.
//
// Rules of this room: only Markdown and Clean may make HTML that is marked safe; what may not be
// seen by everybody is answered as if it were not there; public addresses come from node.Links,
// never from the request (HTTP-5).
package ui

//go:generate go tool templ generate
