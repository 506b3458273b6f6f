-- +goose Up

-- What became of our letters in each hour of the clock: the delivery page draws it. Kept as long as strangers are.
create table delivery_hour (
  hour_ms bigint primary key, -- when it begins
  arrived bigint not null,    -- at the first try
  retried bigint not null,    -- at a later one
  ended   bigint not null     -- without arriving
);
