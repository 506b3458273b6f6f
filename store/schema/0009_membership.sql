-- +goose Up

-- What two sides say of a coop in a federation, and how far an application or an invitation has come.
create table membership (
  federation  text not null,
  coop        text not null,
  seq         bigint not null unique, -- order in which they became known
  version     bigint not null,        -- grows with each lock and change
  id          text not null,          -- of the record of ours, '' where neither side is ours
  standing    text not null,
  step        text not null,
  join_iri    text not null,
  deadline_ms bigint not null,
  data        text not null,
  primary key (federation, coop)
);
create index membership_federation on membership (federation, standing, seq);
create index membership_coop on membership (coop, seq);
create unique index membership_id on membership (id) where id <> '';
create index membership_join on membership (join_iri) where join_iri <> '';
create index membership_step on membership (step, seq) where step <> '';

-- What a member says of an application, the last word of each.
create table opinion (
  join_iri text not null,
  member   text not null,
  approves boolean not null,
  iri      text not null, -- of the Accept or Reject
  reason   text not null,
  at_ms    bigint not null,
  primary key (join_iri, member)
);
