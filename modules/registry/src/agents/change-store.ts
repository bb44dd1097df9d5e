import type { SqlSession } from '@soma/kernel'

export const lockAgentById = (session: SqlSession, id: string) =>
  session.query(`select id from registry.agents where id = $1 for update`, [id])

export const changeAgent = (
  session: SqlSession,
  id: string,
  to: { description: string | null; tags: readonly string[] | null; ownerId: string },
) =>
  session.execute(
    `update registry.agents set description = $2, tags = $3::jsonb, owner_id = $4, version = version + 1 where id = $1`,
    [id, to.description, to.tags === null ? null : JSON.stringify(to.tags), to.ownerId],
  )

/** Every version of the types that an agent defined for its owner belongs to another principal then, and so do the schemas of their data. */
export async function transferDefinitions(
  session: SqlSession,
  agent: { name: string; owner_id: string },
  ownerId: string,
): Promise<void> {
  await session.execute(
    `update registry.event_definitions set owner_id = $3 where owner_id = $2 and (topic, type) in (
       select topic, type from registry.event_definitions where owner_agent = $1 and owner_id = $2)`,
    [agent.name, agent.owner_id, ownerId],
  )
  await session.execute(
    `update registry.schemas set owner_id = $3 where owner_id = $2 and name in (
       select schema_name from registry.event_definitions where owner_agent = $1 and owner_id = $3)`,
    [agent.name, agent.owner_id, ownerId],
  )
}

/** What it said goes with it. */
export async function deleteAgent(session: SqlSession, id: string): Promise<void> {
  await session.execute(`delete from registry.registrations where agent_id = $1`, [id])
  await session.execute(`delete from registry.agents where id = $1`, [id])
}
