-- +goose Up

create table setting (
  key   text primary key,
  value text not null
);

-- Private keys, sealed with the master key that is kept beside the database (KEY-2).
create table own_key (
  id     text primary key,
  sealed bytea not null
);

create table actor (
  iri          text primary key,
  handle       text not null, -- lower case
  host         text not null, -- lower case
  local        boolean not null,
  is_coop      boolean not null,
  key_id       text not null,
  key_pem      text not null,
  inbox        text not null,
  inbox_host   text not null,
  mailbox      text not null, -- the shared inbox where there is one, else the inbox
  mailbox_host text not null,
  fetched_ms   bigint not null,
  gone_ms      bigint not null, -- 0 while it is there
  data         text not null,
  raw          bytea
);
create index actor_handle on actor (handle, host);
create index actor_key on actor (key_id) where key_id <> '';
create index actor_inbox on actor (inbox);
create index actor_mailbox on actor (mailbox);
create index actor_coop on actor (is_coop) where is_coop;
create index actor_local on actor (local) where local;

create table object (
  id           text primary key,
  iri          text not null unique,
  type         text not null,
  actor        text not null,
  local        boolean not null,
  audience     text not null,
  listed       boolean not null, -- public or unlisted
  draft        boolean not null,
  in_reply_to  text not null,
  thread       text not null,
  project      text not null,
  kind         text not null, -- of an opening
  status       text not null, -- of an opening
  closes_ms    bigint not null,
  published_ms bigint not null,
  updated_ms   bigint not null,
  received_ms  bigint not null,
  deleted_ms   bigint not null,
  url          text not null,
  version      bigint not null, -- grows with each lock and change
  data         text not null,
  raw          bytea
);
create index object_type on object (type, published_ms, id);
create index object_actor on object (actor, type, published_ms, id);
create index object_local on object (type, published_ms, id) where local;
create index object_status on object (type, status, published_ms, id, closes_ms);
create index object_deadline on object (type, status, closes_ms) where local and closes_ms > 0;
create index object_project on object (project, type, status, published_ms, id) where project <> '';
create index object_reply on object (in_reply_to, published_ms, id) where in_reply_to <> '';
create index object_thread on object (thread, published_ms, id) where thread <> '';
create index object_url on object (url) where url <> '';

create table object_tag (
  tag    text not null, -- lower case, without #
  object text not null references object (id) on delete cascade,
  primary key (tag, object)
);
create index object_tag_object on object_tag (object);

create table object_skill (
  skill  text not null,
  object text not null references object (id) on delete cascade,
  primary key (skill, object)
);
create index object_skill_object on object_skill (object);

create table reaction (
  object text not null,
  verb   text not null,
  actor  text not null,
  iri    text not null,
  at_ms  bigint not null,
  primary key (object, verb, actor)
);
create index reaction_actor on reaction (actor, iri);

-- Who has shown that it holds an object of ours (decisions 16).
create table reader (
  object text not null,
  actor  text not null,
  at_ms  bigint not null,
  primary key (object, actor)
);
create index reader_age on reader (object, at_ms);
create index reader_actor on reader (actor);

create table follower (
  actor      text primary key,
  seq        bigint not null unique, -- order of arrival
  state      text not null,
  follow_iri text not null,
  since_ms   bigint not null
);

create table followed (
  actor      text primary key,
  seq        bigint not null unique,
  state      text not null,
  follow_iri text not null,
  since_ms   bigint not null
);

create table timeline (
  object text not null,
  actor  text not null,
  verb   text not null,
  iri    text not null,
  at_ms  bigint not null,
  seq    bigint not null unique, -- tells two of the same moment apart
  primary key (object, actor, verb)
);
create index timeline_at on timeline (at_ms, seq);
create index timeline_actor on timeline (actor, iri);

-- Acts of ours: the bytes that are sent and served.
create table act (
  seq     bigint primary key,
  iri     text not null unique,
  verb    text not null,
  object  text not null,
  listed  boolean not null,
  served  boolean not null,
  at_ms   bigint not null,
  by_who  text not null,
  queued  bigint not null default 0, -- deliveries made
  reached bigint not null default 0, -- of those, the ones that arrived
  refused bigint not null default 0, -- and those that ended without arriving
  raw     bytea not null
);
create index act_listed on act (seq) where listed;
create index act_object on act (object, seq);

-- What others sent us and the desk has not handled yet.
create table letter (
  seq           bigint primary key, -- order of arrival
  iri           text not null unique,
  actor         text not null,
  host          text not null,
  object        text not null,
  verb          text not null,
  received_ms   bigint not null,
  attempts      bigint not null default 0,
  not_before_ms bigint not null default 0,
  reason        text not null default '',
  raw           bytea not null
);
create index letter_put_off on letter (host, object, seq) where not_before_ms > 0;

-- Ids of letters that have been handled, 90 days (Q-3).
create table seen (
  iri    text primary key,
  actor  text not null,
  undone boolean not null,
  at_ms  bigint not null
);
create index seen_at on seen (at_ms);

-- One letter to one inbox. The row goes when the letter has arrived or ended (Q-2).
create table delivery (
  host          text not null,
  act           bigint not null references act (seq),
  inbox         text not null,
  object        text not null,
  attempts      bigint not null default 0,
  not_before_ms bigint not null default 0,
  created_ms    bigint not null,
  reason        text not null default '',
  primary key (host, act, inbox)
);
create index delivery_put_off on delivery (host, inbox, object, act) where not_before_ms > 0;

create table peer (
  host           text primary key,
  due_ms         bigint, -- null: nothing waits
  owner          text not null default '',
  lease_until_ms bigint not null default 0,
  failures       bigint not null default 0,
  reason         text not null default '',
  last_ok_ms     bigint not null default 0
);
create index peer_healthy on peer (due_ms) where failures = 0 and due_ms is not null;
create index peer_failing on peer (due_ms) where failures > 0 and due_ms is not null;
create index peer_owner on peer (owner) where owner <> '';

create table task (
  kind     text not null,
  subject  text not null,
  due_ms   bigint not null,
  attempts bigint not null,
  data     text not null,
  primary key (kind, subject)
);
create index task_due on task (due_ms);
