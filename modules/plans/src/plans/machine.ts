import type { FieldError } from '@soma/kernel'
import { type MachineState, planProblems, type StateMachine } from '../../contract/index.ts'

/** Checks a state machine as a whole (PLN-R57): targets exist, every state can be reached from the first, a terminal state exists. @throws plan-invalid with every issue. */
export function checkMachine(machine: StateMachine, first: string): void {
  const states = new Map(Object.entries(machine))
  const errors: FieldError[] = []
  if (!states.has(first))
    errors.push(issue('/body/currentState', 'unknown-state', `the machine has no state "${first}"`))
  for (const [name, state] of states) errors.push(...checkState(name, state, states))
  if (![...states.values()].some(isTerminal))
    errors.push(issue('/body/stateMachine', 'no-terminal-state', 'no state is terminal, so the plan could never end'))
  const reached = reachableFrom(first, states)
  for (const name of states.keys()) {
    if (!reached.has(name))
      errors.push(
        issue(
          `/body/stateMachine/${pointer(name)}`,
          'unreachable-state',
          `"${name}" cannot be reached from "${first}"`,
        ),
      )
  }
  if (errors.length > 0)
    throw planProblems.planInvalid.create(
      `the state machine has ${errors.length} ${errors.length === 1 ? 'issue' : 'issues'}: ${errors[0]?.detail}`,
      { errors },
    )
}

export const isTerminal = (state: MachineState): boolean => state.terminal !== undefined && state.terminal !== false

function checkState(name: string, state: MachineState, states: ReadonlyMap<string, MachineState>): FieldError[] {
  const at = `/body/stateMachine/${pointer(name)}`
  const errors: FieldError[] = []
  const target = (to: string | undefined, where: string) => {
    if (to !== undefined && !states.has(to))
      errors.push(issue(`${at}/${where}`, 'unknown-state', `"${name}" leads to "${to}", which does not exist`))
  }
  for (const [index, edge] of state.transitions.entries()) target(edge.to, `transitions/${index}/to`)
  target(state.defaultNext, 'defaultNext')
  target(state.onTimeout, 'onTimeout')
  if (state.onTimeout !== undefined && state.timeoutMs === undefined)
    errors.push(issue(`${at}/onTimeout`, 'no-timeout', `"${name}" has onTimeout without timeoutMs`))
  if (isTerminal(state) && targetsOf(state).length > 0)
    errors.push(issue(at, 'terminal-with-edges', `"${name}" is terminal and has edges`))
  if (!isTerminal(state) && targetsOf(state).length === 0)
    errors.push(issue(at, 'dead-end', `"${name}" is not terminal and has no edge`))
  return errors
}

const targetsOf = (state: MachineState): string[] =>
  [...state.transitions.map((edge) => edge.to), state.defaultNext, state.onTimeout].filter((to) => to !== undefined)

function reachableFrom(first: string, states: ReadonlyMap<string, MachineState>): Set<string> {
  const reached = new Set<string>()
  const open = [first]
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    const state = states.get(name)
    if (state === undefined || reached.has(name)) continue
    reached.add(name)
    open.push(...targetsOf(state))
  }
  return reached
}

const issue = (at: string, code: string, detail: string): FieldError => ({ pointer: at, code, detail })
const pointer = (name: string): string => name.replaceAll('~', '~0').replaceAll('/', '~1')

/** Whether an edge leads from a state to another: by `on`, else by the default edge. `when` was judged by the planner that asks. */
export function hasEdge(state: MachineState, on: string | undefined, to: string): boolean {
  if (on !== undefined && state.transitions.some((edge) => edge.on === on && edge.to === to)) return true
  return state.defaultNext === to
}

/** `completed` or `failed` for a terminal state. */
export const endingOf = (state: MachineState): 'completed' | 'failed' | undefined =>
  !isTerminal(state) ? undefined : state.terminal === 'failed' ? 'failed' : 'completed'
