package node

// Who may use an address of this node stands in the name of its route (AUTHZ-1): a role, or one of these, which are no
// roles of persons.
const (
	ForAll    Role = "everybody" // nobody has to sign in
	ForNobody Role = "nobody"    // the method is refused
)
