package activitypub

import (
	"bytes"
	"encoding/json"
)

// orderedMap is a JSON object whose keys keep their order: Mastodon takes the first key of
// contentMap for the language of a post (interop.md 3.3).
type orderedMap []pair

type pair struct{ key, value string }

// MarshalJSON writes the pairs in their order.
func (m orderedMap) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, p := range m {
		if i > 0 {
			b.WriteByte(',')
		}
		k, err := json.Marshal(p.key)
		if err != nil {
			return nil, err
		}
		v, err := json.Marshal(p.value)
		if err != nil {
			return nil, err
		}
		b.Write(k)
		b.WriteByte(':')
		b.Write(v)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}
