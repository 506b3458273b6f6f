package storetest

import (
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coopnode/coopnode/node"
)

const (
	cat = "https://a.example/cat.png"
	dog = "https://a.example/dog.png"
)

// want says which pictures an owner shows.
func (x *fixture) want(owner string, use node.PictureUse, at time.Time, addresses ...string) {
	x.Helper()
	x.write(func(tx node.Tx) error { return tx.WantPictures(x.ctx, owner, use, addresses, at) })
}

// picture names a file and says that it is kept.
func (x *fixture) picture(address, letter string, bytes int64, used time.Time) *node.PictureFile {
	x.Helper()
	f := &node.PictureFile{Address: address, Use: node.AsShown, State: node.PictureKept, Name: strings.Repeat(letter, 26), Type: "image/png",
		Width: 3, Height: 4, Bytes: bytes, Used: used}
	x.write(func(tx node.Tx) error { return tx.SavePicture(x.ctx, f) })
	return f
}

func (x *fixture) wasted() []string {
	x.Helper()
	names, err := x.WastedPictures(x.ctx, 100)
	x.ok(err)
	slices.Sort(names)
	return names
}

func (x *fixture) stateOf(address string, use node.PictureUse) node.PictureState {
	x.Helper()
	f, err := x.Picture(x.ctx, address, use)
	if node.IsNotFound(err) {
		return ""
	}
	x.ok(err)
	return f.State
}

func pictureRoundTrip(t *testing.T, x *fixture) {
	want := &node.PictureFile{Address: cat, Use: node.AsShown, State: node.PictureKept, Local: true, Name: strings.Repeat("a", 26), Type: "image/jpeg",
		Width: 1600, Height: 900, Bytes: 12345, Due: noon, Attempts: 3, Reason: "no answer", Used: noon.Add(time.Hour)}
	x.write(func(tx node.Tx) error { return tx.SavePicture(x.ctx, want) })
	got, err := x.Picture(x.ctx, cat, node.AsShown)
	x.ok(err)
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if got, err = x.PictureNamed(x.ctx, want.Name); err != nil || got.Address != cat {
		t.Errorf("by name: %+v, %v", got, err)
	}
	kept, err := x.KeptPictures(x.ctx)
	x.ok(err)
	check(x, "kept", len(kept), 1)
	_, err = x.Picture(x.ctx, cat, node.AsIcon)
	x.wantKind(err, node.NotFound)
	for _, name := range []string{"", strings.Repeat("b", 26)} {
		_, err = x.PictureNamed(x.ctx, name)
		x.wantKind(err, node.NotFound)
	}
	want.State = node.PictureFailed
	x.write(func(tx node.Tx) error { return tx.SavePicture(x.ctx, want) })
	_, err = x.PictureNamed(x.ctx, want.Name)
	x.wantKind(err, node.NotFound)
}

func pictureUses(t *testing.T, x *fixture) {
	x.want("one", node.AsShown, noon, cat, dog)
	x.want("two", node.AsShown, noon, cat)
	x.want("one", node.AsIcon, noon, cat)
	check(x, "new", x.stateOf(cat, node.AsShown), node.PictureWanted)
	x.picture(cat, "c", 10, noon)
	x.picture(dog, "d", 10, noon)

	x.want("two", node.AsShown, noon, cat)
	check(x, "wanted again", x.stateOf(cat, node.AsShown), node.PictureKept)
	x.want("one", node.AsShown, noon)
	check(x, "still shown by two", x.stateOf(cat, node.AsShown), node.PictureKept)
	check(x, "shown by nobody", x.stateOf(dog, node.AsShown), node.PictureState(""))
	check(x, "of another use", x.stateOf(cat, node.AsIcon), node.PictureWanted)
	if got := x.wasted(); !slices.Equal(got, []string{strings.Repeat("d", 26)}) {
		t.Errorf("files to go: %v", got)
	}
	x.write(func(tx node.Tx) error { return tx.ForgetWasted(x.ctx, x.wasted()) })
	check(x, "files to go after that", len(x.wasted()), 0)

	failed := &node.PictureFile{Address: dog, Use: node.AsShown, State: node.PictureFailed, Attempts: 8, Due: noon.Add(24 * time.Hour), Used: noon}
	x.write(func(tx node.Tx) error { return tx.SavePicture(x.ctx, failed) })
	x.want("one", node.AsShown, noon.Add(time.Hour), dog)
	check(x, "given up a short while ago", x.stateOf(dog, node.AsShown), node.PictureFailed)
	x.want("one", node.AsShown, noon.Add(25*time.Hour), dog)
	again, err := x.Picture(x.ctx, dog, node.AsShown)
	x.ok(err)
	check(x, "given up long ago", again.State, node.PictureWanted)
	check(x, "its attempts", again.Attempts, 0)
}

func pictureDue(t *testing.T, x *fixture) {
	const other = "https://b.example/1.png"
	x.want("one", node.AsShown, noon, cat)
	x.want("one", node.AsIcon, noon.Add(time.Second), dog)
	x.want("two", node.AsShown, noon.Add(2*time.Second), other)
	due := func(at time.Time) (list []string) {
		x.Helper()
		files, err := x.DuePictures(x.ctx, at, 10)
		x.ok(err)
		for _, f := range files {
			list = append(list, f.Address)
		}
		return list
	}
	if got := due(noon.Add(-time.Second)); len(got) != 0 {
		t.Errorf("before its time: %v", got)
	}
	if got := due(noon.Add(time.Minute)); !slices.Equal(got, []string{cat, other}) {
		t.Errorf("due: %v, want the first of each host", got)
	}
	x.picture(cat, "c", 1, noon)
	if got := due(noon.Add(time.Minute)); !slices.Equal(got, []string{dog, other}) {
		t.Errorf("after the first: %v", got)
	}
}

func pictureBounds(t *testing.T, x *fixture) {
	x.want(x.post("aaaaaaaaaa", 0, nil).IRI, node.AsShown, noon, cat, dog, "https://a.example/new.png")
	x.picture(cat, "c", 100, noon.Add(-100*24*time.Hour))
	x.picture(dog, "d", 100, noon.Add(-10*24*time.Hour))
	x.picture("https://a.example/new.png", "e", 100, noon)
	ours := x.picture("https://us.example/media/pictures/o", "o", 1000, noon.Add(-1000*24*time.Hour))
	ours.Local = true
	x.write(func(tx node.Tx) error { return tx.SavePicture(x.ctx, ours) })
	us := x.person("us.example", "coop", false)
	us.Local = true
	x.write(func(tx node.Tx) error { return tx.SaveActor(x.ctx, us) })
	x.want(us.IRI, node.AsShown, noon, ours.Address)

	x.write(func(tx node.Tx) error { return tx.ShrinkPictures(x.ctx, 300) })
	check(x, "files to go within the bound", len(x.wasted()), 0)
	x.write(func(tx node.Tx) error { return tx.UsePictures(x.ctx, []string{strings.Repeat("c", 26)}, noon) })
	x.write(func(tx node.Tx) error { return tx.ShrinkPictures(x.ctx, 250) })
	check(x, "the longest unused", x.stateOf(dog, node.AsShown), node.PictureState(""))
	check(x, "looked at since", x.stateOf(cat, node.AsShown), node.PictureKept)

	x.write(func(tx node.Tx) error { return tx.Sweep(x.ctx, noon.Add(91*24*time.Hour)) })
	check(x, "unused for 90 days", x.stateOf(cat, node.AsShown), node.PictureState(""))
	check(x, "ours is never fetched again", x.stateOf(ours.Address, node.AsShown), node.PictureKept)

	upload := x.picture("https://us.example/media/pictures/u", "u", 10, noon)
	upload.Local = true
	x.write(func(tx node.Tx) error { return tx.SavePicture(x.ctx, upload) })
	x.write(func(tx node.Tx) error { return tx.Sweep(x.ctx, noon.Add(6*24*time.Hour)) })
	check(x, "an upload that nothing shows yet", x.stateOf(upload.Address, node.AsShown), node.PictureKept)
	x.write(func(tx node.Tx) error { return tx.Sweep(x.ctx, noon.Add(8*24*time.Hour)) })
	check(x, "an upload that nothing showed for a week", x.stateOf(upload.Address, node.AsShown), node.PictureState(""))
}

func pictureErased(t *testing.T, x *fixture) {
	a := x.person("a.example", "ana", false)
	p := x.post("aaaaaaaaaa", 0, func(p *node.Post) { p.Actor = a.IRI })
	x.post("bbbbbbbbbb", 0, nil)
	const kept, strayed = "https://a.example/kept.png", "https://a.example/stray.png"
	for i, owner := range []string{p.IRI, a.IRI, "https://a.example/ap/bbbbbbbbbb", "https://a.example/nothing"} {
		address := []string{cat, dog, kept, strayed}[i]
		x.want(owner, node.AsShown, noon, address)
		x.picture(address, "cdks"[i:i+1], 1, noon)
	}
	shown, err := x.IsShown(x.ctx, a.IRI)
	x.ok(err)
	check(x, "an author is shown", shown, true)
	x.write(func(tx node.Tx) error { return tx.ForgetActor(x.ctx, a.IRI, noon) })
	check(x, "picture of a post of a gone actor", x.stateOf(cat, node.AsShown), node.PictureState(""))
	check(x, "picture of a gone actor", x.stateOf(dog, node.AsShown), node.PictureState(""))
	check(x, "picture of somebody else", x.stateOf(kept, node.AsShown), node.PictureKept)
	shown, err = x.IsShown(x.ctx, a.IRI)
	x.ok(err)
	check(x, "a gone author is shown", shown, false)

	x.write(func(tx node.Tx) error { return tx.Sweep(x.ctx, noon) })
	check(x, "picture of nothing that is there", x.stateOf(strayed, node.AsShown), node.PictureState(""))
	check(x, "picture of a post", x.stateOf(kept, node.AsShown), node.PictureKept)
	check(x, "files to go", len(x.wasted()), 3)

	b := x.person("b.example", "bo", false)
	x.want(b.IRI, node.AsIcon, noon, cat)
	x.write(func(tx node.Tx) error { _, err := tx.PurgeActor(x.ctx, b.IRI); return err })
	check(x, "icon of a purged actor", x.stateOf(cat, node.AsIcon), node.PictureState(""))
}

func pictureShelf(t *testing.T, x *fixture) {
	name := strings.Repeat("a", 26)
	_, err := x.OpenPicture(name)
	x.wantKind(err, node.NotFound)
	x.ok(x.WritePicture(name, []byte("a picture")))
	f, err := x.OpenPicture(name)
	x.ok(err)
	b, err := io.ReadAll(f)
	x.ok(err)
	x.ok(f.Close())
	check(x, "content", string(b), "a picture")
	list, err := x.PictureFiles()
	x.ok(err)
	if len(list) != 1 || list[0].Name != name || time.Since(list[0].Changed) > time.Hour {
		t.Errorf("files: %+v", list)
	}
	for _, bad := range []string{"", ".", "..", "../coopnode.db", "../master.key", "/etc/passwd", strings.Repeat("A", 26), strings.Repeat("a", 25) + "/", "a/../" + strings.Repeat("a", 21), strings.Repeat("a", 25) + "\x00"} {
		_, err := x.OpenPicture(bad)
		x.wantKind(err, node.Invalid)
		x.wantKind(x.WritePicture(bad, []byte("x")), node.Invalid)
		x.wantKind(x.RemovePicture(bad), node.Invalid)
	}
	x.ok(x.RemovePicture(name))
	x.ok(x.RemovePicture(name))
	_, err = x.OpenPicture(name)
	x.wantKind(err, node.NotFound)
}
