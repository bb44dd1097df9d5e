import { type Json, withoutUndefined } from '@soma/kernel'
import type { Plan } from '@soma/plans/contract'
import type { Clients } from '@soma/sdk/clients'
import { readValue } from '../read-value.ts'
import type { Handling } from '../session.ts'
import { planView, resolvePlan } from './plans.ts'

interface ControlFlags {
  readonly reason: string
}

/** Does something to the plan that was named and prints it. */
async function control(
  { session, args }: Handling<object>,
  act: (plans: Clients['plans']['plans'], params: { planId: string }) => Promise<Plan>,
): Promise<void> {
  const { clients } = await session.connect()
  const planId = await resolvePlan(args[0] as string, clients)
  await session.printer.result(await act(clients.plans.plans, { planId }), planView)
}

export function startPlan(handling: Handling<Partial<ControlFlags>>): Promise<void> {
  const { reason } = handling.flags
  return control(handling, (plans, params) => plans.start({ params, body: withoutUndefined({ reason }) }))
}

export function pausePlan(handling: Handling<ControlFlags & { mode?: 'drain' | 'now' }>): Promise<void> {
  const { reason, mode } = handling.flags
  return control(handling, (plans, params) => plans.pause({ params, body: { reason, ...withoutUndefined({ mode }) } }))
}

export async function resumePlan(handling: Handling<ControlFlags & { input?: string }>): Promise<void> {
  const { reason, input: text } = handling.flags
  const input = text === undefined ? undefined : ((await readValue(text)) as Json)
  return control(handling, (plans, params) =>
    plans.resume({ params, body: { reason, ...withoutUndefined({ input }) } }),
  )
}

export function cancelPlan(handling: Handling<ControlFlags>): Promise<void> {
  const { reason } = handling.flags
  return control(handling, (plans, params) => plans.cancel({ params, body: { reason } }))
}
