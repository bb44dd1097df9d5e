import type { EventBus, LogRecord, SqlSession } from '@soma/kernel'

/** Position in the installation minus number on the bus, by `topic:part`; 0 where there is none. */
export type Shifts = ReadonlyMap<string, number>

export async function readShifts(session: SqlSession, bus: string): Promise<Shifts> {
  const rows = await session.query<{ topic: string; part: number; shift: number }>(
    'select topic, part, shift from events.shift where bus = $1',
    [bus],
  )
  return new Map(rows.map(({ topic, part, shift }) => [`${topic}:${part}`, shift]))
}

/** A log outside the database that was moved there: its positions go on from those of the log before, so that cursors, deliveries and sequences stay what they are. */
export function createShiftedBus(bus: EventBus, shifts: Shifts): EventBus {
  if (shifts.size === 0) return bus
  const of = (topic: string, part: number): number => shifts.get(`${topic}:${part}`) ?? 0
  const { watch } = bus
  return {
    ...bus,
    append: async (records, session) => {
      const positions = await bus.append(records, session)
      return positions.map((appended, index) => {
        const { topic, part } = records[index] as LogRecord
        return { ...appended, position: appended.position + of(topic, part) }
      })
    },
    read: async ({ topic, part, after, limit }) => {
      const shift = of(topic, part)
      const from = { ...after, position: Math.max(0, after.position - shift) }
      const records = await bus.read({ topic, part, after: from, limit })
      return records.map((record) => ({ ...record, position: record.position + shift }))
    },
    partitions: async (topic) =>
      (await bus.partitions(topic)).map((state) => {
        const shift = of(state.topic, state.part)
        return { ...state, position: state.position + shift, oldestPosition: state.oldestPosition + shift }
      }),
    positionAt: async (topic, part, at) => {
      const found = await bus.positionAt(topic, part, at)
      return { ...found, position: found.position + of(topic, part) }
    },
    trim: (topic, before, passed = new Map()) =>
      bus.trim(
        topic,
        before,
        new Map([...passed].map(([part, position]) => [part, Math.max(0, position - of(topic, part))])),
      ),
    ...(watch === undefined
      ? {}
      : {
          watch: (listener) =>
            watch((notice) => listener({ ...notice, position: notice.position + of(notice.topic, notice.part) })),
        }),
  }
}
