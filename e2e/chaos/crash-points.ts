import type { CrashPoint } from './crash-point.ts'

/** Points of the relay, which a log inside the embedded engine does without. */
export const relayPoints: readonly string[] = ['between commit and relay', 'between ship and mark']

/** Where the machine can die, each between two things that must both happen. */
export const crashPoints: Readonly<Record<string, CrashPoint>> = {
  'between commit and relay': { statement: 'from events.outbox where due_at is null', when: 'after', nth: 3 },
  'between ship and mark': { statement: 'delete from events.outbox', when: 'before', nth: 5 },
  'between delivery to a module and its effect': { statement: 'runtime.enter_inbox', when: 'after', nth: 40 },
  'between an effect and its commit': { statement: 'insert into chaos.effects', when: 'after', nth: 40 },
  'between an effect and the cursor': { statement: 'events.commit_cursors', when: 'before', nth: 4 },
  'between delivery to an agent and its ack': { statement: 'events.acknowledge', when: 'before', nth: 20 },
}
