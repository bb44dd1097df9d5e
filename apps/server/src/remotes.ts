import { type Context, type Contract, createHttpTransport, operationId, type Transport } from '@soma/kernel'
import type { ContextTokens } from './context-tokens.ts'

/** Transports to modules that other processes host. Each call carries a context token made for that operation. */
export function createRemotes(
  moduleUrls: Readonly<Record<string, string>>,
  contextTokens: ContextTokens,
): (contract: Contract) => Transport | undefined {
  const transport = createHttpTransport({
    url: (module) => (moduleUrls[module] as string).replace(/\/$/, ''),
    headers: async ({ contract: { module }, noun, verb, caller, context }) => ({
      authorization: `Bearer ${await contextTokens.sign(context as Context, { caller, operation: operationId(module, noun, verb) })}`,
      traceparent: (context as Context).traceparent,
    }),
    fetch: globalThis.fetch,
  })
  return ({ module }) => (moduleUrls[module] === undefined ? undefined : transport)
}
