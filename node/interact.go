package node

// An Intent is what a visitor of our pages wants to do from a server of their own (FEP-3b86).
type Intent string

// One follows a coop and answers what it says.
const (
	ToFollow Intent = "follow"
	ToAnswer Intent = "answer"
)
