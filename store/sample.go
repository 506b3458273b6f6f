package store

import "context"

const sampleActors = `select iri from actor where sample order by iri`

// SampleActors lists the addresses of all invented actors.
func (q questions) SampleActors(ctx context.Context) (list []string, err error) {
	err = q.on(ctx, func(c *conn) error {
		return c.each(func(r rowScanner) error {
			var iri string
			err := r.Scan(&iri)
			list = append(list, iri)
			return err
		}, sampleActors)
	})
	return list, sqliteError("list samples", "", err)
}
