package store

import (
	"context"
	"encoding/json"

	"github.com/coopnode/coopnode/node"
)

const (
	reportByID  = `select data from report where id = $1`
	openReports = `select count(*) from report where local = $1 and closed_ms = 0`
	saveReport  = `
		insert into report (id, local, actor, host, subject, at_ms, closed_ms, data)
		values ($1, $2, $3, $4, $5, $6, $7, $8)
		    on conflict (id) do update set
		       at_ms = excluded.at_ms, closed_ms = excluded.closed_ms, data = excluded.data`
)

// Report gives a report by its id. NotFound.
func (q questions) Report(ctx context.Context, id string) (r *node.Report, err error) {
	err = q.on(ctx, func(c *conn) error {
		r, err = scanReport(c.row(reportByID, id))
		return err
	})
	return r, sqliteError("read report", id, err)
}

// Reports lists the reports that match q, newest first.
func (q questions) Reports(ctx context.Context, query node.ReportQuery) (list []*node.Report, err error) {
	text, args := reports(query)
	err = q.on(ctx, func(c *conn) error {
		return c.each(func(r rowScanner) error {
			report, err := scanReport(r)
			list = append(list, report)
			return err
		}, text, args...)
	})
	return list, sqliteError("list reports", "", err)
}

// CountOpenReports counts the complaints about us that are not closed.
func (q questions) CountOpenReports(ctx context.Context) (count int, err error) {
	err = q.on(ctx, func(c *conn) error { return c.row(openReports, false).Scan(&count) })
	return count, sqliteError("count reports", "", err)
}

// reports is the question of Reports.
func reports(query node.ReportQuery) (string, []any) {
	f := &filter{}
	f.and("local = " + f.arg(query.Local))
	if query.Host != "" {
		f.and("host = " + f.arg(query.Host))
	}
	if query.Actor != "" {
		f.and("actor = " + f.arg(query.Actor))
	}
	if query.Subject != "" {
		f.and("subject = " + f.arg(query.Subject))
	}
	if query.Open {
		f.and("closed_ms = 0")
	}
	return "select data from report" + f.where() + " order by at_ms desc, id desc limit " + f.arg(limitOr(query.Limit, 40, 200)), f.args
}

// SaveReport keeps a report by its id. Who complains of what stays as it was first.
func (t tx) SaveReport(_ context.Context, r *node.Report) error {
	data, err := encode(r)
	if err != nil {
		return err
	}
	_, err = t.c.exec(saveReport, r.ID, r.Local, r.Actor, node.HostOf(r.Actor), r.Subject(), ms(r.At), ms(r.Closed), data)
	return sqliteError("save report", r.ID, err)
}

func scanReport(r rowScanner) (*node.Report, error) {
	var data []byte
	if err := r.Scan(&data); err != nil {
		return nil, err
	}
	var report node.Report
	if err := json.Unmarshal(data, &report); err != nil {
		return nil, damaged("read report", "", err)
	}
	return &report, nil
}
