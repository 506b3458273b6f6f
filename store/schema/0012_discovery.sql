-- +goose Up

-- Who is listed where: whom a coop follows, whom a federation has as members.
create table sighting (
  through text not null, -- whose list it is
  how     text not null, -- following, members
  actor   text not null, -- who stands there
  at_ms   bigint not null, -- when it was seen there first
  primary key (through, how, actor)
);
create index sighting_actor on sighting (actor, at_ms);

-- Actors that stood in a list and were asked who they are.
create table look (
  actor    text primary key,
  found    text not null,   -- coop, other; '' while nothing was found
  failures bigint not null, -- in a row
  at_ms    bigint not null, -- when it was asked last
  due_ms   bigint not null  -- when it may be asked again
);
create index look_at on look (at_ms);

-- The lists of those we follow are read once a day from now on.
insert into task (kind, subject, due_ms, attempts, data)
select 'discover', actor, 0, 0, '' from followed where state = 'accepted'
    on conflict do nothing;
