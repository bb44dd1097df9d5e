import type { LogRecord, PartitionState, SqlSession } from '@soma/kernel'
import type { Rebuild } from '../../contract/index.ts'
import { MODELS, shadowOf } from './shadow.ts'

/** How far a partition is read. */
export interface Place {
  readonly topic: string
  readonly part: number
  readonly segment: number
  readonly position: number
  /** Where its log began when the rebuild did. */
  readonly oldest: number
  /** The last position to read: everything after it is applied to both models by the handlers. */
  readonly until: number
}

export interface RebuildRecord {
  id: string
  kind: Rebuild['kind']
  status: Rebuild['status']
  places: Place[] | null
  applied: number
  failed: number
  models: Rebuild['models']
  created_at: Date
  ended_at: Date | null
}

const COLUMNS = 'r.id, r.kind, r.status, r.places, r.applied, r.failed, r.models, r.created_at, r.ended_at'

export const IS_BUILDING = "exists (select 1 from tracker.rebuilds r where r.status = 'running')"

/** Answers nothing where one runs already. */
export async function insertRebuild(tx: SqlSession, id: string, kind: string): Promise<RebuildRecord | undefined> {
  const [row] = await tx.query<RebuildRecord>(
    `insert into tracker.rebuilds as r (tenant_id, id, kind) values (current_setting('soma.tenant_id'), $1, $2)
     on conflict (tenant_id) where status = 'running' do nothing returning ${COLUMNS}`,
    [id, kind],
  )
  return row
}

/** Unless one ran in the last days. */
export async function scheduleVerification(tx: SqlSession, id: string, everyDays: number): Promise<void> {
  await tx.execute(
    `insert into tracker.rebuilds (tenant_id, id, kind) select current_setting('soma.tenant_id'), $1, 'verify'
      where not exists (select 1 from tracker.rebuilds r where r.created_at > statement_timestamp() - $2 * interval '1 day')
     on conflict (tenant_id) where status = 'running' do nothing`,
    [id, everyDays],
  )
}

export async function readRebuild(tx: SqlSession, id: string): Promise<RebuildRecord | undefined> {
  const [row] = await tx.query<RebuildRecord>(`select ${COLUMNS} from tracker.rebuilds r where r.id = $1`, [id])
  return row
}

export async function lockRebuild(tx: SqlSession, id: string): Promise<RebuildRecord | undefined> {
  const [row] = await tx.query<RebuildRecord>(
    `select ${COLUMNS} from tracker.rebuilds r where r.id = $1 and r.status = 'running' for update`,
    [id],
  )
  return row
}

export async function saveProgress(
  tx: SqlSession,
  id: string,
  { places, applied, failed }: { places: readonly Place[]; applied: number; failed: number },
): Promise<void> {
  await tx.execute(
    'update tracker.rebuilds set places = $2::jsonb, applied = applied + $3, failed = failed + $4 where id = $1',
    [id, JSON.stringify(places), applied, failed],
  )
}

export async function endRebuild(tx: SqlSession, id: string, models: Rebuild['models']): Promise<void> {
  await tx.execute(
    `update tracker.rebuilds set status = 'completed', models = $2::jsonb, ended_at = statement_timestamp() where id = $1`,
    [id, JSON.stringify(models)],
  )
}

export async function clearShadow(tx: SqlSession): Promise<void> {
  for (const { name } of MODELS) await tx.execute(`delete from tracker.shadow_${name}`)
}

/** What retention or an erasure has taken from the log stays: entries, and the plans and tasks that they are about as they are known (TRK-R6). Facts that the log has are applied on top. */
export async function keepOlder(tx: SqlSession, partitions: readonly PartitionState[]): Promise<void> {
  const trimmed = partitions.filter(({ oldestPosition }) => oldestPosition > 1)
  const take = (name: string, columns: string, which: string, parameters: readonly unknown[] = []) =>
    tx.execute(`insert into tracker.shadow_${name} select ${columns} from tracker.${name} l where ${which}`, parameters)
  await take(
    'timeline',
    'l.*',
    `exists (select 1 from unnest($1::text[], $2::int4[], $3::int8[]) o (topic, part, oldest)
         where o.topic = l.topic and l.sequence like o.part || '-%' and split_part(l.sequence, '-', 2)::int8 < o.oldest)
       or l.user_id in (select u.user_id from tracker.erased_users u)
       or l.plan_id in (select p.id from tracker.plans p where p.user_id in (select u.user_id from tracker.erased_users u))`,
    [
      trimmed.map(({ topic }) => topic),
      trimmed.map(({ part }) => part),
      trimmed.map(({ oldestPosition }) => oldestPosition),
    ],
  )
  await tx.execute('update tracker.shadow_timeline set kept = true')
  await take('tasks', 'l.*', 'exists (select 1 from tracker.shadow_timeline e where e.task_id = l.id)')
  await take(
    'plans',
    'l.*',
    `exists (select 1 from tracker.shadow_timeline e where e.plan_id = l.id) or exists (select 1 from tracker.shadow_tasks t where t.plan_id = l.id)`,
  )
  for (const name of ['tasks', 'plans']) await tx.execute(`update tracker.shadow_${name} set kept = true`)
  const ofKept = 'exists (select 1 from tracker.shadow_plans p where p.id = l.plan_id)'
  await take('correlations', 'l.*', ofKept)
  await take('gates', 'l.*', ofKept)
  if (trimmed.some(({ topic }) => topic === 'system-events')) await take('agents', 'l.*', 'true')
}

/** Holds back who writes the models, of all tenants, until the end of the transaction; who reads them goes on. In the order in which a handler touches them. */
export async function holdWriters(tx: SqlSession): Promise<void> {
  const tables = ['timeline', 'gates', 'plans', 'tasks', 'correlations', 'agents'].map((name) => `tracker.${name}`)
  await tx.execute(`lock table ${tables.join(', ')} in share row exclusive mode`)
}

/** True while a handler has applied what the rebuild has not read (facts of agents, whose order counts), or, of a verification, the other way round. */
export async function isBehind(tx: SqlSession, kind: Rebuild['kind']): Promise<boolean> {
  const [row] = await tx.query<{ behind: boolean }>(
    `select exists (select 1 from tracker.agents l left join tracker.shadow_agents s on s.id = l.id where l.sequence <> '' and l.sequence > coalesce(s.sequence, ''))
       or ($1 = 'verify' and exists (select 1 from tracker.shadow_timeline s where not exists (select 1 from tracker.timeline l where l.event_id = s.event_id))) as behind`,
    [kind],
  )
  return row?.behind === true
}

/** Where facts of agents come faster than they are read, what is live stays as it is: none of them is lost. */
export async function keepNewerAgents(tx: SqlSession): Promise<void> {
  await tx.execute(
    'delete from tracker.shadow_agents s using tracker.agents l where l.id = s.id and l.sequence > s.sequence',
  )
  await tx.execute('insert into tracker.shadow_agents select * from tracker.agents on conflict do nothing')
}

/** Rows and their sum of hashes: equal text means equal content, in whatever order the rows lie. */
const digestOf = (beside: readonly string[]): string =>
  `select count(*) as rows, count(*) || ':' || coalesce(sum(hashtextextended((to_jsonb(m)${beside.map((column) => ` - '${column}'`).join('')})::text, 0)), 0) as digest`

/** What is served and what was built, model by model. */
export async function compareModels(tx: SqlSession): Promise<Rebuild['models']> {
  const compared: Rebuild['models'] = []
  for (const { name, beside } of MODELS) {
    const read = async (session: SqlSession) => {
      const [row] = await session.query<{ rows: number; digest: string }>(`${digestOf(beside)} from tracker.${name} m`)
      return row as { rows: number; digest: string }
    }
    const [live, built] = [await read(tx), await read(shadowOf(tx))]
    compared.push({ model: name, ...built, servedDigest: live.digest, isEqual: live.digest === built.digest })
  }
  return compared
}

/** Rows that are equal stay as they are. */
export async function swapModels(tx: SqlSession): Promise<void> {
  for (const { name, key, beside } of MODELS) {
    const content = (row: string) => `to_jsonb(${row})${beside.map((column) => ` - '${column}'`).join('')}`
    const same = key.map((column) => `s.${column} = l.${column}`).join(' and ')
    await tx.execute(
      `delete from tracker.${name} l where not exists (select 1 from tracker.shadow_${name} s where ${same} and ${content('s')} = ${content('l')})`,
    )
    await tx.execute(`insert into tracker.${name} select * from tracker.shadow_${name} on conflict do nothing`)
  }
  for (const { name } of MODELS.slice(0, 3))
    await tx.execute(
      `update tracker.${name} l set kept = true from tracker.shadow_${name} s where s.kept and not l.kept and ${name === 'timeline' ? 's.event_id = l.event_id' : 's.id = l.id'}`,
    )
}

/** The next stretch to read; undefined at the end. */
export const nextOf = (places: readonly Place[]): Place | undefined =>
  places.find(({ position, until }) => position < until)

/** Places after a stretch was read; what is not there up to the end was trimmed. */
export const passed = (places: readonly Place[], read: Place, records: readonly LogRecord[]): Place[] => {
  const last = records.at(-1)
  const position = last === undefined ? read.until : last.position
  const segment = last === undefined ? read.segment : last.segment
  return places.map((place) => (place === read ? { ...read, segment, position } : place))
}
