package ui

import (
	"context"
	"net/http"
	"strings"

	"github.com/coopnode/coopnode/node"
)

// A menuEntry leads to a page of the console. It is shown to whom the page is open.
type menuEntry struct {
	path, icon, name string
	bar              bool // stands in the bar of a phone too
}

// consoleMenu is in the order in which it is shown; groups are divided by a line.
var consoleMenu = [][]menuEntry{{
	{"/console", "home", "dashboard", true},
	{"/console/inbox", "inbox", "inbox", true},
	{"/console/openings", "board", "openings", true},
	{"/console/projects", "bars", "projects", false},
	{"/console/posts", "talk", "posts", false},
	{"/console/profile", "people", "profile", false},
	{"/console/network", "network", "network", false},
	{"/console/applications", "join", "applications", false},
	{"/console/deliveries", "send", "deliveries", false},
	{"/console/moderation", "shield", "moderation", false},
}, {
	{"/console/people", "key", "people", false},
	{"/console/settings", "gear", "settings", false},
	{"/console/audit", "clock", "audit", false},
	{"/console/export", "box", "export", false},
}, {
	{"/console/account", "person", "account", false},
	{"/console/notices", "bell", "notices", false},
	{"/console/sessions", "screen", "sessions", false},
}}

// A menuItem is an entry as one person sees it on one page.
type menuItem struct {
	Href, Icon, Text string
	Bar, Here        bool
	Count            int // of what is new there
}

// menu is what the person may open, in groups.
func (d *desk) menu(ctx context.Context, section string) (groups [][]menuItem) {
	for _, group := range consoleMenu {
		var items []menuItem
		for _, m := range group {
			if !d.open(m.path) {
				continue
			}
			item := menuItem{Href: m.path, Icon: m.icon, Text: say(ctx, "menu."+m.name), Bar: m.bar, Here: section == m.path}
			if m.path == "/console/inbox" {
				item.Count = d.unread
			}
			items = append(items, item)
		}
		if len(items) > 0 {
			groups = append(groups, items)
		}
	}
	return groups
}

// open says whether there is a page at a path that the person may see.
func (d *desk) open(path string) bool {
	w := d.ui.ways[path]
	if w == nil {
		return false
	}
	for _, r := range w.routes {
		if r.Method == http.MethodGet {
			return d.may(node.Role(r.Name))
		}
	}
	return false
}

// section is the entry of the menu to which a page belongs: the longest one that its path begins with.
func section(path string) (longest string) {
	for _, group := range consoleMenu {
		for _, m := range group {
			if (path == m.path || strings.HasPrefix(path, m.path+"/")) && len(m.path) > len(longest) {
				longest = m.path
			}
		}
	}
	return longest
}
