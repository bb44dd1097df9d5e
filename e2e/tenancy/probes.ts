import type { Database, DatabaseRole, DatabaseScope, SqlSession } from '@soma/kernel'
import type { Table } from './catalog.ts'
import { FOREIGN, insertionOf, OWN } from './seed.ts'

const INSUFFICIENT_PRIVILEGE = '42501'
const CONSTRAINT_VIOLATIONS = '23'
const ROLES = ['soma_app', 'soma_worker'] as const

/** What one statement reached: a number of rows, or a refusal by right or policy. */
type Outcome = number | 'refused'

type Attempt = (session: SqlSession) => Promise<number>

interface Attack {
  readonly attempt: Attempt
  /** How many rows it may reach: those of the attacker's own tenant. */
  readonly allowed: number
}

interface Situation {
  readonly name: string
  readonly scope: Omit<DatabaseScope, 'role'>
  readonly attacks: Readonly<Record<string, Attack>>
}

/**
 * Runs the attempt in a transaction that is always rolled back. A row that only a constraint stopped had passed the fence, so it counts
 * as reached; any other error is the suite's own fault and surfaces.
 */
async function outcomeOf(database: Database, scope: DatabaseScope, attempt: Attempt): Promise<Outcome> {
  const undo = new Error('undo')
  let reached = 0
  try {
    await database.transaction(scope, async (session) => {
      reached = await attempt(session)
      throw undo
    })
  } catch (error) {
    const { code = '' } = error as { code?: string }
    if (code === INSUFFICIENT_PRIVILEGE) return 'refused'
    if (code.startsWith(CONSTRAINT_VIOLATIONS)) return 1
    if (error !== undo) throw error
  }
  return reached
}

const count = (table: Table, condition: string): Attempt => {
  const sql = `select count(*) as rows from ${table.name} where ${condition}`
  return async (session) => (await session.query<{ rows: number }>(sql))[0]?.rows ?? 0
}

const change =
  (sql: string, parameters: readonly unknown[] = []): Attempt =>
  (session) =>
    session.execute(sql, parameters)

function insert(table: Table, tenantId: string | null): Attempt {
  const { sql, parameters } = insertionOf(table, OWN, tenantId)
  return change(sql, parameters)
}

/** Sets a column to itself: one that the role may write, so that the fence answers and not a missing right on another column. */
function touch(table: Table, role: DatabaseRole): Attempt {
  const candidates = table.columns.filter(({ isGenerated }) => !isGenerated)
  const column = candidates.find(({ updatableBy }) => updatableBy.includes(role)) ?? candidates[0]
  return change(`update ${table.name} set "${column?.name}" = "${column?.name}" where ${OWN_ROWS}`)
}

const OWN_ROWS = `tenant_id = '${OWN.tenantId}'`
const nothing = (attempt: Attempt): Attack => ({ attempt, allowed: 0 })

const reads = (table: Table, role: DatabaseRole): Record<string, Attack> => ({
  select: nothing(count(table, OWN_ROWS)),
  update: nothing(touch(table, role)),
  delete: nothing(change(`delete from ${table.name} where ${OWN_ROWS}`)),
})

/** Every way to reach another tenant's row in raw SQL. The move has no condition: with one, Postgres would ask the policies for reading too. */
const attacks = (table: Table, role: DatabaseRole, ownRows: number): Record<string, Attack> => ({
  ...reads(table, role),
  'select without a condition': { attempt: count(table, 'true'), allowed: ownRows },
  insert: nothing(insert(table, OWN.tenantId)),
  'insert for no tenant': nothing(insert(table, null)),
  'move into another tenant': nothing(change(`update ${table.name} set tenant_id = '${OWN.tenantId}'`)),
  'move out of another tenant': nothing(
    change(`update ${table.name} set tenant_id = '${FOREIGN.tenantId}' where ${OWN_ROWS}`),
  ),
})

const guards = (table: Table, role: DatabaseRole, setting: string): boolean =>
  table.policies.some(({ text, roles }) => text.includes(setting) && roles.includes(role))

/** The situations from which a row of OWN must be out of reach. Those of another user or space concern tables that fence them. */
function situationsOf(table: Table, role: DatabaseRole): Situation[] {
  const isPersonal = guards(table, role, 'soma.user_id') || guards(table, role, 'soma.space_id')
  const all: Situation[] = [
    {
      name: 'another tenant',
      scope: { ...FOREIGN, settings: { 'soma.plan_read_all': 'on' } },
      attacks: attacks(table, role, 1),
    },
    { name: 'no tenant', scope: {}, attacks: attacks(table, role, 0) },
    { name: 'only user and space', scope: { ...OWN, tenantId: '' }, attacks: attacks(table, role, 0) },
  ]
  if (!isPersonal) return all
  return [...all, { name: 'another user', scope: { ...FOREIGN, tenantId: OWN.tenantId }, attacks: reads(table, role) }]
}

async function leaksOf(database: Database, table: Table, role: DatabaseRole): Promise<string[]> {
  const leaks: string[] = []
  for (const { name, scope, attacks } of situationsOf(table, role))
    for (const [kind, { attempt, allowed }] of Object.entries(attacks)) {
      const outcome = await outcomeOf(database, { ...scope, role }, attempt)
      if (outcome !== 'refused' && outcome > allowed)
        leaks.push(`${table.name}: ${role} of ${name} reached ${outcome} by ${kind}`)
    }
  return leaks
}

/** Tries every attack on every table. Empty when every row of another was out of reach. */
export async function findLeaks(database: Database, tables: readonly Table[]): Promise<string[]> {
  const leaks: string[] = []
  for (const table of tables) for (const role of ROLES) leaks.push(...(await leaksOf(database, table, role)))
  return leaks
}

/** The tables whose own tenant sees its row: the proof that there was something to reach. */
export async function readableByOwn(database: Database, tables: readonly Table[]): Promise<string[]> {
  const readable: string[] = []
  for (const table of tables)
    for (const role of ROLES) {
      const outcome = await outcomeOf(database, { ...OWN, role }, count(table, OWN_ROWS))
      if (outcome === 1 && !readable.includes(table.name)) readable.push(table.name)
    }
  return readable
}
