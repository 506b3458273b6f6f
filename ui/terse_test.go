package ui

import "testing"

func TestTerse(t *testing.T) {
	const css = `@media (min-width: 48rem) {
  .a, .b > c { inline-size: calc(100% - 2 * var(--s4)); content: attr(x) ": {  } " }
  /* A note: { } */
  .d :is(e) { color: var(--ink); }
}
`
	const want = `@media (min-width:48rem){.a,.b > c{inline-size:calc(100% - 2 * var(--s4));content:attr(x) ": {  } "}.d :is(e){color:var(--ink);}}`
	if got := terse(css); got != want {
		t.Errorf("terse:\n got %s\nwant %s", got, want)
	}
}
