-- A built context begins with the newest summaries, which are few among all that is kept.
create index facts_summaries on memory.facts (tenant_id, scope_key, recorded_at, id) where form = 'summary';
create index episodes_summaries on memory.episodes (tenant_id, scope_key, occurred_at, seq) where role = 'summary';
