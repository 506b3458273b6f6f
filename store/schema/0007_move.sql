-- +goose Up

-- Who moved where, and when that was proved: nobody moves again for seven days (interop.md 3.6).
create table moved (
  actor  text primary key,
  target text not null,
  at_ms  bigint not null
);
create index moved_target on moved (target);

-- Quotes of what is ours to which we agreed (FEP-044f).
create table quote (
  iri    text primary key, -- of the stamp
  object text not null,    -- ours
  quote  text not null,    -- the post that quotes it
  actor  text not null,    -- who wrote that
  at_ms  bigint not null,
  unique (object, quote)
);
