import { sequenceOf, type SqlSession } from '@soma/kernel'
import type { Group } from './group.ts'

interface GapRow {
  readonly topic: string
  readonly part: number
  readonly from_pos: number
  readonly to_pos: number
}

/**
 * Tells the streams that are open which events the group has lost, once: without an open stream it waits for the next. Where the process dies between the database and the socket the frame
 * is lost; `subscription.gap-recorded` tells the same.
 */
export async function tellGaps(group: Group): Promise<void> {
  const { busTransaction, log, metrics } = group.dependencies
  const isHeard = () => [...group.members.values()].some(({ sink }) => sink !== undefined)
  if (!isHeard()) return
  try {
    const rows = await busTransaction((session) => takeGaps(session, group.config.group))
    for (const { topic, part, from_pos, to_pos } of rows) {
      const data = { topic, from: sequenceOf(part, from_pos), to: sequenceOf(part, to_pos), reason: 'trimmed' } as const
      for (const { sink } of group.members.values()) sink?.push({ event: 'gap', data })
      metrics.count('soma_events_stream_gaps_total')
    }
  } catch (error) {
    log.warn('gaps of a subscription cannot be told', { subscription: group.config.id, error })
  }
}

const takeGaps = (session: SqlSession, group: string): Promise<GapRow[]> =>
  session.query<GapRow>('delete from events.gap where grp = $1 returning topic, part, from_pos, to_pos', [group])
