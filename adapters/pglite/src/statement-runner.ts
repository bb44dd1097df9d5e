import { messages, type PGlite, protocol } from '@electric-sql/pglite'
import type { EngineResult } from './engine-messages.ts'
import { parserOf } from './values.ts'

type Message = Awaited<ReturnType<PGlite['execProtocolStream']>>[number]
type Field = messages.RowDescriptionMessage['fields'][number]

interface Prepared {
  readonly name: string
  readonly fields: readonly Field[]
}

/** Plans kept in the session: each costs some 50 KB of the engine's memory. */
const KEPT_STATEMENTS = 300

/** After these a kept plan may have other columns. */
const CHANGES_SCHEMA = /^(?:CREATE|ALTER|DROP|DO|CALL|REFRESH)\b/

export interface StatementRunner {
  /** One statement by the extended protocol: parsed once per text, then bound and executed in one pass through the engine. */
  run(sql: string, parameters: readonly (string | null)[]): Promise<EngineResult>
  /** Any number of statements by the simple protocol. Answers the tag of the last one. */
  script(sql: string): Promise<string>
}

const { serialize } = protocol
const isError = (message: Message): message is messages.DatabaseError => message instanceof messages.DatabaseError

function changedRows(tag: string): number {
  const last = /^(?:INSERT|UPDATE|DELETE|MERGE|SELECT|COPY|MOVE|FETCH)\b.* (\d+)$/.exec(tag)?.[1]
  return last === undefined ? 0 : Number(last)
}

export function createStatementRunner(
  engine: PGlite,
  notified: (channel: string, payload: string) => void,
): StatementRunner {
  const kept = new Map<string, Prepared>()
  let named = 0

  async function exchange(parts: Uint8Array[]): Promise<Message[]> {
    const answers = await engine.execProtocolStream(Buffer.concat(parts), { syncToFs: false, throwOnError: false })
    for (const answer of answers)
      if (answer instanceof messages.NotificationResponseMessage) notified(answer.channel, answer.payload)
    return answers
  }

  async function forget(): Promise<void> {
    if (kept.size === 0) return
    kept.clear()
    await exchange([serialize.query('deallocate all')])
  }

  async function prepare(sql: string): Promise<Prepared> {
    const name = `s${(named += 1)}`
    const answers = await exchange([
      serialize.parse({ name, text: sql }),
      serialize.describe({ type: 'S', name }),
      serialize.sync(),
    ])
    const error = answers.find(isError)
    if (error !== undefined) throw error
    const description = answers.find((answer) => answer instanceof messages.RowDescriptionMessage)
    const prepared = { name, fields: description?.fields ?? [] }
    kept.set(sql, prepared)
    const oldest = kept.size > KEPT_STATEMENTS ? kept.entries().next().value : undefined
    if (oldest !== undefined) {
      kept.delete(oldest[0])
      await exchange([serialize.close({ type: 'S', name: oldest[1].name }), serialize.sync()])
    }
    return prepared
  }

  function recall(sql: string): Prepared | undefined {
    const prepared = kept.get(sql)
    if (prepared === undefined) return undefined
    kept.delete(sql)
    kept.set(sql, prepared)
    return prepared
  }

  async function run(sql: string, parameters: readonly (string | null)[]): Promise<EngineResult> {
    const prepared = recall(sql) ?? (await prepare(sql))
    const answers = await exchange([
      serialize.bind({ statement: prepared.name, values: [...parameters] }),
      serialize.execute({}),
      serialize.sync(),
    ])
    const error = answers.find(isError)
    if (error !== undefined) {
      if (error.code === '0A000' || error.code === '26000') kept.delete(sql)
      throw error
    }
    const parsers = prepared.fields.map((field) => parserOf(field.dataTypeID))
    const rows: unknown[][] = []
    let tag = ''
    for (const answer of answers) {
      if (answer instanceof messages.DataRowMessage)
        rows.push(answer.fields.map((text, index) => (text === null ? null : parsers[index]?.(text))))
      else if (answer instanceof messages.CommandCompleteMessage) tag = answer.text
    }
    if (CHANGES_SCHEMA.test(tag)) await forget()
    return { columns: prepared.fields.map((field) => field.name), rows, changed: changedRows(tag) }
  }

  async function script(sql: string): Promise<string> {
    const answers = await exchange([serialize.query(sql)])
    const error = answers.find(isError)
    const tags = answers.filter((answer) => answer instanceof messages.CommandCompleteMessage)
    if (tags.some(({ text }) => CHANGES_SCHEMA.test(text))) await forget()
    if (error !== undefined) throw error
    return tags.at(-1)?.text ?? ''
  }

  return { run, script }
}
