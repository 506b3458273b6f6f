-- +goose Up

-- What each step of the schema was when it was applied. A step that is another one now is refused (DB-5).
create table schema_sum (
  version bigint primary key,
  sha256  text not null -- of its file, hexadecimal
);

-- What others published, in the order in which it came: what nobody uses any more is found there (DB-7).
create index object_foreign on object (received_ms) where not local;
