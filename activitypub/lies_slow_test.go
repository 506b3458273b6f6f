package activitypub_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coopnode/coopnode/activitypub"
	"github.com/coopnode/coopnode/activitypub/aptest"
)

// patience is what a node in a hurry has, and drip how long the pauses of its peers are.
const (
	patience = 500 * time.Millisecond
	drip     = 50 * time.Millisecond
)

// dripping writes a little at a time until the other side has had enough.
func dripping(w http.ResponseWriter, r *http.Request, text string) {
	out := http.NewResponseController(w)
	for i := 0; ; i++ {
		if _, err := io.WriteString(w, text[i%len(text):i%len(text)+1]); err != nil || out.Flush() != nil {
			return
		}
		select {
		case <-r.Context().Done():
			return
		case <-time.After(drip):
		}
	}
}

// slowAnswers are servers that take their time. Each byte comes soon enough; the whole never does (OUT-1, OUT-2).
func slowAnswers() map[string]http.HandlerFunc {
	return map[string]http.HandlerFunc{
		"says nothing": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"says only its headers": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/activity+json")
			w.WriteHeader(http.StatusOK)
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		},
		"drips its document": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/activity+json")
			dripping(w, r, " ")
		},
		"drips its headers": func(w http.ResponseWriter, r *http.Request) {
			c, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				return
			}
			defer c.Close()
			io.WriteString(c, "HTTP/1.1 200 OK\r\n")
			for i := 0; ; i++ {
				if _, err := fmt.Fprintf(c, "X-%d: a\r\n", i); err != nil {
					return
				}
				time.Sleep(drip)
			}
		},
	}
}

// A server that is slow on purpose is given up, whatever it drips, and what depended on it has no effect; a key that cannot
// be had is no wrong signature (OUT-2, SIG-8).
func TestSlowStrangers(t *testing.T) {
	s := newScene(t)
	activitypub.Hurry(s.Wire, patience)
	for name, answer := range inOrder(slowAnswers()) {
		key := s.answer("a key whose home "+name, 4, func(*aptest.Stranger, *aptest.Person) http.HandlerFunc { return answer })
		key.status = http.StatusServiceUnavailable
		note := s.shared("a note whose home "+name, 4, func(*aptest.Stranger, m) http.HandlerFunc { return answer })
		note.putOff = true
		for i, l := range []lie{key, note} {
			t.Run(l.name, func(t *testing.T) {
				defer s.on(t)()
				s.tell(i, l)
			})
		}
	}
}

// A letter that drips in is ended by the server's own limits, which serve sets (HTTP-1), and nothing of it is kept.
func TestSlowLetters(t *testing.T) {
	s := newScene(t)
	front := httptest.NewUnstartedServer(s.Node)
	front.Config.ReadTimeout, front.Config.ReadHeaderTimeout = patience, patience
	front.Start()
	defer front.Close()
	_, port, _ := strings.Cut(strings.TrimPrefix(front.URL, "http://"), ":")
	for name, end := range inOrder(map[string]func([]byte) []byte{
		"half a letter":       func(b []byte) []byte { return b[:len(b)-20] },
		"headers without end": func(b []byte) []byte { return b[:strings.Index(string(b), "\r\n\r\n")] },
		"a chunk that is not all": func(b []byte) []byte {
			head, body, _ := strings.Cut(string(b), "\r\n\r\n")
			return fmt.Appendf(nil, "%s\r\n\r\nfffff\r\n%s", strings.Replace(head, "Content-Length: ", "Transfer-Encoding: chunked\r\nX-Length: ", 1), body)
		},
		"a request line alone": func([]byte) []byte { return []byte("POST /ap/inbox HTTP/1.1\r\n") },
	}) {
		t.Run(name, func(t *testing.T) {
			defer s.on(t)()
			a := s.ben.Post("http://127.0.0.1:"+port+"/ap/inbox", s.ben.Do("Like", s.post.IRI), func(l *aptest.Letter) {
				l.Host, l.Raw = s.Links.Host(), end
			})
			if a.Status == http.StatusAccepted || a.Status >= http.StatusInternalServerError {
				t.Errorf("answered %d, want a refusal or a closed connection", a.Status)
			}
			s.Handled()
			s.wantSame(lie{by: s.ben})
		})
	}
}
