import { commonProblems, type Context, type Transport } from '@soma/kernel'
import type { BoundOperation } from './bind.ts'
import type { CallInput, Execute } from './execute.ts'
import { refuseUnreadable } from './readable.ts'

/** Calls hosted operations directly: the same authorization and validation as over HTTP, no serialisation of what passes validation. */
export function createInProcessTransport(options: {
  find: (operationId: string) => BoundOperation | undefined
  execute: Execute
  idOf: (module: string, noun: string, verb: string) => string
}): Transport {
  return async ({ contract, noun, verb, context, input }) => {
    const id = options.idOf(contract.module, noun, verb)
    const bound = options.find(id)
    if (bound === undefined) throw commonProblems.unavailable.create(`${id} is not hosted in this process`)
    if (context === undefined) throw commonProblems.unauthenticated.create(`${id} was called without a context`)
    refuseUnreadable(input as CallInput)
    return options.execute(bound, context, input as CallInput)
  }
}

/** Lends the grants of a `uses` entry to one call. */
export function withGrants(context: Context, grants: readonly string[]): Context {
  if (grants.length === 0) return context
  return {
    ...context,
    principal: { ...context.principal, capabilities: [...new Set([...context.principal.capabilities, ...grants])] },
  }
}
