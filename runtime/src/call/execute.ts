import { createHash } from 'node:crypto'
import {
  commonProblems,
  type Context,
  formatUuid,
  holds,
  isProblem,
  type Logger,
  newId,
  type Operation,
  traceIdOf,
  toId,
} from '@soma/kernel'
import { assertOutsideTransaction } from '../database/transaction-guard.ts'
import { inSpan } from '../observe/trace.ts'
import type { BoundOperation } from './bind.ts'
import { parseInput, type RawInput } from './parse.ts'

export interface CallInput extends RawInput {
  readonly ifMatch?: number | undefined
  readonly idempotencyKey?: string | undefined
  readonly lastEventId?: string | undefined
  readonly signal?: AbortSignal | undefined
}

/** Runs a bound operation for a caller: authorization, validation in, handler, validation out. The one way in, over HTTP and in process. */
export type Execute = (bound: BoundOperation, context: Context, input: CallInput) => Promise<unknown>

export function createExecute(options: { log: Logger }): Execute {
  return async (bound, context, input) => {
    const { operation } = bound
    assertOutsideTransaction(operation.id)
    authorize(operation, context)
    const parsed = parseInput(operation, input)
    let signal: AbortSignal | undefined
    const call = {
      ...parsed,
      ifMatch: requireMatch(operation, input),
      idempotencyKey: input.idempotencyKey,
      lastEventId: input.lastEventId,
      get signal() {
        signal ??= input.signal ?? new AbortController().signal
        return signal
      },
      newId: createIdMaker(operation, context, input.idempotencyKey),
    }
    const span = {
      traceparent: context.traceparent,
      kind: 'server',
      attributes: { 'soma.module': bound.module },
    } as const
    const output = await inSpan(operation.id, span, (traceparent) =>
      run(bound, { ...context, traceparent }, call, options.log),
    )
    return operation.stream === undefined ? validateOutput(operation, output) : output
  }
}

/** @throws forbidden naming the missing capability; unauthenticated when nobody is proven. */
export function authorize(operation: Pick<Operation, 'id' | 'capability'>, context: Context): void {
  const { capability } = operation
  if (capability === 'public') return
  if (context.method === 'none') throw commonProblems.unauthenticated.create(`${operation.id} needs a credential`)
  if (capability === 'authenticated') return
  if (capability === 'internal') {
    if (context.method === 'module') return
    throw commonProblems.forbidden.create(`${operation.id} is for modules of the platform alone`)
  }
  if (!holds(context.principal, capability)) {
    throw commonProblems.forbidden.create(`${operation.id} needs the capability "${capability}"`, { capability })
  }
}

function requireMatch(operation: Operation, input: CallInput): number | undefined {
  if (operation.ifMatch === undefined) return undefined
  if (input.ifMatch === undefined && operation.ifMatch === true) {
    throw commonProblems.invalidRequest.create('If-Match is missing', {
      errors: [
        {
          pointer: '/headers/if-match',
          code: 'required',
          detail: 'send the version you read as If-Match: "<version>"',
        },
      ],
    })
  }
  return input.ifMatch
}

/** A problem that the operation does not declare is a bug of ours: it leaves as `internal`, so that no client meets an undocumented code. */
async function run(bound: BoundOperation, context: Context, call: object, log: Logger): Promise<unknown> {
  try {
    return await bound.handler(context as never, call as never)
  } catch (error) {
    if (isProblem(error) && isDeclared(bound.operation, error.code)) return Promise.reject(error)
    log.error('operation failed', {
      operation: bound.operation.id,
      traceId: traceIdOf(context.traceparent),
      ...describeFailure(error),
    })
    throw commonProblems.internal.create(`${bound.operation.id} failed`, { cause: error })
  }
}

function describeFailure(error: unknown): Record<string, unknown> {
  if (isProblem(error)) return { undeclaredProblem: error.code, error }
  return { error }
}

const COMMON_CODES = new Set<string>(Object.values(commonProblems).map((definition) => definition.code))

export function isDeclared(operation: Pick<Operation, 'problems'>, code: string): boolean {
  return COMMON_CODES.has(code) || (operation.problems ?? []).some((definition) => definition.code === code)
}

function validateOutput(operation: Operation, output: unknown): unknown {
  if (operation.output === undefined) return undefined
  const result = operation.output.safeParse(output)
  if (result.success) return result.data
  throw commonProblems.internal.create(`${operation.id} made an answer that its contract does not allow`, {
    cause: result.error,
  })
}

function createIdMaker(
  operation: Operation,
  context: Context,
  idempotencyKey: string | undefined,
): (prefix: string) => string {
  if (idempotencyKey === undefined) return newId
  let ordinal = 0
  return (prefix) => {
    const { tenantId, spaceId, userId = '', principal } = context
    const seed = JSON.stringify([tenantId, spaceId, userId, principal.id, operation.id, idempotencyKey, ordinal++])
    return toId(prefix, derivedUuid(seed))
  }
}

/** UUIDv8 (RFC 9562, custom) from SHA-256: equal seeds give equal ids. */
function derivedUuid(seed: string): string {
  const bytes = new Uint8Array(createHash('sha256').update(seed).digest().subarray(0, 16))
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x80
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80
  return formatUuid(bytes)
}
