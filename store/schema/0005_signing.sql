-- +goose Up

-- A key that was replaced still signs the letters of acts up to last_act, at the first try (KEY-3).
alter table own_key add column made_ms bigint not null default 0;
alter table own_key add column replaced_ms bigint not null default 0;
alter table own_key add column last_act bigint not null default 0;

-- In which form of signature a peer wants to be asked, as far as that was learned (decisions 21).
create table peer_form (
  host       text primary key,
  form       text not null,   -- "" where no form was believed
  since_ms   bigint not null, -- when it was learned
  knocked_ms bigint not null  -- when another form was last tried
);
create index peer_form_age on peer_form (since_ms);
