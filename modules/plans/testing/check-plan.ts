import { type EventEnvelope, uuidOf } from '@soma/kernel'
import type { PlanStatus, TaskStatus } from '../contract/index.ts'
import { verifyJournal } from '../src/journal/chain.ts'

/** The two tables of docs/spec/plans.md, copied from the page and not from the code. `paused` goes back to the status it had. */
export const PLAN_TABLE: Readonly<Record<PlanStatus, readonly PlanStatus[]>> = {
  draft: ['pending', 'cancelled'],
  pending: ['running', 'paused', 'stopping', 'cancelled', 'failed'],
  running: ['waiting', 'paused', 'stopping', 'completed'],
  waiting: ['running', 'paused', 'stopping', 'completed'],
  paused: ['pending', 'running', 'waiting', 'stopping'],
  stopping: ['failed', 'cancelled'],
  completed: [],
  failed: [],
  cancelled: [],
}
export const TASK_TABLE: Readonly<Record<TaskStatus, readonly TaskStatus[]>> = {
  pending: ['running', 'waiting', 'completed', 'failed', 'cancelled'],
  running: ['completed', 'failed', 'pending', 'waiting', 'delegated', 'cancelled'],
  delegated: ['running', 'waiting', 'completed', 'failed', 'cancelled'],
  waiting: ['pending', 'completed', 'failed', 'cancelled'],
  completed: [],
  failed: [],
  cancelled: [],
}
const ENDED = ['completed', 'failed', 'cancelled']

/** Journal lines whose change is a fact of the same name, and (`false`) those that none tells. */
const FACT_OF: Readonly<Record<string, string | false>> = {
  ...named('plan', ['created', 'started', 'waiting', 'paused', 'resumed', 'state-changed', 'stopping']),
  ...named('plan', ['completed', 'failed', 'cancelled']),
  ...named('task', ['created', 'started', 'delegated', 'waiting', 'resumed', 'retried', 'progressed']),
  ...named('task', ['completed', 'failed', 'cancelled']),
  'task-lost': 'task.retried',
  ...Object.fromEntries(
    [
      ...['plan-start-asked', 'plan-cancel-asked', 'plan-state-put', 'task-state-put', 'task-state-dropped'],
      ...['task-asked-again', 'gate-decided', 'late', 'child-ended', 'state-timed-out'],
    ].map((kind) => [kind, false as const]),
  ),
}
/** Lines without a fact that change the plan's own record. */
const SILENT_CHANGES = ['plan-start-asked', 'plan-state-put']

function named(noun: string, verbs: readonly string[]): Record<string, string> {
  return Object.fromEntries(verbs.map((verb) => [`${noun}-${verb}`, `${noun}.${verb}`]))
}

/** Where a plan is looked at. */
export interface PlanSource {
  /** Events that were committed, in order; those of other plans and topics are left out here. */
  readonly events: readonly EventEnvelope[]
  /** One statement as the plan's tenant. Times may be dates or their texts. */
  query<Row>(sql: string, parameters: readonly unknown[]): Promise<Row[]>
}

interface Line {
  seq: number
  kind: string
  data: { taskId?: string; version?: number }
  hash: string
  at: Date | string
}
interface Row {
  id: string
  status: string
  version: number
}
interface TaskRecord extends Row {
  key: string
  generation: number
  group_id: string | null
}
interface Stored {
  readonly plan: Row & { seq: number; counts: Record<string, number>; head: string | null }
  readonly tasks: readonly TaskRecord[]
  readonly groups: readonly { id: string; total: number; completed: number; failed: number; done: boolean }[]
  readonly lines: readonly Line[]
  readonly timers: readonly string[]
}
type Fact = { status: string; version: number; seq: number; generation?: number; groupDone?: boolean }

/**
 * Everything that holds for a plan at each commit: its facts are those of its journal, one a line; its version counts its changes; rows, counts and groups agree; statuses moved by
 * the tables alone; nothing is left of what ended.
 * `silent` = versions of tasks that commands answered and no fact shows (a heartbeat). @throws Error naming what does not hold
 */
export async function checkPlan(
  source: PlanSource,
  planId: string,
  options: { silent?: ReadonlyMap<string, ReadonlySet<number>> } = {},
): Promise<void> {
  const stored = await readStored(source, uuidOf('plan', planId))
  if (stored === undefined) return expectEqual('facts of a plan that is not there', factsOf(source, planId), [])
  const facts = factsOf(source, planId)
  checkJournal(stored, facts)
  checkPlanFacts(
    stored,
    facts.filter((fact) => fact.topic === 'plan-events'),
  )
  for (const task of stored.tasks)
    checkTask(stored, task, {
      facts: facts.filter((fact) => fact.topic === 'task-events' && uuidOf('task', fact.taskid ?? '') === task.id),
      silent: options.silent,
    })
  checkCounts(stored, facts)
  checkTimers(stored)
}

const factsOf = ({ events }: PlanSource, planId: string): EventEnvelope[] =>
  events.filter((event) => event.planid === planId && (event.topic === 'plan-events' || event.topic === 'task-events'))

async function readStored({ query }: PlanSource, id: string): Promise<Stored | undefined> {
  const [plan] = await query<Stored['plan']>(
    "select id, status, version, seq::int4, counts, encode(head, 'hex') as head from plans.plans where id = $1",
    [id],
  )
  if (plan === undefined) return undefined
  const tasks = await query<TaskRecord>(
    'select id, key, status, version, generation, group_id from plans.tasks where plan_id = $1 order by ord',
    [id],
  )
  const groups = await query<Stored['groups'][number]>(
    'select id, total, completed, failed, completed_at is not null as done from plans.groups where plan_id = $1',
    [id],
  )
  const lines = await query<Line>(
    "select seq::int4, kind, data, encode(hash, 'hex') as hash, at from plans.journal where plan_id = $1 order by seq",
    [id],
  )
  const timers = await query<{ key: string }>('select key from plans.work where plan_id = $1', [id])
  return { plan, tasks, groups, lines, timers: timers.map((timer) => timer.key) }
}

function checkJournal({ plan, lines }: Stored, facts: readonly EventEnvelope[]): void {
  const verdict = verifyJournal(
    lines.map((line) => ({ ...line, data: line.data as never, at: new Date(line.at).toISOString() })),
  )
  expectEqual('the journal', verdict, { intact: true, head: plan.head })
  expectEqual('the last line', lines.at(-1)?.seq, plan.seq)
  const told = lines.flatMap((line) => {
    const fact = FACT_OF[line.kind]
    if (fact === undefined) throw new Error(`nobody said whether a line "${line.kind}" has a fact`)
    return fact === false ? [] : [`${line.seq} ${fact}`]
  })
  expectEqual(
    'the facts of the journal',
    facts.map((fact) => `${(fact.data as Fact).seq} ${fact.type}`),
    told,
  )
}

function checkPlanFacts({ plan, lines }: Stored, facts: readonly EventEnvelope[]): void {
  const changes = lines.filter(({ kind }) => SILENT_CHANGES.includes(kind) || String(FACT_OF[kind]).startsWith('plan.'))
  expectEqual('the version of the plan', plan.version, changes.length)
  let status: PlanStatus | undefined
  let beforePause: PlanStatus | undefined
  for (const fact of facts) {
    const data = fact.data as Fact & { status: PlanStatus }
    const version = changes.findIndex((line) => line.seq === data.seq) + 1
    expectEqual(`the version in ${fact.type} of line ${data.seq}`, data.version, version)
    const from: PlanStatus = status === 'draft' && data.status !== 'cancelled' ? 'pending' : (status ?? data.status)
    if (data.status !== from && !PLAN_TABLE[from].includes(data.status))
      throw new Error(`the plan went from ${from} to ${data.status} by ${fact.type}`)
    if (from !== 'paused') beforePause = from
    else if (fact.type === 'plan.resumed' && data.status !== beforePause)
      throw new Error(`paused as ${beforePause}, resumed as ${data.status}`)
    status = data.status
  }
  if (plan.status !== 'pending') expectEqual('the status in the last fact', status, plan.status)
}

function checkTask(
  { lines }: Stored,
  task: TaskRecord,
  { facts, silent }: { facts: readonly EventEnvelope[]; silent: ReadonlyMap<string, ReadonlySet<number>> | undefined },
): void {
  const versions = facts.map((fact) => (fact.data as Fact).version)
  let last: Fact & { status: TaskStatus } = { status: 'pending', version: 0, seq: 0, generation: 1 }
  for (const fact of facts) {
    const data = fact.data as typeof last
    const isReopened = (data.generation ?? 1) > (last.generation ?? 1)
    if (isReopened ? last.status !== 'failed' || data.status !== 'pending' : !isMove(last.status, data.status))
      throw new Error(`task ${task.key} went from ${last.status} to ${data.status} by ${fact.type}`)
    last = data
  }
  expectEqual(`the status of task ${task.key} in its last fact`, last.status, task.status)
  if (silent === undefined) return
  const saved = lines.flatMap((line) =>
    line.data.taskId !== undefined &&
    FACT_OF[line.kind] === false &&
    line.data.version !== undefined &&
    uuidOf('task', line.data.taskId) === task.id
      ? [line.data.version ?? 0]
      : [],
  )
  const known = [...versions, ...saved, ...(silent.get(task.id) ?? [])]
  if (new Set([...versions, ...saved]).size < versions.length + saved.length)
    throw new Error(`two changes of task ${task.key} have one version: ${versions.join()} and ${saved.join()}`)
  expectEqual(
    `the versions of task ${task.key}`,
    [...new Set(known)].toSorted((left, right) => left - right),
    Array.from({ length: task.version }, (_, index) => index + 1),
  )
}

/** A terminal task has no further fact but that of a new generation. */
const isMove = (from: TaskStatus, to: TaskStatus): boolean =>
  (from === to && !ENDED.includes(from)) || TASK_TABLE[from].includes(to)

function checkCounts({ plan, tasks, groups }: Stored, facts: readonly EventEnvelope[]): void {
  const counted = Object.fromEntries(
    Object.keys(plan.counts).map((status) => [
      status,
      status === 'total' ? tasks.length : tasks.filter((task) => task.status === status).length,
    ]),
  )
  expectEqual('the counts', plan.counts, counted)
  for (const group of groups) {
    const members = tasks.filter((task) => task.group_id === group.id)
    const ended = members.filter((task) => ENDED.includes(task.status))
    const completed = ended.filter((task) => task.status === 'completed').length
    expectEqual(`group ${group.id}`, group, {
      id: group.id,
      total: members.length,
      completed,
      failed: ended.length - completed,
      done: ended.length === members.length,
    })
    const done = facts.filter(
      (fact) =>
        (fact.data as Fact).groupDone === true && members.some(({ id }) => id === uuidOf('task', fact.taskid ?? '')),
    )
    expectEqual(`facts that say group ${group.id} is done`, done.length, group.done ? 1 : 0)
  }
}

function checkTimers({ plan, tasks, timers }: Stored): void {
  if (!ENDED.includes(plan.status)) {
    const ended = tasks.filter((task) => ENDED.includes(task.status)).map((task) => task.key)
    expectEqual(
      'timers of ended tasks',
      timers.filter((timer) => ended.includes(timer.slice(timer.indexOf(':') + 1))),
      [],
    )
    return
  }
  expectEqual('timers of an ended plan', timers, [])
  expectEqual(
    'open tasks of an ended plan',
    tasks.filter((task) => !ENDED.includes(task.status)),
    [],
  )
}

function expectEqual(what: string, seen: unknown, wanted: unknown): void {
  const [left, right] = [seen, wanted].map((value) => stable(value))
  if (left !== right) throw new Error(`${what}: ${left}, not ${right}`)
}

const stable = (value: unknown): string =>
  JSON.stringify(value, (_key, member: unknown) =>
    typeof member === 'object' && member !== null && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).toSorted(([left], [right]) => (left < right ? -1 : 1)))
      : member,
  ) ?? 'nothing'
