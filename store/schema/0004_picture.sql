-- +goose Up

-- Our copies of pictures. The address is where the owner keeps the original.
create table picture (
  address  text not null,
  purpose  text not null, -- icon or shown: how large the copy is
  host     text not null, -- of the address
  state    text not null, -- wanted, kept or failed
  local    boolean not null,
  name     text not null, -- of the file, '' while there is none
  type     text not null,
  width    bigint not null,
  height   bigint not null,
  bytes    bigint not null,
  due_ms   bigint not null,
  attempts bigint not null,
  reason   text not null,
  used_ms  bigint not null,
  primary key (address, purpose)
);
create unique index picture_name on picture (name) where name <> '';
create index picture_due on picture (due_ms, address, purpose) where state = 'wanted';
create index picture_host on picture (host, due_ms, address, purpose) where state = 'wanted';
create index picture_kept on picture (used_ms, address, purpose, bytes) where state = 'kept' and not local;

-- Which object or actor shows a picture. One that nobody shows any more goes.
create table picture_use (
  owner   text not null,
  purpose text not null,
  address text not null,
  primary key (owner, purpose, address)
);
create index picture_use_address on picture_use (address, purpose);

-- Files whose row is gone and that have to go too. The note outlives a crash.
create table picture_waste (
  name text primary key
);
