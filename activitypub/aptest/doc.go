// Package aptest sets up what tests of the wire need on the other side: whole nodes as serve runs
// them, strangers with keys of their own that can sign and send anything, and a plain microblog that
// knows nothing of cooperatives. All of them are real servers on loopback, and none of the
// strangers' code is shared with the node, so that both sides cannot be wrong in the same way. A village is hundreds of
// nodes over connections in memory, whose days pass in the seconds of a synctest bubble.
//
// It is for tests alone: nothing of it may reach the program.
package aptest
