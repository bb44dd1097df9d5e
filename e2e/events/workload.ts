import { createHash } from 'node:crypto'

/** Groups of each kind. */
export const GROUPS = 10
/** Types of the load; event number n has type n modulo this. */
export const TYPES = 10
export const KEYS = 1_000
export const TENANTS = ['tenant-a', 'tenant-b'] as const
/** Tries before an event is a dead letter: the default of modules and of subscriptions. */
export const MAX_ATTEMPTS = 5
/** Types that each remote subscription reads. */
const TYPES_A_SUBSCRIPTION = 4
const FAILS_ONE_IN = 50
const POISON_ONE_IN = 400
const ANSWERS_ONE_IN = 10

export interface LoadEvent {
  readonly number: number
  readonly tenantId: string
  readonly key: string
  readonly type: string
}

/** Every event of a run. Tenants share the names of their keys, so a mix-up shows. */
export function loadEvents(count: number): LoadEvent[] {
  return Array.from({ length: count }, (_, number) => ({
    number,
    tenantId: TENANTS[chance('tenant', number) % TENANTS.length] as string,
    key: `key-${chance('key', number) % (KEYS / TENANTS.length)}`,
    type: typeOf(number % TYPES),
  }))
}

export const typeOf = (index: number): string => `load.kind-${index}`

/** A group of the run and what it should see. */
export interface LoadGroup {
  readonly name: string
  readonly kind: 'module' | 'remote'
  readonly types: readonly string[]
  /** Absent: all tenants. */
  readonly tenantId?: string
}

export const moduleGroups: readonly LoadGroup[] = Array.from({ length: GROUPS }, (_, index) => ({
  name: `module:load${index}`,
  kind: 'module',
  types: [typeOf(index)],
}))

export const remoteGroups: readonly LoadGroup[] = Array.from({ length: GROUPS }, (_, index) => ({
  name: `agent-${index}`,
  kind: 'remote',
  types: Array.from({ length: TYPES_A_SUBSCRIPTION }, (_type, offset) => typeOf((index + offset * 2) % TYPES)),
  tenantId: TENANTS[index % TENANTS.length] as string,
}))

export const concerns = (group: LoadGroup, event: LoadEvent): boolean =>
  group.types.includes(event.type) && (group.tenantId === undefined || group.tenantId === event.tenantId)

export type Failure = 'none' | 'once' | 'again' | 'always' | 'for-good'

/** What the handler of a group does to an event at an attempt. Decided by hash, so that the expectation is known before the run. */
export function failureOf(group: string, number: number, attempt: number): Failure {
  if (isPoison(group, number)) return chance(`${group} kind`, number) % 2 === 0 ? 'always' : 'for-good'
  if (attempt >= MAX_ATTEMPTS - 1 || chance(`${group} ${attempt}`, number) % FAILS_ONE_IN !== 0) return 'none'
  return chance(`${group} pause`, number) % 10 === 0 ? 'once' : 'again'
}

export const isPoison = (group: string, number: number): boolean =>
  chance(`${group} poison`, number) % POISON_ONE_IN === 0

/** Attempts of an event that dies. */
export const attemptsOf = (group: string, number: number): number =>
  failureOf(group, number, 1) === 'for-good' ? 1 : MAX_ATTEMPTS

/** Whether a remote group answers an event in the transaction of its ack. */
export const isAnswered = (group: string, number: number): boolean =>
  chance(`${group} answer`, number) % ANSWERS_ONE_IN === 0

const chance = (what: string, number: number): number =>
  createHash('sha1').update(`${what} ${number}`).digest().readUInt32BE(0)
