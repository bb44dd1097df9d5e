-- the delivery stream that the instance opened last, and since when it is broken without any sign of life after
alter table registry.instances add column stream_id text;
alter table registry.instances add column suspect_since timestamptz;
