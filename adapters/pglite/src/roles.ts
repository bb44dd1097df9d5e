/**
 * Makes the platform's roles where they are missing. `soma_session` is who PGlite's only session becomes after boot:
 * it inherits nothing, so a session that loses its role can read nothing. `pg_maintain` lets the scheduled VACUUM reach the catalogs.
 * Only a superuser may make pgvector, which memory needs, so it is made here.
 */
export const rolesScript = `
do $roles$
declare name text;
begin
  foreach name in array array['soma_owner', 'soma_app', 'soma_worker', 'soma_bus', 'soma_scheduler'] loop
    if not exists (select from pg_roles where rolname = name) then
      execute format('create role %I nologin nosuperuser nobypassrls', name);
    end if;
  end loop;
  if not exists (select from pg_roles where rolname = 'soma_session') then
    create role soma_session login nosuperuser nobypassrls noinherit;
    grant soma_owner, soma_app, soma_worker, soma_bus, soma_scheduler to soma_session;
  end if;
  execute format('grant create, temporary on database %I to soma_owner', current_database());
  execute format('revoke temporary on database %I from public', current_database());
  revoke create on schema public from public;
  grant pg_maintain to soma_owner;
  create extension if not exists vector schema public;
end $roles$`
