package store

import "context"

const (
	setting    = `select value from setting where key = $1`
	setSetting = `
		insert into setting (key, value) values ($1, $2)
		    on conflict (key) do update set value = excluded.value`
)

// Setting gives what was set for key. NotFound.
func (q questions) Setting(ctx context.Context, key string) (value string, err error) {
	err = q.on(ctx, func(c *conn) error { return c.row(setting, key).Scan(&value) })
	return value, sqliteError("read setting", key, err)
}

// SetSetting keeps value for key.
func (t tx) SetSetting(_ context.Context, key, value string) error {
	_, err := t.c.exec(setSetting, key, value)
	return sqliteError("save setting", key, err)
}
