-- +goose Up

create table rule (
  target         text not null, -- a host, the address of an actor, or * for everybody
  allow          boolean not null,
  severity       text not null,
  reject_media   boolean not null,
  reject_reports boolean not null,
  comment        text not null,
  public_comment text not null,
  by_who         text not null,
  since_ms       bigint not null,
  primary key (target, allow)
);

-- What the rules say of the actor to whom a row belongs: 0 nothing, 1 limited, 2 refused.
alter table actor add column hidden bigint not null default 0;
alter table object add column hidden bigint not null default 0;
alter table reaction add column hidden bigint not null default 0;
alter table timeline add column hidden bigint not null default 0;

create index reaction_count on reaction (object, verb, hidden);
