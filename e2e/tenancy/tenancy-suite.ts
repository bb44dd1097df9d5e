import type { Database } from '@soma/kernel'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { allMigrations } from './all-migrations.ts'
import { hasTenantRows, readPowerfulRoles, readTables, type Table } from './catalog.ts'
import { missingFences } from './fences.ts'
import { findLeaks, readableByOwn } from './probes.ts'
import { seed } from './seed.ts'

export interface TenancySubject {
  readonly name: string
  /** Opens an EMPTY database. */
  open(): Promise<Database>
}

const FENCE = `(tenant_id = current_setting('soma.tenant_id', true))`
const enable = (name: string) =>
  `alter table planted.${name} enable row level security; alter table planted.${name} force row level security;`

/** Tables whose fence has a hole, and what the suite must say of each. */
const holes: Readonly<Record<string, { readonly sql: string; readonly found: readonly RegExp[] }>> = {
  bare: {
    sql: '',
    found: [/has no row-level security/, /of another tenant reached 1 by select/, /by insert$/, /by delete/],
  },
  unforced: {
    sql: `alter table planted.unforced enable row level security; create policy p on planted.unforced using ${FENCE}`,
    found: [/does not force/],
  },
  unpoliced: { sql: enable('unpoliced'), found: [/has no policy/] },
  open: { sql: `${enable('open')} create policy p on planted.open using (true)`, found: [/of no tenant reached/] },
  unchecked: {
    sql: `${enable('unchecked')} create policy p on planted.unchecked using ${FENCE} with check (true)`,
    found: [/of another tenant reached 1 by insert$/, /reached 1 by move into another tenant/],
  },
  app_only: {
    sql: `${enable('app_only')} create policy p on planted.app_only to soma_app using ${FENCE}; create policy w on planted.app_only to soma_worker using (true)`,
    found: [/soma_worker of another tenant reached 1 by select/],
  },
  emptied: {
    sql: `${enable('emptied')} create policy p on planted.emptied using ${FENCE}; grant truncate on planted.emptied to soma_worker`,
    found: [/may be emptied by soma_worker/],
  },
  by_user: {
    sql: `${enable('by_user')} create policy p on planted.by_user using ${FENCE};
      create policy u on planted.by_user to soma_app using (${FENCE} and user_id = current_setting('soma.user_id', true))`,
    found: [/soma_app of another user reached 1 by select/],
  },
}

const plantedSql = Object.entries(holes).map(
  ([
    name,
    { sql },
  ]) => `create table planted.${name} (id uuid primary key, tenant_id text not null, user_id text not null);
    grant select, insert, update, delete on planted.${name} to soma_app, soma_worker; ${sql};`,
)
const planted = `create schema planted; grant usage on schema planted to soma_app, soma_worker;
  ${plantedSql.join('\n')} create table planted.tenantless (id uuid primary key);`

/** Registers the raw SQL suite over every table of the live schema. */
export function tenancySuite(subject: TenancySubject): void {
  describe(`tenants on ${subject.name}`, () => {
    let database: Database
    let tables: Table[] = []
    let guarded: Table[] = []
    beforeAll(async () => {
      database = await subject.open()
      await database.migrate(allMigrations())
      tables = await readTables(database)
      guarded = tables.filter(hasTenantRows)
      await seed(database, tables.filter(({ isPartition }) => !isPartition).filter(hasTenantRows))
    }, 120_000)
    afterAll(() => database.close())

    it('IDN-R63 every table of the live schema has a forced fence, or is listed as a table of the platform', () => {
      expect(missingFences(tables)).toEqual([])
    })

    it('IDN-R63 the roles that serve own nothing and stand under row-level security', async () => {
      expect(await readPowerfulRoles(database)).toEqual([])
    })

    it('IDN-R63 raw SQL reaches no row of another tenant, of another user, or of anybody without a tenant', async () => {
      expect(await findLeaks(database, guarded)).toEqual([])
    }, 120_000)

    it('finds rows to protect in every table that somebody may read', async () => {
      const readable = await readableByOwn(database, guarded)
      const reachable = guarded.filter(({ reachableBy }) => reachableBy.some((role) => /app|worker/.test(role)))
      expect(reachable.map(({ name }) => name).filter((name) => !readable.includes(name))).toEqual([])
    })

    it('turns red for a table without its fence', async () => {
      await database.migrate([{ id: 'planted/0001.sql', sql: planted }])
      const found = (await readTables(database)).filter(({ name }) => name.startsWith('planted.'))
      const fenced = found.filter(hasTenantRows)
      await seed(database, fenced)
      const complaints = [...missingFences(found), ...(await findLeaks(database, fenced))]
      for (const [name, { found: expected }] of Object.entries(holes))
        for (const pattern of expected)
          expect(complaints.filter((line) => line.startsWith(`planted.${name}: `)).join('\n')).toMatch(
            new RegExp(pattern.source, 'm'),
          )
      expect(complaints).toContain('planted.tenantless: has no tenant_id and is no platform table')
    }, 60_000)
  })
}
