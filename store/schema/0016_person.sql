-- +goose Up

-- Who may work here in the coop's name.
create table person (
  id           text primary key,
  name         text not null,
  name_key     text not null unique, -- the name as it is compared
  mail         text not null,
  mail_key     text not null,        -- the address as it is compared
  lang         text not null,
  role         text not null,
  password     text not null,        -- encoded Argon2id, '' for none
  created_ms   bigint not null,
  joined_ms    bigint not null,      -- 0 while only invited
  last_seen_ms bigint not null,
  suspended_ms bigint not null       -- 0 while not
);
create unique index person_mail on person (mail_key) where mail_key <> '';

-- Who is signed in. The token is in the browser alone.
create table session (
  id           text primary key,
  sum          text not null unique, -- SHA-256 of the token, hexadecimal
  person       text not null references person (id) on delete cascade,
  created_ms   bigint not null,
  seen_ms      bigint not null,
  ends_ms      bigint not null,
  confirmed_ms bigint not null,
  agent        text not null,
  flash        text not null
);
create index session_person on session (person);
create index session_ends on session (ends_ms);

-- Links that work once.
create table pass (
  sum        text primary key, -- SHA-256 of the token, hexadecimal
  kind       text not null,
  person     text references person (id) on delete cascade, -- null for one who is not known yet
  expires_ms bigint not null,
  by_who     text not null
);
create index pass_person on pass (person);
create index pass_expires on pass (expires_ms);

-- Who did what. What it tells stays when the person goes, hence no reference.
create table audit (
  seq     bigint primary key, -- its order; a time in microseconds that always grows
  at_ms   bigint not null,
  person  text not null,      -- '' for a command
  name    text not null,
  action  text not null,
  subject text not null,
  text    text not null
);
create index audit_person on audit (person, seq) where person <> '';
