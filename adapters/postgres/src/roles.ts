import type { ClientBase, DatabaseError } from 'pg'
import { postgresProblems } from './problems.ts'

/**
 * Makes the roles where they are missing and lets the login switch to them. Roles belong to the whole server, so two processes on two
 * databases may run this at once: what another made meanwhile counts as made. Changes nothing when all is there, so a login without
 * rights passes once an administrator has prepared it. The extension pgvector is made where the server has it and the login may: what needs
 * it (memory) says at its migration that it is missing.
 */
const ROLES_SCRIPT = `
do $roles$
declare name text;
begin
  foreach name in array array['soma_owner', 'soma_app', 'soma_worker', 'soma_bus', 'soma_scheduler', 'soma_nobody'] loop
    if not exists (select from pg_roles where rolname = name) then
      begin
        execute format('create role %I nologin nosuperuser nobypassrls', name);
      exception when duplicate_object or unique_violation then null;
      end;
    end if;
    if not pg_has_role(current_user, name, 'member') then
      execute format('grant %I to %I', name, current_user);
    end if;
  end loop;
  if not has_database_privilege('soma_owner', current_database(), 'create') then
    execute format('grant create on database %I to soma_owner', current_database());
  end if;
  if not exists (select from pg_extension where extname = 'vector')
    and exists (select from pg_available_extensions a where a.name = 'vector') then
    begin
      create extension vector schema public;
    exception when insufficient_privilege or duplicate_object or unique_violation then null;
    end;
  end if;
end $roles$`

const CONCURRENT_UPDATE = 'XX000'
const INSUFFICIENT_PRIVILEGE = '42501'
const ATTEMPTS = 5

const codeOf = (error: unknown): string | undefined => (error as Partial<DatabaseError>).code

/** Raises `database-roles-missing` when roles are missing and the login may not make them. */
export async function ensureRoles(client: ClientBase): Promise<void> {
  for (let attempt = 1; ; attempt += 1)
    try {
      await client.query(ROLES_SCRIPT)
      return
    } catch (error) {
      if (codeOf(error) === INSUFFICIENT_PRIVILEGE)
        throw postgresProblems.rolesMissing.create(`The server refused: ${(error as Error).message}`, { cause: error })
      if (codeOf(error) !== CONCURRENT_UPDATE || attempt === ATTEMPTS) throw error
    }
}
