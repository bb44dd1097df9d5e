import type { Contract, ModuleParts, Operation } from '@soma/kernel'
import { operationsOf } from '@soma/kernel'

/** An operation with the handler of the hosted module. */
export interface BoundOperation {
  readonly module: string
  readonly operation: Operation
  readonly handler: (context: never, call: never) => Promise<unknown>
}

/** Joins a contract's operations with a module's handlers. @throws Error naming every operation without a handler: the boot stops. */
export function bindOperations(contract: Contract, parts: Pick<ModuleParts, 'operations'>): BoundOperation[] {
  const handlers = parts.operations as unknown as Record<string, Record<string, BoundOperation['handler'] | undefined>>
  const bound = operationsOf(contract).map((operation) => ({
    module: contract.module,
    operation,
    handler: handlers[operation.noun]?.[operation.verb],
  }))
  const missing = bound.filter((entry) => entry.handler === undefined).map((entry) => entry.operation.id)
  if (missing.length > 0)
    throw new Error(
      `module "${contract.module}" has no handler for ${missing.join(', ')}: add it to the operations that src/module.ts returns`,
    )
  return bound as BoundOperation[]
}
