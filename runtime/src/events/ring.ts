import type { LogRecord, Position } from '@soma/kernel'

/** The newest records of one partition, dense and in order. */
export interface Ring {
  head(): Position
  /** Takes the records that follow the head; a later one is kept until the gap before it is filled. Answers what was added, in order. */
  offer(records: readonly LogRecord[]): LogRecord[]
  /** True while a record beyond a gap is kept. */
  hasGap(): boolean
  /** Changes what is kept; positions stay. */
  revise(change: (record: LogRecord) => LogRecord): void
  /** Undefined when the place is older than the ring. */
  read(after: Position, limit: number): LogRecord[] | undefined
}

export function createRing(start: Position, limits: { records: number; characters: number }): Ring {
  let records: LogRecord[] = []
  let characters = 0
  let head: Position = start
  const early = new Map<number, LogRecord>()

  const push = (record: LogRecord) => {
    records.push(record)
    characters += record.envelope.length
    head = { segment: record.segment, position: record.position }
  }
  const shrink = () => {
    let drop = 0
    while (records.length - drop > limits.records || (characters > limits.characters && drop < records.length)) {
      characters -= (records[drop] as LogRecord).envelope.length
      drop += 1
    }
    if (drop > 0) records = records.slice(drop)
  }
  return {
    head: () => head,
    offer: (offered) => {
      const from = head.position
      for (const record of offered) if (record.position > from) early.set(record.position, record)
      const added: LogRecord[] = []
      for (let next = early.get(head.position + 1); next !== undefined; next = early.get(head.position + 1)) {
        early.delete(next.position)
        push(next)
        added.push(next)
      }
      if (records.length > limits.records * 1.25 || characters > limits.characters) shrink()
      return added
    },
    hasGap: () => early.size > 0,
    revise: (change) => {
      records = records.map(change)
      characters = records.reduce((total, { envelope }) => total + envelope.length, 0)
      for (const [position, record] of early) early.set(position, change(record))
    },
    read: (after, limit) => {
      if (after.position >= head.position) return []
      const first = records[0]
      if (first === undefined || after.position < first.position - 1) return undefined
      const index = after.position + 1 - first.position
      return records.slice(index, index + limit)
    },
  }
}
