create schema notes;
grant usage on schema notes to soma_app, soma_worker;

create table notes.notes (tenant_id text not null, id uuid not null, text text not null, version int4 not null default 1, primary key (tenant_id, id));
create table notes.echoes (tenant_id text not null, id uuid not null, note_id uuid not null, text text not null, primary key (tenant_id, id));

do $$
declare named text;
begin
  foreach named in array array['notes.notes', 'notes.echoes'] loop
    execute format('alter table %s enable row level security', named);
    execute format('alter table %s force row level security', named);
    execute format('create policy tenant on %s for all to soma_app, soma_worker using (tenant_id = (select runtime.tenant())) with check (tenant_id = (select runtime.tenant()))', named);
    execute format('grant select, insert, update, delete on %s to soma_app, soma_worker', named);
  end loop;
end $$;
