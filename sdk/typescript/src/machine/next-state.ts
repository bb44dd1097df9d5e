import type { MachineState, StateMachine } from '@soma/plans/contract'
import { evaluateCondition } from './condition.ts'
import type { MachineScope } from './machine-scope.ts'

export const isTerminal = (state: MachineState | undefined): boolean =>
  state?.terminal !== undefined && state.terminal !== false

/** Where an event leads from a state: the first edge whose `on` fits and whose `when` holds. Undefined when it leads nowhere. */
export function nextState(
  machine: StateMachine,
  current: string,
  trigger: { readonly on: string; readonly scope: MachineScope },
): string | undefined {
  const edge = machine[current]?.transitions.find(
    ({ on, when }) => on === trigger.on && (when === undefined || evaluateCondition(when, trigger.scope)),
  )
  return edge?.to
}
