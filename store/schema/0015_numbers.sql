-- +goose Up

create index actor_host on actor (host) where is_coop;

-- What a federation has passed on, also after it took that back: the numbers of the network are made from it.
create table passed_on (
  federation text not null,
  object     text not null references object (iri) on delete cascade,
  at_ms      bigint not null, -- when it was first passed on
  primary key (federation, object)
);
create index passed_on_object on passed_on (object);
