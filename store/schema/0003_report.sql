-- +goose Up

-- What a steward took off the public pages. An object that is hidden is not listed either.
alter table object add column hidden_ms bigint not null default 0; -- 0 while it is shown
alter table object add column hidden_by text not null default '';

-- Posts of others that concern us, and how far our people are with each.
create table remark (
  object text primary key references object (id) on delete cascade,
  thread text not null,          -- address of the object at the root of the conversation
  why    text not null,
  state  text not null,
  at_ms  bigint not null,
  seq    bigint not null unique  -- order of arrival
);
create index remark_thread on remark (thread, seq);
create index remark_state on remark (state, seq);

-- Complaints about us, and ours about others.
create table report (
  id        text primary key,
  local     boolean not null, -- ours
  actor     text not null,
  host      text not null,    -- of actor
  subject   text not null,    -- all that it is about, in one line: the same twice is one report
  at_ms     bigint not null,
  closed_ms bigint not null,  -- 0 while it is open
  data      text not null
);
create index report_at on report (local, at_ms, id);
create index report_host on report (local, host, closed_ms, at_ms, id);
