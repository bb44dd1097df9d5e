import type { SqlSession } from '@soma/kernel'

/** A database that can be told to take no dead letters of a group. */
export const refusedBurialsMigration = {
  id: 'refusals/0001_refusals',
  sql: `
create schema refusals;
grant usage on schema refusals to soma_bus;
create table refusals.refused (grp text primary key);
grant select, insert, delete on refusals.refused to soma_bus;
create function refusals.refuse() returns trigger language plpgsql as $$ begin
  if exists (select from refusals.refused where grp = new.grp) then raise exception 'no room for dead letters'; end if;
  return new;
end $$;
create trigger refuse before insert on events.dead_letter for each row execute function refusals.refuse();
`,
}

export const refuseBurials = (session: SqlSession, group: string): Promise<number> =>
  session.execute('insert into refusals.refused (grp) values ($1)', [group])

export const allowBurials = (session: SqlSession, group: string): Promise<number> =>
  session.execute('delete from refusals.refused where grp = $1', [group])
