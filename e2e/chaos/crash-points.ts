import type { BackendName } from '../backends.ts'
import type { CrashPoint } from './crash-point.ts'

type Points = Readonly<Record<string, CrashPoint>>

/** Of the relay that ships to a log outside the database. */
const relayOutside: Points = {
  'between commit and relay': { statement: 'from events.outbox where due_at is null', when: 'after', nth: 3 },
  'between ship and mark': { statement: 'delete from events.outbox', when: 'before', nth: 5 },
  'between mark and the next': { statement: 'delete from events.outbox', when: 'committed', nth: 5 },
}

/** Of the relay whose log is in the database: it takes, ships and marks in one transaction. */
const relayInside: Points = {
  'between commit and relay': { statement: 'events.append(', when: 'before', nth: 3 },
  'between ship and mark': { statement: 'events.append(', when: 'after', nth: 5 },
}

const others: Points = {
  'between delivery to a module and its effect': { statement: 'runtime.enter_inbox', when: 'after', nth: 40 },
  'between an effect and its commit': { statement: 'insert into chaos.effects', when: 'after', nth: 40 },
  'between an effect and the cursor': { statement: 'events.commit_cursors', when: 'before', nth: 4 },
  'between delivery to an agent and its ack': { statement: 'events.acknowledge', when: 'before', nth: 20 },
}

/** Where the machine can die, each between two things that must both happen. The embedded engine does without a relay. */
export const crashPointsOf = (name: BackendName): Points => ({
  ...(name === 'pglite' ? {} : name === 'postgres' ? relayInside : relayOutside),
  ...others,
})
