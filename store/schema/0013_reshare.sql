-- +goose Up

-- What members of this federation offer, and whether it is passed on (decisions 17).
create table reshare (
  object    text primary key,
  actor     text not null,   -- who published it
  kind      text not null,
  state     text not null,
  since_ms  bigint not null, -- when it came into this state
  due_ms    bigint not null, -- when to look at it again by the clock; 0 for never
  passed_ms bigint not null, -- when it was last passed on; 0 for never
  times     bigint not null, -- how often on that day
  by_who    text not null    -- the person who decided about it, '' where none did
);
create index reshare_due on reshare (due_ms) where due_ms > 0;
create index reshare_state on reshare (state, since_ms, object);
create index reshare_actor on reshare (actor, passed_ms);
