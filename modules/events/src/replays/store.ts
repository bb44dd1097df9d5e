import type { LogRecord, SqlSession } from '@soma/kernel'

/** A partition's stretch: handed out up to `position`, to `end` at most. */
export interface ReplayPlace {
  readonly topic: string
  readonly part: number
  readonly segment: number
  readonly position: number
  readonly end: number
}

export interface ReplayFilter {
  readonly topics?: readonly string[] | undefined
  readonly types?: readonly string[] | undefined
  readonly key?: string | undefined
  readonly from?: string | undefined
  readonly to?: string | undefined
  readonly ratePerSecond: number
  readonly note?: string | undefined
}

export interface ReplayRow {
  readonly id: string
  readonly tenant_id: string
  readonly space_id: string
  readonly grp: string
  readonly filter: ReplayFilter
  readonly places: readonly ReplayPlace[]
  readonly state: 'running' | 'completed' | 'cancelled'
  readonly dry_run: boolean
  readonly matched: number
  readonly created_by: string
  readonly created_at: Date
  readonly ended_at: Date | null
  /** Deliveries of it that are not at their end. */
  readonly unfinished: number
}

const COLUMNS = `r.*, (select count(*)::int4 from events.delivery d where d.replay_id = r.id) as unfinished`

/** Undefined when another replay of the group runs. Locks the group, so that of two at once one is first. */
export async function insertReplay(
  session: SqlSession,
  row: Omit<ReplayRow, 'state' | 'created_at' | 'ended_at' | 'unfinished'>,
): Promise<ReplayRow | undefined> {
  await session.query(`select pg_advisory_xact_lock(hashtextextended('replay/' || $1, 0))`, [row.grp])
  const rows = await session.query<ReplayRow>(
    `insert into events.replays (tenant_id, id, space_id, grp, filter, places, dry_run, state, matched, created_by, ended_at)
     select $1, $2, $3, $4, $5::jsonb, $6::jsonb, $7::boolean, case when $7::boolean then 'completed' else 'running' end, $8::int8, $9,
       case when $7::boolean then clock_timestamp() end
      where $7::boolean or not exists (select from events.replays where grp = $4 and state = 'running' and id <> $2)
     on conflict (id) do update set id = excluded.id returning *, 0 as unfinished`,
    [
      row.tenant_id,
      row.id,
      row.space_id,
      row.grp,
      JSON.stringify(row.filter),
      JSON.stringify(row.places),
      row.dry_run,
      row.matched,
      row.created_by,
    ],
  )
  return rows[0]
}

export async function findReplay(session: SqlSession, id: string): Promise<ReplayRow | undefined> {
  return (await session.query<ReplayRow>(`select ${COLUMNS} from events.replays r where r.id = $1`, [id]))[0]
}

/** Undefined when it runs no longer. */
export async function endReplay(
  session: SqlSession,
  id: string,
  state: 'completed' | 'cancelled',
): Promise<ReplayRow | undefined> {
  const rows = await session.query<ReplayRow>(
    `update events.replays r set state = $2, ended_at = clock_timestamp() where r.id = $1 and r.state = 'running' returning ${COLUMNS}`,
    [id, state],
  )
  return rows[0]
}

/** Takes out what nobody has in hand. */
export async function takeBack(session: SqlSession, id: string): Promise<ReplayRow | undefined> {
  const rows = await session.query<ReplayRow>(
    `with back as (delete from events.delivery where replay_id = $1 and member is null returning 1)
     update events.replays r set matched = r.matched - (select count(*) from back) where r.id = $1
     returning r.*, (select count(*)::int4 from events.delivery d where d.replay_id = r.id and d.member is not null) as unfinished`,
    [id],
  )
  return rows[0]
}

/** What a group reads; of modules' groups too. */
export async function topicsOf(session: SqlSession, group: string): Promise<string[]> {
  const rows = await session.query<{ topic: string }>('select distinct topic from events.cursor where grp = $1', [
    group,
  ])
  return rows.map(({ topic }) => topic)
}

/** Of all tenants. */
export function listRunning(session: SqlSession): Promise<ReplayRow[]> {
  return session.query<ReplayRow>(`select ${COLUMNS} from events.replays r where r.state = 'running'`)
}

/** How far the group itself is: what it has not passed is on its way to it anyway. */
export async function passedBy(session: SqlSession, group: string): Promise<ReadonlyMap<string, number>> {
  const rows = await session.query<{ topic: string; part: number; pos: number }>(
    'select topic, part, pos from events.cursor where grp = $1',
    [group],
  )
  return new Map(rows.map(({ topic, part, pos }) => [`${topic}:${part}`, pos]))
}

export async function claimReplay(session: SqlSession, id: string, owner: string): Promise<boolean> {
  const rows = await session.query(`select runtime.claim_lease('replay/' || $1, $2::uuid, 10)`, [id, owner])
  return rows.length > 0
}

export async function releaseReplays(session: SqlSession, ids: readonly string[], owner: string): Promise<void> {
  await session.query(`select runtime.release_lease('replay/' || w.id, $2::uuid) from unnest($1::text[]) as w (id)`, [
    ids,
    owner,
  ])
}

/** Saves how far it is; false when it runs no longer. Locks it against a cancel. */
export async function saveProgress(
  session: SqlSession,
  id: string,
  progress: { places: readonly ReplayPlace[]; found: number },
): Promise<boolean> {
  const rows = await session.execute(
    `update events.replays set places = $2::jsonb, matched = matched + $3 where id = $1 and state = 'running'`,
    [id, JSON.stringify(progress.places), progress.found],
  )
  return rows > 0
}

/** Puts events before the group again. One that has an unfinished delivery already gets no second. Answers the delivery ids by place. */
export async function handOut(
  session: SqlSession,
  to: { group: string; replayId: string },
  records: readonly LogRecord[],
): Promise<{ delivery_id: string; topic: string; part: number; pos: number }[]> {
  return session.query(
    `insert into events.delivery (grp, topic, part, pos, segment, delivery_id, tenant_id, key, attempt, due_at, replay_id)
     select $1, w.topic, w.part, w.pos, w.segment, gen_random_uuid(), w.tenant, w.key, 0, clock_timestamp(), $2::uuid
       from unnest($3::text[], $4::int2[], $5::int8[], $6::int4[], $7::text[], $8::text[]) as w (topic, part, pos, segment, tenant, key)
     on conflict (grp, topic, part, pos) do nothing returning delivery_id, topic, part, pos`,
    [
      to.group,
      to.replayId,
      records.map(({ topic }) => topic),
      records.map(({ part }) => part),
      records.map(({ position }) => position),
      records.map(({ segment }) => segment),
      records.map(({ tenantId }) => tenantId),
      records.map(({ key }) => key),
    ],
  )
}

/** A log that moved to another bus has one segment: running replays go on in it. */
export async function joinReplayPlaces(session: SqlSession): Promise<void> {
  await session.execute(
    `update events.replays set places = (select jsonb_agg(place || '{"segment": 1}') from jsonb_array_elements(places) place)
      where state = 'running'`,
  )
}
