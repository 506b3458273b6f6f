-- +goose Up

-- The outboxes of those we follow are read once a day from now on.
insert into task (kind, subject, due_ms, attempts, data)
select 'backfill', actor, 0, 0, '' from followed where state = 'accepted'
    on conflict do nothing;
