package ui_test

import (
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/coopnode/coopnode/activitypub/aptest"
	"github.com/coopnode/coopnode/node"
)

// A colleague is somebody who works at a node that others can reach, with a browser.
type colleague struct {
	testing.TB
	at   *aptest.Node
	http *http.Client
	csrf string
}

// join makes a node with a new colleague of that role, who is signed in.
func join(t testing.TB, at *aptest.Node, role node.Role) *colleague {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	c := &colleague{TB: t, at: at, http: &http.Client{Jar: jar}}
	name := "Ana " + node.NewID()
	token, _, err := at.InvitePerson(t.Context(), "command:test", name, "", role)
	if err != nil {
		t.Fatal(err)
	}
	c.get("/welcome/" + token)
	c.post("/welcome/"+token, "name", name, "password", goodPassword)
	c.get("/console")
	return c
}

func (c *colleague) get(path string) string {
	c.Helper()
	return c.send(http.MethodGet, path, nil)
}

// post sends a form, whose fields come in pairs, and gives the page to which it leads.
func (c *colleague) post(path string, fields ...string) string {
	c.Helper()
	form := url.Values{"csrf": {c.csrf}}
	for i := 0; i+1 < len(fields); i += 2 {
		form.Add(fields[i], fields[i+1])
	}
	return c.send(http.MethodPost, path, strings.NewReader(form.Encode()))
}

func (c *colleague) send(method, path string, body io.Reader) string {
	c.Helper()
	r, err := http.NewRequestWithContext(c.Context(), method, c.at.Links.Base+path, body)
	if err != nil {
		c.Fatal(err)
	}
	r.Header.Set("Accept", "text/html")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	if body != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := c.http.Do(r)
	if err != nil {
		c.Fatal(err)
	}
	defer res.Body.Close()
	page, err := io.ReadAll(res.Body)
	if err != nil {
		c.Fatal(err)
	}
	if res.StatusCode != http.StatusOK {
		c.Fatalf("%s %s: %s: %s", method, path, res.Status, first(string(page)))
	}
	if m := hiddenCSRF.FindSubmatch(page); m != nil {
		c.csrf = html.UnescapeString(string(m[1]))
	}
	return string(page)
}

// said is what stands in the status line of a page.
func (c *colleague) said(page, want string) {
	c.Helper()
	m := regexp.MustCompile(`(?s)role="status" class="said">(.*?)</div>`).FindStringSubmatch(page)
	if m == nil || !strings.Contains(m[1], want) {
		c.Errorf("the page says %q, want %q", m, want)
	}
}

// until asks for a page until it says something.
func (c *colleague) until(path, want string) (page string) {
	c.Helper()
	aptest.Until(c, path+" says "+want, func() bool {
		page = c.get(path)
		return strings.Contains(page, want)
	})
	return page
}

// Done when: a coop is followed in the console, alone and by a list, and hears of it.
func TestFollowInConsole(t *testing.T) {
	ours, theirs, third := aptest.NewNode(t, "mill"), aptest.NewNode(t, "bakery"), aptest.NewNode(t, "farm")
	ana := join(t, ours, node.RoleEditor)
	page := ana.post("/console/network/follow", "address", "@bakery@"+theirs.Links.Host())
	ana.said(page, "The bakery is asked")
	aptest.Until(t, "the bakery has a follower", func() bool { return theirs.FollowerState(ours.Links.Actor()) == node.Accepted })
	ana.until("/console/network", "following")

	page = ana.post("/console/network/follow-many", "list", "Account address,Show boosts\nfarm@"+third.Links.Host()+",true\n")
	ana.said(page, "One address is looked for now")
	aptest.Until(t, "the farm has a follower", func() bool { return third.FollowerState(ours.Links.Actor()) == node.Accepted })
	if page = ana.get("/console/network"); strings.Contains(page, "being looked for") || !strings.Contains(page, "The farm") {
		t.Error("the farm is still looked for, or not in the list")
	}
	page = ana.post("/console/network/unfollow", "actor", third.Links.Actor())
	ana.said(page, "You do not follow The farm any more")
	aptest.Until(t, "the farm has no follower", func() bool { return third.FollowerState(ours.Links.Actor()) == "" })

	// Their people let in who follows them, and take it back.
	ben := join(t, theirs, node.RoleEditor)
	if page = ben.get("/console/network/followers"); !strings.Contains(page, "The mill") {
		t.Error("the bakery does not show its follower")
	}
	ben.said(ben.post("/console/network/followers/remove", "actor", ours.Links.Actor()), "The mill does not follow you any more")
	aptest.Until(t, "the mill is told", func() bool { return ours.FollowedState(theirs.Links.Actor()) == node.Rejected })
}

// A coop whose people want to be asked has its followers wait on the page until they are let in.
func TestApproveFollowerInConsole(t *testing.T) {
	ours, theirs := aptest.NewNode(t, "mill"), aptest.NewNode(t, "bakery")
	ana := join(t, ours, node.RoleSteward)
	ana.said(ana.post("/console/settings/contact", "approves", "on"), "Saved")
	if us, err := ours.Profile(t.Context()); err != nil || !us.ApprovesFollowers || us.HidesFollowing {
		t.Fatalf("the settings are not kept: %+v, %v", us, err)
	}
	who, err := theirs.Wire.Find(t.Context(), ours.Links.Host())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := theirs.Node.Follow(t.Context(), "test", who); err != nil {
		t.Fatal(err)
	}
	ana.until("/console/network/followers", "One asks to follow you")
	if theirs.FollowedState(ours.Links.Actor()) != node.Pending {
		t.Error("the follower was let in before somebody said so")
	}
	ana.said(ana.post("/console/network/followers/approve", "actor", theirs.Links.Actor()), "The bakery may follow you now")
	aptest.Until(t, "the bakery is told", func() bool { return theirs.FollowedState(ours.Links.Actor()) == node.Accepted })
}

// Done when: an applicant is approved in a member's console, and is a member then. What its people see of it, and of leaving.
func TestApplicantInConsole(t *testing.T) {
	trama, ours, theirs := aptest.NewNode(t, "trama"), aptest.NewNode(t, "mill"), aptest.NewNode(t, "bakery")
	steward := join(t, trama, node.RoleSteward)
	rules := []string{"rule", "approvals", "approvals", "1", "objections", "0", "days", "30", "perday", "3", "pass-subcontract", "now", "pass-job", "held"}
	steward.said(steward.post("/console/settings/federation", rules...), "This is a federation now")
	us, err := trama.Profile(t.Context())
	if err != nil || !us.IsFederation() || us.Coop.Admission.Approvals != 1 || fmt.Sprint(us.Coop.Resharing.Kinds, us.Coop.Resharing.Held) != "[subcontract job] [job]" {
		t.Fatalf("the rules are not kept: %+v, %v", us.Coop, err)
	}

	// As long as it has no members a steward decides.
	ana := join(t, ours, node.RoleSteward)
	ana.said(ana.post("/console/network/federations/join", "address", trama.Links.Host(), "letter", "We mill for bakers."), "The trama is asked")
	page := steward.until("/console/applications", "We mill for bakers.")
	if !strings.Contains(page, "Let it in") {
		t.Error("the steward cannot let in the first member")
	}
	steward.said(steward.post("/console/applications/admit", "coop", ours.Links.Actor(), "vouch", "worker-owned"), "The mill is let in")
	ana.until("/console/network/federations", "confirmed")

	// Then members do, at their own nodes.
	ben := join(t, theirs, node.RoleSteward)
	ben.post("/console/network/federations/join", "address", "@trama@"+trama.Links.Host(), "letter", "We bake.")
	aptest.Until(t, "the federation knows its member", func() bool {
		m, err := trama.Membership(t.Context(), trama.Links.Actor(), ours.Links.Actor())
		return err == nil && m.Standing() == node.Confirmed
	})
	if page = steward.until("/console/applications", "We bake."); strings.Contains(page, "Let it in") {
		t.Error("a steward can pass the members by")
	}
	page = ana.until("/console/applications", "We bake.")
	asked := regexp.MustCompile(`name="join" value="([^"]+)"`).FindStringSubmatch(page)
	if asked == nil {
		t.Fatal("the member has no form to approve")
	}
	ana.said(ana.post("/console/applications/opinion", "join", html.UnescapeString(asked[1]), "opinion", "yes", "reason", "We know them."), "approval is on its way")
	ben.until("/console/network/federations", "confirmed")
	aptest.Until(t, "the approval is kept with the membership", func() bool {
		m, err := trama.Membership(t.Context(), trama.Links.Actor(), theirs.Links.Actor())
		return err == nil && len(m.AdmittedBy) == 1
	})

	ben.said(ben.post("/console/network/federations/leave", "federation", trama.Links.Actor()), "You have left The trama")
	aptest.Until(t, "the federation is told", func() bool {
		m, err := trama.Membership(t.Context(), trama.Links.Actor(), theirs.Links.Actor())
		return err == nil && m.Standing() == node.Former
	})
}

// Done when: a reply is answered in the console, and its author gets the answer.
func TestAnswerInConsole(t *testing.T) {
	ours, away := aptest.NewNode(t, "mill"), aptest.NewStranger(t, "away")
	mireia := away.Person("mireia")
	ana := join(t, ours, node.RoleEditor)
	post := ours.Post("Who can mill for us in spring?")
	reply := mireia.Note("<p>We can, from March on.</p>", aptest.M{"inReplyTo": post.IRI, "cc": []any{ours.Links.Actor()}})
	mireia.Want(http.StatusAccepted, ours.Links.Inbox(), mireia.Create(reply))

	page := ana.until("/console/inbox", "We can, from March on.")
	if !strings.Contains(page, "answers “Who can mill for us in spring?”") || !strings.Contains(page, "one new") {
		t.Error("the inbox does not say what is answered, or that it is new")
	}
	id := node.RemoteID(reply["id"].(string))
	if page = ana.get("/console/inbox/" + id); !strings.Contains(page, "Your answer to Mireia") {
		t.Error("there is no form to answer")
	}
	if unread := counted(t, ours, node.Unread); unread != 1 { // CSRF-1: a GET changes nothing
		t.Errorf("%d unread after reading, want 1", unread)
	}
	ana.said(ana.post("/console/inbox/"+id+"/answer", "text", "Then **let us talk**.", "lang", "en", "audience", "public"), "Your answer to Mireia is on its way")
	var answer aptest.M
	aptest.Until(t, "Mireia has the answer", func() bool {
		for _, l := range away.Letters("Create") {
			if o, ok := l["object"].(map[string]any); ok && o["inReplyTo"] == reply["id"] {
				answer = o
			}
		}
		return answer != nil
	})
	if text := fmt.Sprint(answer["content"]); !strings.Contains(text, "<strong>let us talk</strong>") {
		t.Errorf("the answer says %s", text)
	}
	if handled := counted(t, ours, node.Handled); handled != 1 {
		t.Errorf("%d remarks handled, want the answered one", handled)
	}
	if raw := fmt.Sprint(answer); strings.Contains(raw, "Ana ") || strings.Contains(raw, "person:") {
		t.Errorf("who wrote it is on the wire: %s", raw)
	}

	// To her alone, if they want.
	ana.post("/console/inbox/"+id+"/answer", "text", "Call me.", "lang", "en", "audience", "direct")
	aptest.Until(t, "Mireia has the private answer", func() bool {
		for _, l := range away.Letters("Create") {
			if o, ok := l["object"].(map[string]any); ok && strings.Contains(fmt.Sprint(o["content"]), "Call me.") {
				return !strings.Contains(fmt.Sprint(o["to"], o["cc"], l["to"], l["cc"]), aptest.Public)
			}
		}
		return false
	})
}

func counted(t testing.TB, n *aptest.Node, s node.Attention) int {
	t.Helper()
	count, err := n.CountRemarks(t.Context(), node.RemarkQuery{State: s})
	if err != nil {
		t.Fatal(err)
	}
	return count
}

// A server that does not answer is named with the reason; its letters are tried again or given up by whom it is for.
func TestDeliveriesInConsole(t *testing.T) {
	ours, away := aptest.NewNode(t, "mill"), aptest.NewStranger(t, "away")
	mireia := away.Person("mireia")
	mireia.Want(http.StatusAccepted, ours.Links.Inbox(), mireia.Do("Follow", ours.Links.Actor()))
	aptest.Until(t, "Mireia follows", func() bool { return ours.FollowerState(mireia.ID) == node.Accepted })
	ours.Delivered()
	ana := join(t, ours, node.RoleSteward)
	first := ours.Opening("Millers for spring")
	ours.Delivered()
	page := ana.get("/console/deliveries")
	if !strings.Contains(page, "Millers for spring") || !strings.Contains(page, "Nothing waits") {
		t.Error("the page does not show what arrived")
	}
	if n := strings.Count(page, `<rect class="arrived"`); n != 2 { // the hour, and the legend
		t.Errorf("%d bars and keys of what arrived, want 2", n)
	}

	away.Answer = func(*http.Request, aptest.M) int { return http.StatusServiceUnavailable }
	ours.Opening("Millers for autumn")
	host := node.HostOf(away.Base)
	if page = ana.until("/console/deliveries", "It has trouble of its own (answer 503)"); !strings.Contains(page, host) {
		t.Error("the server is not named")
	}
	away.Answer = nil
	ana.said(ana.post("/console/deliveries/retry", "host", host), "tried now")
	ours.Delivered()
	page = ana.get("/console/deliveries/" + first.ID)
	if !strings.Contains(page, "Published") {
		t.Error("the page of the opening does not say what was said of it")
	}

	away.Answer = func(*http.Request, aptest.M) int { return http.StatusServiceUnavailable }
	ours.Opening("Millers for winter")
	ana.until("/console/deliveries", "It has trouble of its own")
	ana.said(ana.post("/console/deliveries/drop", "host", host), "given up")
	if s, err := ours.QueueStatus(t.Context()); err != nil || s.Waiting != 0 {
		t.Errorf("%d letters wait after they were given up, %v", s.Waiting, err)
	}
}

// A report is sent, and closed where it came; a rule ends the contact.
func TestModerateInConsole(t *testing.T) {
	ours, theirs := aptest.NewNode(t, "mill"), aptest.NewNode(t, "bakery")
	theirs.Follow(ours.Links.Actor())
	ana, ben := join(t, ours, node.RoleSteward), join(t, theirs, node.RoleSteward)
	page := ana.get("/console/moderation/report?about=" + url.QueryEscape(theirs.Links.Actor()))
	if !strings.Contains(page, "The bakery") {
		t.Error("the form does not show whom the report is about")
	}
	ana.said(ana.post("/console/moderation/report", "about", theirs.Links.Actor(), "comment", "Too much bread."), "The report goes to")
	page = ben.until("/console/moderation", "Too much bread.")
	id := regexp.MustCompile(`name="id" value="([^"]+)"`).FindStringSubmatch(page)
	if id == nil {
		t.Fatal("the report cannot be closed")
	}
	ben.said(ben.post("/console/moderation/close", "id", id[1]), "The report is closed")
	if page = ben.get("/console/moderation"); strings.Contains(page, "Too much bread.") {
		t.Error("the closed report is among the open ones")
	}

	// MOD-4: the rule ends the follow, in one step. A rule for the host would be about both nodes, which share one.
	page = ana.post("/console/moderation/rule", "target", theirs.Links.Actor(), "severity", "reject", "comment", "bread", "try", "yes")
	if !strings.Contains(page, "One follower is removed.") || ours.FollowerState(theirs.Links.Actor()) != node.Accepted {
		t.Error("trying the rule does not say what it would do, or does it")
	}
	ana.said(ana.post("/console/moderation/rule", "target", theirs.Links.Actor(), "severity", "reject", "comment", "bread"), "One follower is removed.")
	if s := ours.FollowerState(theirs.Links.Actor()); s != "" {
		t.Errorf("the follower is still %s", s)
	}
	if page = ana.get("/console/moderation/rules"); !strings.Contains(page, theirs.Links.Actor()) || !strings.Contains(page, "no contact") {
		t.Error("the rule is not in the list")
	}
	ana.said(ana.post("/console/moderation/rules/remove", "target", theirs.Links.Actor()), "It holds from now on")
}
