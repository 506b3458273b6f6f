-- +goose Up

-- Lists that are read again and again without following anybody.
create table subscription (
  source  text primary key, -- who brings what stands there: an actor, or the list where it is nobody's outbox
  list    text not null,    -- the address that is read
  minutes bigint not null,  -- between two readings
  since_ms bigint not null,
  by_who  text not null,
  read_ms bigint not null,  -- when it was last read, 0 for never
  trouble text not null     -- why it cannot be read since then, '' if it can
);
