package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/coopnode/coopnode/node"
)

func federationCommand(a *app) *cobra.Command {
	return group("federation", "This node as a federation: its members and who wants to be one",
		federationCreate(a), federationShow(a), federationMembers(a), federationApplications(a),
		federationAdmit(a), federationRefuse(a), federationExclude(a), federationInvite(a), federationList(a), federationVouch(a), sharesCommand(a))
}

// federationRules are what create was told of how to join and what to pass on.
type federationRules struct {
	rule, criteria, fee   string
	approvals, objections int
	days, perDay          int
	countries, owners     []string
	pass, hold            []string
}

func federationCreate(a *app) *cobra.Command {
	var f federationRules
	cmd := &cobra.Command{
		Use: "create", Short: "Make this node a federation, or change its rules", Args: argsBetween(0, 0),
		Long: "Says in the profile that this node is a federation, how coops become members, and what of theirs it passes on to its followers. " +
			"Given again it changes the rules that are named; the others stay.",
		Example: "  coopnode federation create --rule approvals --approvals 2 --objections 1 --days 30 --criteria 'Owned by those who work there.' --ownership workers\n" +
			"  coopnode federation create --pass subcontract --pass partner --hold partner --per-day 2",
	}
	cmd.RunE = a.on(func(ctx context.Context, h *house, _ []string) error {
		us, err := h.Profile(ctx)
		if err != nil {
			return err
		}
		admission, resharing := f.change(cmd, us)
		us, err = h.SetFederation(ctx, a.by(), admission, resharing)
		if err != nil {
			return err
		}
		a.tell("This node is a federation. Coops ask with: coopnode member apply %s", h.Links.Host())
		state := federationState{Address: us.Address(), Admission: us.Coop.Admission, Resharing: us.Coop.Resharing}
		return a.show(&state, func(w io.Writer) { writeFederation(w, &state) })
	})
	flags := cmd.Flags()
	flags.StringVar(&f.rule, "rule", "", "who admits: approvals (members, one coop one vote), steward (a person here), open (whoever asks)")
	flags.IntVar(&f.approvals, "approvals", 2, "so many members have to approve")
	flags.IntVar(&f.objections, "objections", 1, "so many may object; one more refuses")
	flags.IntVar(&f.days, "days", 30, "within so many days")
	flags.StringVar(&f.criteria, "criteria", "", "who may be a member, in your words")
	flags.StringSliceVar(&f.countries, "country", nil, "only from there, as in ISO 3166: ES")
	flags.StringSliceVar(&f.owners, "ownership", nil, "only those owned by: "+strings.Join(words(node.Ownerships), ", "))
	flags.StringVar(&f.fee, "fee", "", "what membership costs, in words")
	flags.StringSliceVar(&f.pass, "pass", nil, "what is passed on: "+strings.Join(node.PassedKinds(), ", "))
	flags.StringSliceVar(&f.hold, "hold", nil, "of those, the ones that a person lets through one by one")
	flags.IntVar(&f.perDay, "per-day", 3, "of one member at most so many a day")
	cmd.RegisterFlagCompletionFunc("rule", cobra.FixedCompletions([]cobra.Completion{"approvals", "steward", "open"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// change is the rules of us with what was said.
func (f *federationRules) change(cmd *cobra.Command, us *node.Actor) (*node.Admission, *node.Resharing) {
	admission := &node.Admission{Rule: node.ByApprovals, Approvals: f.approvals, Objections: f.objections, Days: f.days}
	resharing := node.DefaultResharing()
	if us.Coop != nil && us.Coop.Admission != nil {
		kept := *us.Coop.Admission
		admission = &kept
	}
	if us.Coop != nil && us.Coop.Resharing != nil {
		kept := *us.Coop.Resharing
		resharing = &kept
	}
	said := cmd.Flags().Changed
	if said("rule") {
		admission.Rule = node.AdmissionRule(f.rule)
	}
	for name, n := range map[string]struct {
		at *int
		to int
	}{"approvals": {&admission.Approvals, f.approvals}, "objections": {&admission.Objections, f.objections}, "days": {&admission.Days, f.days}, "per-day": {&resharing.PerDay, f.perDay}} {
		if said(name) || *n.at == 0 && name != "objections" {
			*n.at = n.to
		}
	}
	if said("criteria") {
		admission.Criteria = nil
		if f.criteria != "" {
			text := node.Text{Source: f.criteria}
			if us.Coop != nil && len(us.Coop.Languages) > 0 {
				text.Lang = us.Coop.Languages[0]
			}
			admission.Criteria = []node.Text{text}
		}
	}
	if said("country") {
		admission.Countries = filled(f.countries)
	}
	if said("ownership") {
		admission.Ownership = nil
		for _, o := range filled(f.owners) {
			admission.Ownership = append(admission.Ownership, node.Ownership(o))
		}
	}
	if said("fee") {
		admission.Fee = f.fee
	}
	if said("pass") {
		resharing.Kinds = filled(f.pass)
	}
	if said("hold") {
		resharing.Held = filled(f.hold)
	}
	return admission, resharing
}

// filled leaves out empty words: --country "" takes all countries away.
func filled(list []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return s == "" })
}

// federationState is what show gives out.
type federationState struct {
	Address      string          `json:"address"`
	Admission    *node.Admission `json:"admission"`
	Resharing    *node.Resharing `json:"resharing"`
	Members      int             `json:"members"`
	Applications int             `json:"applications"`
}

func federationShow(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "show", Short: "How to join, what is passed on, how many members there are", Args: argsBetween(0, 0),
		RunE: a.on(func(ctx context.Context, h *house, _ []string) error {
			us, err := h.federation(ctx)
			if err != nil {
				return err
			}
			s := federationState{Address: us.Address(), Admission: us.Coop.Admission, Resharing: us.Coop.Resharing}
			if s.Members, err = h.CountMemberships(ctx, node.MembershipQuery{Federation: us.IRI, Standing: node.Confirmed}); err != nil {
				return err
			}
			if s.Applications, err = h.CountMemberships(ctx, node.MembershipQuery{Federation: us.IRI, Step: node.StepApplied}); err != nil {
				return err
			}
			return a.show(s, func(w io.Writer) { writeFederation(w, &s) })
		}),
	}
}

func writeFederation(w io.Writer, s *federationState) {
	table(w, func(row func(...any)) {
		r := s.Admission
		row("address", s.Address)
		row("members", fmt.Sprintf("%d confirmed, %d applications open", s.Members, s.Applications))
		row("who admits", admissionLine(r))
		if len(r.Ownership) > 0 {
			row("owned by", strings.Join(words(r.Ownership), ", "))
		}
		if len(r.Countries) > 0 {
			row("in", strings.Join(r.Countries, ", "))
		}
		for _, t := range r.Criteria {
			row("criteria", cmp.Or(t.Source, t.HTML))
		}
		if r.Fee != "" {
			row("fee", r.Fee)
		}
		if p := s.Resharing; p != nil {
			row("passes on", fmt.Sprintf("%s; at most %d a day of one member", strings.Join(p.Kinds, ", "), p.PerDay))
			if len(p.Held) > 0 {
				row("one by one", strings.Join(p.Held, ", "))
			}
		}
	})
}

// admissionLine says in a line who lets coops in.
func admissionLine(r *node.Admission) string {
	switch r.Rule {
	case node.ByApprovals:
		return fmt.Sprintf("%d members approve within %d days; more than %d objections refuse", r.Approvals, r.Days, r.Objections)
	case node.ByAsking:
		return "whoever asks is in"
	}
	return "a steward of the federation"
}

func federationMembers(a *app) *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use: "members", Short: "Its members, and what each side says", Args: argsBetween(0, 0),
		RunE: a.on(func(ctx context.Context, h *house, _ []string) error {
			us, err := h.federation(ctx)
			if err != nil {
				return err
			}
			list, err := h.memberships(ctx, node.MembershipQuery{Federation: us.IRI, Shown: true})
			if err != nil {
				return err
			}
			if !all {
				list = slices.DeleteFunc(list, func(m *membershipState) bool { return m.Standing == node.Former || m.Standing == node.ClaimedOnly })
			}
			if len(list) == 0 {
				a.tell("There are none yet. Invite one: coopnode federation invite ADDRESS")
			}
			return a.show(list, func(w io.Writer) { writeMemberships(w, list) })
		}),
	}
	cmd.Flags().BoolVar(&all, "all", false, "also former ones, and those who only say it themselves")
	return cmd
}

func federationApplications(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "applications", Short: "Who wants to be a member, and what members say", Args: argsBetween(0, 0),
		RunE: a.on(func(ctx context.Context, h *house, _ []string) error {
			us, err := h.federation(ctx)
			if err != nil {
				return err
			}
			list, err := h.Applications(ctx, us.IRI)
			if err != nil {
				return err
			}
			if len(list) == 0 {
				a.tell("No application is open.")
			}
			return a.show(states(list), func(w io.Writer) { writeApplications(w, list) })
		}),
	}
}

// writeApplications shows applications with their letters and what members say.
func writeApplications(w io.Writer, list []*node.Membership) {
	for i, m := range list {
		if i > 0 {
			fmt.Fprintln(w)
		}
		table(w, func(row func(...any)) {
			row("coop", other(m, m.Coop))
			row("asked", moment(m.Asked))
			if !m.Deadline.IsZero() {
				row("until", moment(m.Deadline))
			}
			if m.Letter != "" {
				row("letter", m.Letter)
			}
			for _, o := range m.Opinions {
				word := "objects"
				if o.Approves {
					word = "approves"
				}
				if !o.Counts {
					word += ", which does not count: no confirmed member"
				}
				row("", strings.TrimSuffix(fmt.Sprintf("%s %s: %s", node.HostOf(o.Member), word, o.Reason), ": "))
			}
		})
	}
}

// asMember makes a command about one coop that this federation knows.
func asMember(a *app, use, short, done string, q node.MembershipQuery, none string, act func(ctx context.Context, h *house, m *node.Membership, args []string) error) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Args: argsBetween(1, 1),
		RunE: a.on(func(ctx context.Context, h *house, args []string) error {
			us, err := h.federation(ctx)
			if err != nil {
				return err
			}
			q := q
			q.Federation = us.IRI
			m, err := h.amongMemberships(ctx, q, args[0], none)
			if err != nil {
				return err
			}
			if err := act(ctx, h, m, args[1:]); err != nil {
				return err
			}
			a.tell(done, other(m, m.Coop))
			return a.showMembership(ctx, h, m)
		}),
	}
}

const noApplication = "No application of %s is open. Which are: coopnode federation applications"

func federationAdmit(a *app) *cobra.Command {
	var vouches []string
	cmd := asMember(a, "admit COOP", "Let in a coop that has asked", "%s is admitted, and told so. It is confirmed when it says so too.",
		node.MembershipQuery{Step: node.StepApplied}, noApplication, func(ctx context.Context, h *house, m *node.Membership, _ []string) error {
			return h.Admit(ctx, a.by(), m.Coop, vouches)
		})
	vouchFlag(cmd, &vouches)
	return cmd
}

func vouchFlag(cmd *cobra.Command, to *[]string) {
	cmd.Flags().StringSliceVar(to, "vouch", nil, "what you have looked at: "+strings.Join(node.Vouchable, ", "))
	cmd.RegisterFlagCompletionFunc("vouch", cobra.FixedCompletions(completions(node.Vouchable), cobra.ShellCompDirectiveNoFileComp))
}

func completions(list []string) []cobra.Completion {
	out := make([]cobra.Completion, len(list))
	for i, s := range list {
		out[i] = cobra.Completion(s)
	}
	return out
}

func federationRefuse(a *app) *cobra.Command {
	var reason string
	cmd := asMember(a, "refuse COOP", "Say no to a coop that has asked", "%s is refused, and told so.",
		node.MembershipQuery{Step: node.StepApplied}, noApplication, func(ctx context.Context, h *house, m *node.Membership, _ []string) error {
			return h.Refuse(ctx, a.by(), m.Coop, reason)
		})
	cmd.Flags().StringVar(&reason, "reason", "", "why; the coop is told")
	return cmd
}

const notListed = "%s is no member. Who is: coopnode federation members"

func federationExclude(a *app) *cobra.Command {
	var reason string
	var yes bool
	cmd := asMember(a, "exclude COOP", "End the membership of a coop", "%s is no member any more. What was passed on of it is taken back.",
		node.MembershipQuery{Shown: true}, notListed, func(ctx context.Context, h *house, m *node.Membership, _ []string) error {
			if err := a.sure(yes, "Everybody is told that %s is no member any more.", other(m, m.Coop)); err != nil {
				return err
			}
			return h.Exclude(ctx, a.by(), m.Coop, reason)
		})
	cmd.Flags().StringVar(&reason, "reason", "", "why; everybody can read it")
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return cmd
}

func federationVouch(a *app) *cobra.Command {
	cmd := asMember(a, "vouch COOP WHAT...", "Say what you have looked at in a member, in place of what was said before", "What you say of %s is told to everybody.",
		node.MembershipQuery{Shown: true}, notListed, func(ctx context.Context, h *house, m *node.Membership, what []string) error {
			return h.Vouch(ctx, a.by(), m.Coop, filled(what))
		})
	cmd.Args = argsBetween(1, -1)
	cmd.Long = "Says what this federation has looked at in a member: " + strings.Join(node.Vouchable, ", ") + ". Without WHAT it vouches for nothing."
	return cmd
}

func federationInvite(a *app) *cobra.Command {
	var letter string
	cmd := &cobra.Command{
		Use: "invite ADDRESS", Short: "Ask a coop to become a member", Args: argsBetween(1, 1),
		Long: "Asks a coop with a node of its own. Where members decide, its yes is an application like any other.",
		RunE: a.on(func(ctx context.Context, h *house, args []string) error {
			coop, err := h.fresh(ctx, a, args[0])
			if err != nil {
				return err
			}
			if err := h.Invite(ctx, a.by(), coop, letter); err != nil {
				return err
			}
			a.tell("%s is invited. Its people answer with: coopnode member invitations accept %s", coop.Address(), h.Links.Host())
			return a.showMembership(ctx, h, &node.Membership{Federation: h.Links.Actor(), Coop: coop.IRI})
		}),
	}
	cmd.Flags().StringVar(&letter, "text", "", "why, in your words")
	return cmd
}

func federationList(a *app) *cobra.Command {
	var vouches []string
	var plate node.Nameplate
	var where string
	cmd := &cobra.Command{
		Use: "list ADDRESS | --name NAME", Short: "List a coop that runs no coopnode", Args: argsBetween(0, 1),
		Long: "Lists a coop that has only an account elsewhere, or with --name one that has nothing at all, as belonging to this federation. It says nothing\n" +
			"of it itself, so it is shown as listed, never as confirmed.",
		Example: "  coopnode federation list @coop@microblog.example\n  coopnode federation list --name 'Lalla Argan' --website https://argan.example/ --place 'Agadir, MA'",
		RunE: a.on(func(ctx context.Context, h *house, args []string) error {
			var coop *node.Actor
			var err error
			switch {
			case (plate.Name == "") == (len(args) == 0):
				return wrongUse("Give the address of the coop or, where it has none, its name with --name.")
			case plate.Name != "":
				plate.Place = readPlace(where)
				coop, err = h.ListNamed(ctx, a.by(), plate, vouches)
			case plate.Website != "" || where != "":
				return wrongUse("--website and --place go with --name; a coop with an address says these itself.")
			default:
				if coop, err = h.fresh(ctx, a, args[0]); err == nil {
					err = h.ListCoop(ctx, a.by(), coop, vouches)
				}
			}
			if err != nil {
				return err
			}
			a.tell("%s is listed. To publish for it: coopnode opening new --on-behalf-of %q", label(coop), cmp.Or(coop.Name, coop.Address()))
			return a.showMembership(ctx, h, &node.Membership{Federation: h.Links.Actor(), Coop: coop.IRI})
		}),
	}
	cmd.Flags().StringVar(&plate.Name, "name", "", "name of a coop that has no address anywhere")
	cmd.Flags().StringVar(&plate.Website, "website", "", "its website, if it has one")
	cmd.Flags().StringVar(&where, "place", "", "where it is, with the country code last: Agadir, MA")
	vouchFlag(cmd, &vouches)
	return cmd
}

// federation is the profile of this node, where it is one.
func (h *house) federation(ctx context.Context) (*node.Actor, error) {
	us, err := h.Profile(ctx)
	if err == nil && (!us.IsFederation() || us.Coop.Admission == nil) {
		err = wrongUse("This node is no federation. To make it one: coopnode federation create")
	}
	return us, err
}

// fresh asks the home of an actor for its profile as it is now.
func (h *house) fresh(ctx context.Context, a *app, address string) (*node.Actor, error) {
	w, err := h.wire(ctx, a.commandLog())
	if err != nil {
		return nil, err
	}
	defer w.Close()
	return w.Find(ctx, address)
}

// A membershipState is a membership as the commands give it out.
type membershipState struct {
	*node.Membership
	Standing node.Standing `json:"standing,omitempty"`
}

func states(list []*node.Membership) []*membershipState {
	out := make([]*membershipState, len(list))
	for i, m := range list {
		out[i] = &membershipState{m, m.Standing()}
	}
	return out
}

// memberships reads all that match q.
func (h *house) memberships(ctx context.Context, q node.MembershipQuery) ([]*membershipState, error) {
	all := []*membershipState{}
	q.Limit = 1000
	for {
		page, err := h.Memberships(ctx, q)
		if err != nil {
			return nil, err
		}
		all = append(all, states(page)...)
		if len(page) < q.Limit {
			return all, nil
		}
		q.After = page[len(page)-1].Seq
	}
}

// amongMemberships finds the one whose other side an address means: a handle, a host, or an address on the web.
func (h *house) amongMemberships(ctx context.Context, q node.MembershipQuery, address, none string) (*node.Membership, error) {
	all, err := h.memberships(ctx, q)
	if err != nil {
		return nil, err
	}
	var found []*node.Membership
	for _, m := range all {
		iri := m.Federation
		if q.Federation != "" {
			iri = m.Coop
		}
		if meant(m.Who, iri, address) {
			found = append(found, m.Membership)
		}
	}
	switch len(found) {
	case 0:
		return nil, missing(none, address)
	case 1:
		return found[0], nil
	}
	return nil, wrongUse("There are %d of %s. Write the whole address: %s ...", len(found), address, other(found[0], found[0].Coop))
}

// meant says whether what a person wrote means an actor: its address, its page, @handle@host, or its host.
func meant(who *node.Actor, iri, address string) bool {
	return iri == address || node.HostOf(iri) == strings.ToLower(address) ||
		who != nil && (who.URL == address || strings.EqualFold(strings.TrimPrefix(who.Address(), "@"), strings.TrimPrefix(address, "@")))
}

// showMembership gives out a membership as it is kept now.
func (a *app) showMembership(ctx context.Context, h *house, m *node.Membership) error {
	now, err := h.Membership(ctx, m.Federation, m.Coop)
	if err != nil {
		return err
	}
	return a.show(&membershipState{now, now.Standing()}, nil)
}

// other names one side of a membership.
func other(m *node.Membership, iri string) string {
	if m.Who != nil && m.Who.IRI == iri {
		return m.Who.Address()
	}
	return iri
}

// writeMemberships shows who stands how, and when each side was asked.
func writeMemberships(w io.Writer, list []*membershipState) {
	table(w, func(row func(...any)) {
		for _, m := range list {
			iri, name := m.Federation, ""
			if m.Who != nil {
				iri, name = m.Who.IRI, m.Who.Name
			}
			row(other(m.Membership, iri), standingText(m.Membership), strings.Join(m.Vouches, ", "), name)
		}
	})
}

// standingText says how a membership stands, in a few words.
func standingText(m *node.Membership) string {
	switch m.Standing() {
	case node.Confirmed:
		return "confirmed since " + later(m.CoopSays.Since, m.FederationSays.Since).UTC().Format(time.DateOnly)
	case node.ClaimedOnly:
		return "says so itself, not confirmed"
	case node.ListedOnly:
		return "listed, not said by itself"
	case node.Former:
		return "until " + m.EndedAt().UTC().Format(time.DateOnly)
	}
	return string(m.Step)
}

// later is the second of two moments.
func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
