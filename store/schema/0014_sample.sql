-- +goose Up

-- Invented coops (coopnode import): kept apart, for nothing is ever asked of their hosts.
alter table actor add column sample boolean not null default false;
create index actor_sample on actor (iri) where sample;
