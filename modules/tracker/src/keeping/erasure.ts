import type { SqlSession } from '@soma/kernel'
import * as z from 'zod'
import { shadowOf } from '../rebuild/shadow.ts'

/** Facts that were on their way when a user was erased may come so much later. */
const COMES_LATER_DAYS = 7

const userErased = z.object({ principalId: z.string().min(1) })

/** Of a user that is erased names, keys, messages and summaries go; ids, types, states and numbers stay (TRK-R31). */
export async function eraseUser(tx: SqlSession, data: unknown): Promise<void> {
  const { principalId } = userErased.parse(data)
  await tx.execute(
    `insert into tracker.erased_users (tenant_id, user_id) values (current_setting('soma.tenant_id'), $1)
     on conflict (tenant_id, user_id) do update set at = statement_timestamp()`,
    [principalId],
  )
  await forget(tx, [principalId])
}

/** Erases once more what came after. */
export async function eraseLatecomers(tx: SqlSession): Promise<void> {
  const users = await tx.query<{ user_id: string }>(
    `select u.user_id from tracker.erased_users u where u.at > statement_timestamp() - ${COMES_LATER_DAYS} * interval '1 day'`,
  )
  if (users.length === 0) return
  await forget(
    tx,
    users.map(({ user_id }) => user_id),
  )
}

/** Tables in the order in which handlers lock them. */
async function forget(tx: SqlSession, users: readonly string[]): Promise<void> {
  const ofUsers = 'select p.id from tracker.plans p where p.user_id = any($1::text[])'
  for (const models of [tx, shadowOf(tx)]) {
    await models.execute(
      `update tracker.timeline set summary = type where summary <> type and (user_id = any($1::text[]) or plan_id in (${ofUsers}))`,
      [users],
    )
    await models.execute(
      `update tracker.plans set doc = (doc - 'name') || '{"erased":true}' where (not doc ? 'erased' or doc ? 'name') and user_id = any($1::text[])`,
      [users],
    )
    await models.execute(
      `update tracker.tasks set doc = (doc - '{name,key,message}'::text[]) || '{"erased":true}'
        where (not doc ? 'erased' or doc ?| '{name,key,message}') and (user_id = any($1::text[]) or plan_id in (${ofUsers}))`,
      [users],
    )
  }
}
