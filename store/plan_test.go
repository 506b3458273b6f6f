package store

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/coopnode/coopnode/node"
)

var noon = time.Date(2027, 3, 1, 12, 0, 0, 0, time.UTC)

// The queries on the hot paths use an index: none reads a table from end to end, and none sorts
// what an index has in order already.
func TestQueryPlans(t *testing.T) {
	t.Parallel()
	db := open(t, Options{})
	objects := func(q node.ObjectQuery) string {
		direction := "desc"
		if q.Thread != "" {
			direction = "asc"
		}
		return "select " + objectColumns + " from object o" + filterOf(q).where() +
			" order by o.published_ms " + direction + ", o.id " + direction + " limit 40"
	}
	for _, tt := range []struct {
		name, query string
		index       string // that must be used
		scans       string // what may be read in the order of an index, until the limit
		sorts       bool   // few rows may be sorted
	}{
		{name: "actor", query: actorByIRI, index: "sqlite_autoindex_actor_1"},
		{name: "actor by handle", query: actorByHandle, index: "actor_handle", sorts: true},
		{name: "actor by key", query: actorByKey, index: "actor_key", sorts: true},
		{name: "coops of a host", query: coopsOn, index: "actor_host", sorts: true},
		{name: "object", query: objectByIRI, index: "sqlite_autoindex_object_2"},
		{name: "object by id", query: objectByID, index: "sqlite_autoindex_object_1"},
		{name: "object by page", query: objectByURL, index: "object_url", sorts: true},
		{name: "document", query: document, index: "sqlite_autoindex_object_2"},
		{name: "board", query: objects(node.ObjectQuery{OpenAt: noon, Listed: true}), index: "object_status"},
		{name: "late openings", query: objects(node.ObjectQuery{Type: node.TypeOpening, Local: true, LateAt: noon}), index: "object_deadline", sorts: true},
		{name: "deadlines", query: objects(node.ObjectQuery{DueFrom: noon, Listed: true}), index: "object_type"},
		{name: "posts of ours", query: objects(node.ObjectQuery{Type: node.TypePost, Local: true, Listed: true}), index: "object_local"},
		{name: "objects of an actor", query: objects(node.ObjectQuery{Actor: "a", Type: node.TypePost}), index: "object_actor"},
		{name: "replies", query: objects(node.ObjectQuery{InReplyTo: "a"}), index: "object_reply"},
		{name: "thread", query: objects(node.ObjectQuery{Thread: "a"}), index: "object_thread"},
		{name: "openings of a project", query: objects(node.ObjectQuery{Project: "a", OpenAt: noon}), index: "object_project"},
		{name: "what an actor shared", query: objects(node.ObjectQuery{SharedBy: "a", Listed: true}), index: "reaction_actor", sorts: true},
		{name: "what is passed on", query: objects(node.ObjectQuery{PassedAt: noon, Listed: true}), index: "reshare_state", sorts: true},
		{name: "re-share", query: reshareOf, index: "sqlite_autoindex_reshare_1"},
		{name: "due re-shares", query: resharesPlan(node.ReshareQuery{DueAt: noon}), index: "reshare_due", sorts: true},
		{name: "held re-shares", query: resharesPlan(node.ReshareQuery{State: node.ReshareHeld}), index: "reshare_state"},
		{name: "first that waits", query: resharesPlan(node.ReshareQuery{State: node.ReshareWaiting, Actor: "a", DueAt: noon, Limit: 1}), index: "reshare_"},
		{name: "passed on today", query: passedSince, index: "reshare_actor"},
		{name: "who brought it", query: bringers, index: "sqlite_autoindex_timeline", sorts: true},
		{name: "what an actor brought", query: objects(node.ObjectQuery{BroughtBy: "a", Listed: true}), index: "timeline_actor", sorts: true},
		{name: "who shared it", query: sharers, index: "reaction_count", scans: "s", sorts: true},
		{name: "tally of all", query: tallyAll, index: "object_reply"},
		{name: "tally by federation", query: tallyBy, index: "passed_on_object", sorts: true}, // of a few federations; kept by the node
		{name: "members by federation", query: tallyMembers, index: "membership_federation"},
		{name: "note what is passed on", query: notePassed, index: "sqlite_autoindex_object_2"},
		{name: "reaction", query: reactionOf, index: "sqlite_autoindex_reaction_1"},
		{name: "last move", query: lastMove, index: "moved_target", sorts: true},
		{name: "quote", query: quoteByIRI, index: "sqlite_autoindex_quote_1"},
		{name: "quote in a post", query: quoteBy, index: "sqlite_autoindex_quote_2"},
		{name: "quotes of one", query: countQuotes, index: "sqlite_autoindex_quote_2"},
		{name: "tag", query: objects(node.ObjectQuery{Tag: "a"}), index: "sqlite_autoindex_object_tag_1", sorts: true},
		{name: "skill", query: objects(node.ObjectQuery{Skill: "a"}), index: "sqlite_autoindex_object_skill_1", sorts: true},
		{name: "rules of an actor", query: rulesFor, index: "sqlite_autoindex_rule_1"},
		{name: "known actors", query: knownActors, index: "object_actor", scans: "n", sorts: true},
		{name: "judge objects", query: judged[1], index: "object_actor"},
		{name: "judge reactions", query: judged[2], index: "reaction_actor"},
		{name: "judge timeline", query: judged[3], index: "timeline_actor"},
		{name: "likes that count", query: "select count(*) from reaction r where r.object = $1 and r.verb = 'Like' and r.hidden < 2", index: "COVERING INDEX reaction_count"},
		{name: "conversations", query: conversationsText(node.ConversationQuery{}), index: "remark_thread", scans: "r"},
		{name: "conversations unread", query: conversationsText(node.ConversationQuery{State: node.Unread, Before: 9}), index: "remark_state"},
		{name: "remarks of a conversation", query: newestInThread, index: "remark_thread"},
		{name: "count of a conversation", query: countThread, index: "remark_thread"},
		{name: "remark", query: "update remark as r set state = $1" + remarkFilter(node.RemarkQuery{Object: "a"}).where(), index: "sqlite_autoindex_remark_1"},
		{name: "unread", query: "select count(*)" + remarksOf + remarkFilter(node.RemarkQuery{State: node.Unread}).where(), index: "remark_state"},
		{name: "join objects", query: joinThread, index: "object_thread"},
		{name: "join remarks", query: joinRemarks, index: "remark_thread"},
		{name: "reports", query: reportsText(node.ReportQuery{}), index: "report_at"},
		{name: "open reports", query: openReports, index: "report_host"},
		{name: "same report", query: reportsText(node.ReportQuery{Host: "a", Actor: "b", Subject: "c", Open: true}), index: "report_host"},
		{name: "act", query: actByIRI, index: "sqlite_autoindex_act_2"},
		{name: "act bytes", query: actBytes, index: "sqlite_autoindex_act_1"},
		{name: "outbox", query: "select " + actColumns + " from act where listed and seq < $1 order by seq desc limit 20", index: "act_listed"},
		{name: "new act", query: saveAct, index: "sqlite_autoindex_act_1", scans: "m"},
		{name: "timeline", query: timeline, index: "timeline_at"},
		{name: "subscription", query: subscriptionOf, index: "sqlite_autoindex_subscription_1"},
		{name: "what nobody brings any more", query: leftTimeline, index: "timeline_actor"},
		{name: "sightings", query: sightings, index: "sighting_actor", sorts: true},
		{name: "who is to be looked at", query: toLookAt, index: "sqlite_autoindex_sighting_1", sorts: true},
		{name: "coops in a list", query: sightedCoops, index: "sqlite_autoindex_sighting_1", sorts: true},
		{name: "looks of a day", query: countLooks, index: "look_at"},
		{name: "keep letter", query: keepLetter, index: "sqlite_autoindex_seen_1", scans: "m"},
		{name: "letters", query: fmt.Sprintf(letters, ""), index: "letter_put_off"},
		{name: "seen", query: seen, index: "sqlite_autoindex_seen_1"},
		{name: "enqueue to one", query: enqueueNamed, index: "sqlite_autoindex_actor_1"},
		{name: "enqueue to readers", query: enqueueReaders, index: "reader_age", sorts: true},
		{name: "due deliveries", query: dueDeliveries, index: "delivery_put_off"},
		{name: "arrived", query: arrived, index: "sqlite_autoindex_delivery_1"},
		{name: "claim healthy", query: claimHealthy, index: "peer_healthy"},
		{name: "claim failing", query: claimFailing, index: "peer_failing"},
		{name: "claims", query: countClaims, index: "peer_owner"},
		{name: "visit", query: settleVisit, index: "sqlite_autoindex_peer_1"},
		{name: "wake letters", query: wakeLetters, index: "delivery_put_off"},
		{name: "next due", query: nextDue, index: "peer_healthy", scans: "n"},
		{name: "due mail", query: dueMail, index: "notice_due", sorts: true},
		{name: "due webhook", query: dueWebhook, index: "notice_due_of", sorts: true},
		{name: "put off mail", query: putOffMail, index: "notice_due"},
		{name: "put off webhook", query: putOffWebhook, index: "notice_due_of"},
		{name: "new notice", query: addNotice},
		{name: "notices of a recipient", query: "select count(*) from notice" + noticeFilter(node.NoticeQuery{To: "a", Kind: node.NoticeMention, State: node.NoticeWaiting}).where(), index: "notice_state"},
		{name: "notices at once", query: "select count(*) from notice" + noticeFilter(node.NoticeQuery{To: "a", Kind: node.NoticeMention, Loud: true, Since: noon}).where(), index: "notice_recent"},
		{name: "a digest", query: "select id from notice" + noticeFilter(node.NoticeQuery{To: "a", Day: "b", State: node.NoticeWaiting}).where(), index: "notice_"},
		{name: "sealed notices", query: "select id, sealed from notice where sealed is not null", index: "notice_sealed", scans: "notice"},
		{name: "tasks", query: dueTasks, index: "task_due"},
		{name: "person", query: personByID, index: "sqlite_autoindex_person_1"},
		{name: "person by name", query: personByName, index: "sqlite_autoindex_person_2"},
		{name: "person by mail", query: personByMail, index: "person_mail"},
		{name: "session", query: sessionBySum, index: "sqlite_autoindex_session_2"},
		{name: "sessions of a person", query: sessionsOf, index: "session_person", sorts: true},
		{name: "sessions that ended", query: endings[0], index: "session_ends"},
		{name: "link", query: passBySum, index: "sqlite_autoindex_pass_1"},
		{name: "links that ended", query: endings[1], index: "pass_expires"},
		{name: "audit log", query: auditPlan(node.AuditQuery{Before: 9}), index: "sqlite_autoindex_audit_1"},
		{name: "audit log of a person", query: auditPlan(node.AuditQuery{Person: "a", Before: 9}), index: "audit_person"},
		{name: "old audit log", query: dropAudit, index: "sqlite_autoindex_audit_1"},
		{name: "picture", query: pictureByAddress, index: "sqlite_autoindex_picture_1"},
		{name: "picture by name", query: pictureByName, index: "picture_name"},
		{name: "due pictures", query: duePictures, index: "picture_host"},
		{name: "size of pictures", query: pictureTotal, index: "picture_kept"},
		{name: "oldest picture", query: oldestPicture, index: "picture_kept"},
		{name: "foreign content", query: dropForeign, index: "object_foreign", sorts: true},
		{name: "uses of an owner", query: usesOfOwner, index: "sqlite_autoindex_picture_use_1"},
		{name: "is shown", query: isShown, index: "object_actor"},
		{name: "search, newest first", query: searchNewest, index: "sqlite_autoindex_search_doc_1", scans: "search_text"},
		{name: "search, best first", query: searchBest, index: "sqlite_autoindex_search_doc_1", scans: "search_text f", sorts: true},
		{name: "count what is found", query: countFound, index: "search_text VIRTUAL TABLE INDEX", scans: "search_text f"},
		{name: "what is indexed", query: docOf, index: "sqlite_autoindex_search_doc_2"},
		{name: "last number of a second", query: lastDoc, index: "sqlite_autoindex_search_doc_1"},
		{name: "what is late", query: isLate, index: "search_closes"},
		{name: "note what is late", query: noteLate, index: "search_closes"},
		{name: "note what somebody published", query: noteObjects, index: "object_actor"},
		{name: "facets", query: topFacets, index: "search_facet_coops"},
		{name: "doubt", query: doubtInbox, index: "actor_mailbox"},
	} {
		plan := planOf(t, db, tt.query)
		all := strings.Join(plan, "\n")
		if !strings.Contains(all, tt.index) {
			t.Errorf("%s does not use %s:\n%s", tt.name, tt.index, all)
		}
		for _, step := range plan {
			words := strings.Fields(step)
			scan := words[0] == "SCAN" && words[1] != "CONSTANT" && !slices.Contains(strings.Fields(tt.scans), words[1]) && !strings.Contains(step, "USING")
			sort := strings.Contains(step, "TEMP B-TREE") && !tt.sorts
			if scan || sort {
				t.Errorf("%s: %s\n%s", tt.name, step, all)
			}
		}
	}
}

func conversationsText(q node.ConversationQuery) string {
	text, _ := conversations(q)
	return text
}

func reportsText(q node.ReportQuery) string {
	text, _ := reports(q)
	return text
}

var placeholder = regexp.MustCompile(`\$([0-9]+)`)

func planOf(t *testing.T, db *DB, query string) (plan []string) {
	t.Helper()
	most := 0
	for _, m := range placeholder.FindAllStringSubmatch(query, -1) {
		n, err := strconv.Atoi(m[1])
		if err != nil {
			t.Fatal(err)
		}
		most = max(most, n)
	}
	args := make([]any, most)
	err := db.writer.peek(t.Context(), func(c *conn) error {
		return c.each(func(r rowScanner) error {
			var id, parent, unused int
			var detail string
			err := r.Scan(&id, &parent, &unused, &detail)
			plan = append(plan, detail)
			return err
		}, "explain query plan "+query, args...)
	})
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return plan
}

func resharesPlan(q node.ReshareQuery) string {
	text, _ := resharesText(q)
	return text
}

func auditPlan(q node.AuditQuery) string {
	text, _ := auditEntries(q)
	return text
}
