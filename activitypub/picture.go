package activitypub

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coopnode/coopnode/node"
)

const (
	maxAttachments  = 16   // of one object (security.md 4, LIM)
	maxDescription  = 1500 // characters
	acceptPictures  = "image/webp, image/png, image/jpeg, image/gif"
	picturesPoll    = 5 * time.Second
	picturesTidy    = time.Hour
	picturesAtOnce  = 4 // one of each host
	pictureTimeLeft = 2 * time.Minute
)

// attachmentsIn reads what came with an object, pictures and others: its attachments, what it is itself (Pixelfed and PeerTube
// publish an Image or a Video), and the image of an article, an event or a project.
func attachmentsIn(m map[string]any) (pictures []node.Picture, others []node.Enclosure) {
	hidden, _ := m["sensitive"].(bool)
	list, image := List(m["attachment"]), List(first(m["image"]))
	for _, v := range slices.Concat(list[:min(len(list), maxAttachments)], image[:min(len(image), 1)]) {
		a := Obj(v)
		if contains(Types(a), "PropertyValue") {
			continue
		}
		if p, ok := pictureIn(v); ok {
			own, _ := a["sensitive"].(bool)
			p.Hidden = hidden || own
			if !slices.ContainsFunc(pictures, func(q node.Picture) bool { return q.Address == p.Address }) {
				pictures = append(pictures, p)
			}
		} else if at := anyAddress(v); at != "" {
			others = append(others, node.Enclosure{Address: at, Name: describedIn(a)})
		}
	}
	if contains(Types(m), "Image") {
		if at := addressIn(m["url"], isPicture); at != "" && len(pictures) == 0 {
			pictures = append(pictures, node.Picture{Address: at, Description: describedIn(m), Hidden: hidden})
		}
	}
	return pictures, others
}

// pictureIn reads one picture: an Image, or a Document that says that it is one. What it is in truth its bytes will tell.
func pictureIn(v any) (node.Picture, bool) {
	m := Obj(v)
	switch t := strings.ToLower(Str(m, "mediaType")); {
	case t != "" && !isPicture(t):
		return node.Picture{}, false
	case t == "" && !contains(Types(m), "Image"):
		return node.Picture{}, false
	}
	at := addressIn(m["url"], isPicture)
	if at == "" {
		at = addressIn(m["href"], isPicture)
	}
	return node.Picture{Address: at, Description: describedIn(m)}, at != ""
}

// iconIn reads the picture of an actor: an Image, its bare address, or a list of them with the largest preferred.
func iconIn(v any) node.Picture {
	var best node.Picture
	widest := -1.0
	for _, e := range List(v) {
		p := node.Picture{Address: addressIn(Obj(e)["url"], isPicture), Description: describedIn(Obj(e))}
		if s, ok := e.(string); ok {
			p.Address = addressIn(s, isPicture)
		}
		if width, _ := Num(Obj(e)["width"]); p.Address != "" && width > widest {
			best, widest = p, width
		}
	}
	return best
}

func describedIn(m map[string]any) string {
	s := Str(m, "name")
	if s == "" {
		s = Str(m, "summary")
	}
	return cutText(strings.TrimSpace(s), maxDescription)
}

// isPicture says whether a media type could be one that is shown. SVG is a program and never is.
func isPicture(mediaType string) bool {
	return strings.HasPrefix(mediaType, "image/") && !strings.HasPrefix(mediaType, "image/svg")
}

// addressIn is the address in a url property, a string, a Link or a list of them: the first of a wanted media type, or that
// does not name one.
func addressIn(v any, wanted func(mediaType string) bool) string {
	for _, e := range List(v) {
		s, _ := e.(string)
		if l := Obj(e); l != nil {
			if t := Str(l, "mediaType"); t != "" && !wanted(t) {
				continue
			}
			s = Str(l, "href")
		}
		if isWeb(s) {
			return s
		}
	}
	return ""
}

// anyAddress is where an attachment of any kind leads.
func anyAddress(v any) string {
	anything := func(string) bool { return true }
	if s, ok := v.(string); ok {
		return addressIn(s, anything)
	}
	m := Obj(v)
	if at := addressIn(m["url"], anything); at != "" {
		return at
	}
	return addressIn(m["href"], anything)
}

// pictureOut writes a picture of ours: its address, and what who cannot see it hears. A drawn emblem has no type of its
// own: it is PNG.
func pictureOut(p node.Picture, address string) map[string]any {
	m := map[string]any{"type": "Image", "mediaType": cmp.Or(p.Type, "image/png"), "url": address}
	put(m, "name", p.Description)
	return m
}

// attachmentsOut writes the pictures that something of ours shows.
func attachmentsOut(b *node.Base) (list []any) {
	for _, p := range b.Pictures {
		m := pictureOut(p, p.Address)
		m["width"], m["height"] = p.Width, p.Height
		list = append(list, m)
	}
	return list
}

// pictures fetches copies of what pages show, so that no visitor has to ask another server, and takes away those that
// nobody shows any more. What is wanted stands in the store; nothing is lost when it stops.
type pictures struct {
	w     *Wire
	log   *slog.Logger
	bell  chan struct{}
	every time.Duration // picturesPoll; longer in tests
}

func newPictures(w *Wire) *pictures {
	return &pictures{w: w, log: w.log.With("room", "pictures"), bell: make(chan struct{}, 1), every: picturesPoll}
}

// Wake makes it look for wanted pictures. It never blocks.
func (p *pictures) Wake() {
	select {
	case p.bell <- struct{}{}:
	default:
	}
}

// Run works until ctx ends.
func (p *pictures) Run(ctx context.Context) error {
	tick := time.NewTicker(p.every)
	defer tick.Stop()
	var mended time.Time
	for {
		if now := p.w.node.Now(); now.Sub(mended) >= picturesTidy {
			mended = now
			p.told(ctx, "pictures and their files cannot be compared, trying again", p.w.node.MendPictures(ctx))
		}
		p.told(ctx, "unused pictures cannot be removed, trying again", p.w.node.TidyPictures(ctx))
		if p.round(ctx) {
			p.Wake() // there may be more
		}
		select {
		case <-ctx.Done():
			return nil
		case <-p.bell:
		case <-tick.C:
		}
	}
}

func (p *pictures) told(ctx context.Context, what string, err error) {
	if err != nil && ctx.Err() == nil {
		p.log.Warn(what, "err", err)
	}
}

// round fetches what is due, one of each host side by side, and waits for them. It says whether there was any.
func (p *pictures) round(ctx context.Context) bool {
	due, err := p.w.node.DuePictures(ctx, picturesAtOnce)
	if err != nil {
		return false
	}
	var work sync.WaitGroup
	for _, f := range due {
		work.Go(func() { p.fetch(ctx, f) })
	}
	work.Wait()
	return len(due) > 0 && ctx.Err() == nil
}

// fetch gets one picture and gives it to the node, or notes why it cannot be had.
func (p *pictures) fetch(ctx context.Context, f *node.PictureFile) {
	err := p.get(ctx, f)
	if err == nil || ctx.Err() != nil {
		return
	}
	p.log.Debug("picture not kept", "address", f.Address, "tries", f.Attempts+1, "err", err)
	again := !isDisproof(err) && node.KindOf(err) != node.Invalid
	p.told(ctx, "picture cannot be put off", p.w.node.PictureFails(ctx, f, cut(err.Error(), 256), again))
}

func (p *pictures) get(ctx context.Context, f *node.PictureFile) error {
	rules, err := p.w.node.Policy(ctx)
	if err != nil {
		return err
	}
	if rules.RefusesMedia(f.Address) { // a rule made since it was wanted
		return &unproven{"a rule refuses pictures from there"}
	}
	ctx, cancel := context.WithTimeout(ctx, pictureTimeLeft)
	defer cancel()
	file, err := p.w.client.GetPicture(ctx, f.Address)
	if err != nil {
		return err
	}
	return p.w.node.KeepPicture(ctx, f, file)
}
