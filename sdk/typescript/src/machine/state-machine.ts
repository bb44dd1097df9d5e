import type { FieldError } from '@soma/kernel'
import type { StateMachine } from '@soma/plans/contract'
import type { AnyEvent } from '../define/event.ts'
import { sdkProblems } from '../sdk-problems.ts'
import { inspectCondition, parseCondition } from './condition.ts'
import { templatePaths } from './templates.ts'

/** A state as it is written: events by definition, data with `{{templates}}`. */
export interface StateInput {
  readonly description?: string
  readonly action?: { readonly event: AnyEvent; readonly data: unknown; readonly response?: AnyEvent }
  readonly transitions?: readonly {
    readonly on: AnyEvent | string
    readonly to: string
    /** A condition over `goal.data`, `results` and `state`. */
    readonly when?: string
  }[]
  readonly defaultNext?: string
  readonly timeoutMs?: number
  readonly onTimeout?: string
  readonly terminal?: boolean | 'completed' | 'failed'
}

/** A checked state machine: the plain data that a plan stores, and the events that it speaks of. */
export interface Machine {
  readonly states: StateMachine
  readonly first: string
  readonly events: readonly AnyEvent[]
  /** Events that move it. */
  readonly triggers: readonly AnyEvent[]
}

const ROOTS = ['goal.data', 'results', 'state']
/** Words that are no event: what the platform itself triggers. */
const WORDS = new Set(['user.input', 'timeout'])

/** Checks a state machine and makes it plain data. The first state is the first one written. @throws Problem `state-machine-invalid` with every mistake, each naming state and field. */
export function defineStateMachine(input: Readonly<Record<string, StateInput>>): Machine {
  const names = Object.keys(input)
  const events = eventsOf(input)
  const errors = names.flatMap((name) => checkState(name, input[name] as StateInput, { names, events }))
  const first = names[0]
  if (first === undefined) errors.push(issue('', 'empty', 'a state machine has states'))
  else errors.push(...checkReach(input, first))
  if (!names.some((name) => isEnd(input[name]))) errors.push(issue('', 'no-terminal', 'no state is terminal'))
  if (errors.length > 0) {
    const [mistake] = errors
    const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : ''
    throw sdkProblems.machineInvalid.create(`${mistake?.pointer}: ${mistake?.detail}${more}`, { errors })
  }
  return {
    states: Object.fromEntries(names.map((name) => [name, plain(input[name] as StateInput)])),
    first: first as string,
    events,
    triggers: triggersOf(input, events),
  }
}

const isEnd = (state: StateInput | undefined): boolean => state?.terminal !== undefined && state.terminal !== false

function eventsOf(input: Readonly<Record<string, StateInput>>): AnyEvent[] {
  const all = Object.values(input).flatMap(({ action, transitions }) => [
    ...(action === undefined ? [] : [action.event, action.response, action.event.response]),
    ...(transitions ?? []).map(({ on }) => (typeof on === 'string' ? undefined : on)),
  ])
  const events = all.filter((event) => event !== undefined)
  return [...new Map(events.map((event) => [event.type, event])).values()]
}

function triggersOf(input: Readonly<Record<string, StateInput>>, events: readonly AnyEvent[]): AnyEvent[] {
  const names = new Set(
    Object.values(input).flatMap(({ transitions }) => (transitions ?? []).map(({ on }) => nameOf(on))),
  )
  return events.filter((event) => names.has(event.type))
}

const nameOf = (event: AnyEvent | string): string => (typeof event === 'string' ? event : event.type)

function checkState(
  name: string,
  state: StateInput,
  known: { names: readonly string[]; events: readonly AnyEvent[] },
): FieldError[] {
  const at = `/${name}`
  const errors: FieldError[] = []
  const target = (to: string | undefined, field: string) => {
    if (to !== undefined && !known.names.includes(to))
      errors.push(issue(`${at}/${field}`, 'unknown-state', `no state "${to}"`))
  }
  state.transitions?.forEach(({ on, to, when }, index) => {
    target(to, `transitions/${index}/to`)
    const isKnown = WORDS.has(nameOf(on)) || known.events.some((event) => event.type === nameOf(on))
    if (!isKnown)
      errors.push(issue(`${at}/transitions/${index}/on`, 'unknown-event', `no event "${nameOf(on)}" in this machine`))
    if (when !== undefined) errors.push(...checkCondition(when, `${at}/transitions/${index}/when`))
  })
  target(state.defaultNext, 'defaultNext')
  target(state.onTimeout, 'onTimeout')
  for (const path of templatePaths(state.action?.data)) errors.push(...checkPath(path, `${at}/action/data`))
  return errors
}

function checkCondition(text: string, at: string): FieldError[] {
  try {
    const { paths, isBoolean } = inspectCondition(parseCondition(text))
    const errors = paths.flatMap((path) => checkPath(path, at))
    return isBoolean ? errors : [...errors, issue(at, 'not-boolean', `"${text}" is no truth value`)]
  } catch (error) {
    return [issue(at, 'syntax', error instanceof Error ? error.message : String(error))]
  }
}

const checkPath = (path: string, at: string): FieldError[] =>
  ROOTS.some((root) => path === root || path.startsWith(`${root}.`))
    ? []
    : [issue(at, 'unknown-path', `"${path}" begins with none of ${ROOTS.join(', ')}`)]

function checkReach(input: Readonly<Record<string, StateInput>>, first: string): FieldError[] {
  const reached = new Set<string>()
  const open = [first]
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    const state = input[name]
    if (state === undefined || reached.has(name)) continue
    reached.add(name)
    const targets = [...(state.transitions ?? []).map(({ to }) => to), state.defaultNext, state.onTimeout]
    open.push(...targets.filter((to) => to !== undefined))
  }
  return Object.keys(input)
    .filter((name) => !reached.has(name))
    .map((name) => issue(`/${name}`, 'unreachable', `"${name}" cannot be reached from "${first}"`))
}

const issue = (pointer: string, code: string, detail: string): FieldError => ({ pointer, code, detail })

function plain(state: StateInput): StateMachine[string] {
  const { action, transitions, ...others } = state
  const response = action?.response ?? action?.event.response
  return {
    ...others,
    ...(action === undefined
      ? {}
      : {
          action: {
            event: action.event.type,
            data: action.data as never,
            ...(response === undefined ? {} : { response: response.type }),
          },
        }),
    transitions: (transitions ?? []).map(({ on, to, when }) => ({
      on: nameOf(on),
      to,
      ...(when === undefined ? {} : { when }),
    })),
  }
}
