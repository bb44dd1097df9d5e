import type { SqlSession } from '@soma/kernel'

/** Tables of the read models with the columns that name a row; `beside` are those that say nothing of its content. */
export const MODELS = [
  { name: 'plans', key: ['id'], beside: ['kept'] },
  { name: 'tasks', key: ['id'], beside: ['kept'] },
  { name: 'timeline', key: ['event_id'], beside: ['kept', 'applied_at'] },
  { name: 'correlations', key: ['correlation_id', 'plan_id'], beside: [] },
  { name: 'gates', key: ['id'], beside: [] },
  { name: 'agents', key: ['id'], beside: [] },
] as const

const TABLE = new RegExp(`\\btracker\\.(${MODELS.map(({ name }) => name).join('|')})\\b`, 'g')

/** The same statements on the shadow tables: what projects and reads the models rebuilds and checks them, word for word. */
export const shadowOf = (session: SqlSession): SqlSession => {
  const shadowed = (sql: string) => sql.replace(TABLE, 'tracker.shadow_$1')
  return {
    query: (sql, parameters) => session.query(shadowed(sql), parameters),
    execute: (sql, parameters) => session.execute(shadowed(sql), parameters),
  }
}
