-- +goose Up

-- Secrets besides the private keys, sealed as they are: the password at the mail server, the key of the webhook.
create table secret (
  id     text primary key,
  sealed bytea not null
);

-- How a person wants to hear of what; a kind that is not here is as it is for all.
create table notice_choice (
  person text not null references person (id) on delete cascade,
  kind   text not null,
  choice text not null, -- now, daily, never
  primary key (person, kind)
);

-- What people and the webhook are told: what waits, and what became of it.
create table notice (
  id         text primary key,
  recipient  text not null,   -- id of a person, or webhook
  person     text references person (id) on delete cascade, -- null for the webhook
  kind       text not null,
  about      text not null,   -- address or id of what it tells of
  actor      text not null,   -- who did it, '' for nobody
  day        text not null,   -- of the digest in which it goes, '' for at once
  made_ms    bigint not null,
  due_ms     bigint not null, -- when it goes, or is tried next
  expires_ms bigint not null,
  attempts   bigint not null,
  state      text not null,   -- waiting, sent, refused, given-up, moot
  reason     text not null,   -- why the last attempt failed
  ended_ms   bigint not null, -- 0 while it waits
  sealed     bytea            -- the link that a mail brings, while it waits
);
create unique index notice_once on notice (recipient, kind, about);
create index notice_made on notice (made_ms, id);
create index notice_recent on notice (recipient, kind, made_ms);
create index notice_state on notice (recipient, kind, state);
create index notice_due on notice (due_ms) where state = 'waiting';
create index notice_due_of on notice (recipient, due_ms) where state = 'waiting';
create index notice_ended on notice (ended_ms) where ended_ms > 0;
create index notice_person on notice (person);
create index notice_sealed on notice (id) where sealed is not null;
