-- signs of life of all tenants are written in one statement: it sees who is meant and moves leases, nothing else
create policy beating on registry.instances for update to soma_scheduler using (true) with check (true);
grant select (agent_id, instance_id, principal_id, digest, health, health_detail, load, stream_id, suspect_since, last_seen_at)
  on registry.instances to soma_scheduler;
grant update (last_seen_at, expires_at, load, stream_id, suspect_since) on registry.instances to soma_scheduler;
create policy beating on registry.agents for select to soma_scheduler using (true);
grant select (tenant_id, space_id, id, name) on registry.agents to soma_scheduler;
