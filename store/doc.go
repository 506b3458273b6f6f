// Package store remembers.
//
// It keeps what package node decides, in SQLite, and answers node's questions about it. It knows
// nothing of HTTP or ActivityPub, and it never decides: if a method here needs an if about the
// meaning of a cooperative, it belongs in node.
//
// Start reading at DB in store.go; then any noun, say object.go. The promises that every method
// keeps are in storetest, which runs against any engine that can be opened.
//
// # How writing works
//
//	caller ──┐
//	caller ──┼─ queue ─ writer ─ BEGIN IMMEDIATE ─ savepoint each ─ COMMIT ─ all callers return
//	caller ──┘
//
// There is one connection that writes, and one goroutine that lends it out. It takes whatever waits
// when the last commit ends, gives each caller its turn inside a savepoint, and commits once for
// all. So a commit that is safe on disk costs a hundred callers hardly more than one. Four more
// connections only read; they see the last commit.
//
// # Rules of this room
//
// SQL is written once for SQLite and, later, PostgreSQL: $1 placeholders, ids are text made by the
// caller, times are bigint unix milliseconds with 0 for "none", no engine function outside
// sqlite.go. No page is ordered by text other than ids, which are [a-z0-9] and sort alike under
// every collation. Nothing here reads a clock: times come from the caller.
package store
