-- +goose Up

-- The words and facets of what can be found, folded (fold.go), with spaces between them. SQLite alone has this table; the
-- text itself is not kept. A facet is one word that begins with _.
create virtual table search_text using fts5 (
  title, body, facets,
  content = '', contentless_delete = 1, tokenize = "ascii tokenchars '_'", prefix = '2 3'
);
insert into search_text (search_text, rank) values ('rank', 'bm25(8.0, 1.0, 0.0)');

-- What the index holds of each actor and object. The numbers grow with the time of the last change: the newest first is
-- the order of the index itself.
create table search_doc (
  doc       bigint primary key,
  ref       text not null,   -- its address
  actor     boolean not null,
  facets    text not null,
  sum       text not null,   -- of all that is indexed
  closes_ms bigint not null, -- when an opening that is open closes, 0 if never
  unique (ref, actor)
);
create index search_closes on search_doc (closes_ms) where closes_ms > 0;

-- What an author lends to all that it publishes, where that is something.
create table search_author (
  actor  text primary key,
  facets text not null
);

-- How many coops and federations have a facet.
create table search_facet (
  sort  text not null,
  value text not null,
  coops bigint not null,
  primary key (sort, value)
);
create index search_facet_coops on search_facet (sort, coops);

-- What has changed and is not indexed yet. Whatever changes what pages show notes it here in the same transaction.
create table search_note (
  ref   text not null,
  actor boolean not null,
  primary key (ref, actor)
);
insert into search_note (ref, actor) select iri, true from actor where is_coop;
insert into search_note (ref, actor) select iri, false from object where deleted_ms = 0;
