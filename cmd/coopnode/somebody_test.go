package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
)

// A somebody is a person at a browser of their own, who does things by what they are called. With "keyboard" they never
// click, with "noscript" no script runs for them.
type somebody struct {
	testing.TB
	judge *judge
	name  string

	address, title, text string // where they are, and what stands there
	cookies              []map[string]any
}

// ways are how every flow is gone through.
var ways = []string{"mouse", "noscript", "keyboard"}

// somebody gives a person a new browser.
func (j *judge) somebody(t testing.TB, name, how string) *somebody {
	t.Helper()
	v := &somebody{TB: t, judge: j, name: t.Name() + " " + name}
	if err := j.ask(map[string]any{"do": "person", "name": v.name, "how": how}, &struct{}{}); err != nil {
		t.Fatal(err)
	}
	return v
}

// do is one step: its kind, what it is done to, and in pairs what belongs to it (see person.mjs).
func (v *somebody) do(act string, what string, more ...any) {
	v.Helper()
	step := map[string]any{act: what}
	for i := 0; i < len(more); i += 2 {
		step[more[i].(string)] = more[i+1]
	}
	var seen struct {
		Address, Title, Text string
		Cookies              []map[string]any
	}
	if err := v.judge.ask(map[string]any{"do": "step", "name": v.name, "step": step}, &seen); err != nil {
		v.Fatalf("%s: %s %q %v, at %s: %v\n%s", v.name, act, what, more, v.address, err, v.text)
	}
	v.address, v.title, v.text, v.cookies = seen.Address, seen.Title, seen.Text, seen.Cookies
}

func (v *somebody) open(address string)     { v.Helper(); v.do("open", address) }
func (v *somebody) follow(link string)      { v.Helper(); v.do("follow", link) }
func (v *somebody) press(button string)     { v.Helper(); v.do("press", button) }
func (v *somebody) fill(label, with string) { v.Helper(); v.do("fill", label, "with", with) }
func (v *somebody) sees(text string)        { v.Helper(); v.do("see", text) }

// comesToSee waits for what others have to do first: the page is asked for again until the text is there.
func (v *somebody) comesToSee(text string) { v.Helper(); v.do("see", text, "again", true) }

// word is a text of the pages in English.
func word(t testing.TB, key string, values ...any) string {
	t.Helper()
	texts, err := pageWords()
	if err != nil {
		t.Fatal(err)
	}
	if texts[key] == "" {
		t.Fatalf("the pages say nothing under %q", key)
	}
	if len(values) == 0 {
		return strings.ReplaceAll(texts[key], "%%", "%")
	}
	return fmt.Sprintf(texts[key], values...)
}

var pageWords = sync.OnceValues(func() (texts map[string]string, err error) {
	b, err := os.ReadFile("../../ui/language/en.json")
	if err == nil {
		err = json.Unmarshal(b, &texts)
	}
	return texts, err
})

// capital begins with a large letter, as labels do.
func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
