package activitypub_test

import (
	"strings"
	"testing"

	"github.com/coopnode/coopnode/activitypub/aptest"
	"github.com/coopnode/coopnode/node"
)

// A federation lists a coop that has neither node nor account, and publishes for it: marked so at home and at every
// reader, never confirmed, and nothing that could be followed.
func TestPublishedForACoopWithoutANode(t *testing.T) {
	ponte, mill := aptest.NewNode(t, "ponte"), aptest.NewNode(t, "mill")
	ponte.Federate(nil)
	mill.Follow(ponte.Links.Actor())
	ctx := t.Context()
	argan, err := ponte.ListNamed(ctx, "test", node.Nameplate{Name: " Lalla  Argan ", Website: "https://argan.example/"}, []string{"known-in-person"})
	if err != nil {
		t.Fatal(err)
	}
	m, err := ponte.Membership(ctx, ponte.Links.Actor(), argan.IRI)
	if err != nil || m.Standing() != node.ListedOnly || argan.Name != "Lalla Argan" || argan.Inbox != "" || !strings.HasPrefix(argan.IRI, ponte.Links.Base+"/coops/") {
		t.Errorf("listed %+v as %+v, %v", argan, m, err)
	}
	if found, err := ponte.Named(ctx, "LALLA ARGAN"); err != nil || found.IRI != argan.IRI {
		t.Errorf("by name: %+v, %v", found, err)
	}
	for name, want := range map[string]node.Kind{"lalla argan": node.Exists, " ": node.Invalid} {
		if _, err := ponte.ListNamed(ctx, "test", node.Nameplate{Name: name}, nil); node.KindOf(err) != want {
			t.Errorf("list %q: %v, want %v", name, err, want)
		}
	}
	for _, n := range []*aptest.Node{ponte, mill} {
		who, err := n.Wire.Find(ctx, argan.IRI)
		if err == nil {
			_, err = n.Node.Follow(ctx, "test", who)
		}
		if err == nil {
			t.Errorf("%s follows a page", n.Links.Base)
		}
	}

	listed := &node.Opening{Base: node.Base{Type: node.TypeOpening, Texts: []node.Text{{Lang: "en", Title: "A shop for oil", Source: "Simple."}}}, OnBehalfOf: argan.IRI, BehalfName: argan.Name}
	named := &node.Opening{Base: node.Base{Type: node.TypeOpening, Texts: []node.Text{{Lang: "es", Title: "Rutas", Source: "Con poca red."}}}, BehalfName: "Caroá <b>"}
	for _, o := range []*node.Opening{listed, named} {
		ponte.Publish(o)
		aptest.Until(t, "the reader has it", func() bool { _, err := mill.Object(ctx, o.IRI); return err == nil })
		got := mill.Known(o.IRI).(*node.Opening)
		if got.OnBehalfOf != o.OnBehalfOf || got.BehalfName != o.BehalfName || got.Actor != ponte.Links.Actor() {
			t.Errorf("%q arrives for %q, %q, by %s", o.Title(), got.OnBehalfOf, got.BehalfName, got.Actor)
		}
	}
	for iri, want := range map[string]string{listed.IRI: "For Lalla Argan, which has no node of its own", named.IRI: "Para Caroá &lt;b&gt;, que no tiene nodo propio"} {
		if text := mill.Known(iri).Common().Texts[0].HTML; !strings.Contains(text, want) {
			t.Errorf("the text does not say %q: %s", want, text)
		}
	}
	for address, want := range map[string]string{
		listed.URL: "Lalla Argan", named.URL: "Published for a coop that has no node of its own", argan.IRI: "is said by a federation that lists it", ponte.Links.Profile(): "no node of its own",
		mill.Links.Board(): "Lalla Argan", mill.Links.Board() + ".atom": "on behalf of Lalla Argan",
	} {
		if page := string(aptest.Get(t, address, "Accept", "text/html").Body); !strings.Contains(page, want) {
			t.Errorf("%s does not say %q", address, want)
		}
	}
	_, err = ponte.Edit(ctx, "test", listed.IRI, func(o node.Object) error { o.(*node.Opening).BehalfName = strings.Repeat("a", 1001); return nil })
	if node.KindOf(err) != node.Invalid {
		t.Errorf("a name of 1,001 characters: %v", err)
	}
	if err := ponte.Exclude(ctx, "test", argan.IRI, ""); err != nil {
		t.Error(err)
	}
}
