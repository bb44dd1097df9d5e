import type { Context } from './context.ts'
import type { Contract, OperationInput, OperationOutput, OperationShape } from './contract.ts'

type Arguments<Input> = Record<never, never> extends Input ? [input?: Input] : [input: Input]

/** A module's client: `clients.governance.gates.open(context, { body })`. In process or over HTTP, with the same validation, authorization and tracing. Throws `Problem`. */
export type Client<C extends Contract> = {
  readonly [Noun in keyof C['operations']]: {
    readonly [Verb in keyof C['operations'][Noun]]: (
      context: Context,
      ...input: Arguments<OperationInput<C['operations'][Noun][Verb]>>
    ) => Promise<OperationOutput<C['operations'][Noun][Verb]>>
  }
}

/** A client whose caller is fixed: `clients.plans.plans.create({ body })`. */
export type BoundClient<C extends Contract> = {
  readonly [Noun in keyof C['operations']]: {
    readonly [Verb in keyof C['operations'][Noun]]: (
      ...input: Arguments<OperationInput<C['operations'][Noun][Verb]>>
    ) => Promise<OperationOutput<C['operations'][Noun][Verb]>>
  }
}

/** How a client reaches operations: in process the handler is called directly, apart it is an HTTP request. Answers an AsyncIterable of frames for streams. */
export type Transport = (call: {
  contract: Contract
  noun: string
  verb: string
  operation: OperationShape
  /** The module whose client it is; absent when the server or a program outside calls. */
  caller?: string
  context?: Context
  input: Record<string, unknown>
}) => Promise<unknown>

/** Builds the client object of a contract over a transport; `bound` leaves the context out of the arguments. */
export function buildClient<C extends Contract>(contract: C, transport: Transport): Client<C> {
  return tree(
    contract,
    (noun, verb, operation) =>
      (context: Context, input: Record<string, unknown> = {}) =>
        transport({ contract, noun, verb, operation, context, input }),
  ) as Client<C>
}

export function buildBoundClient<C extends Contract>(contract: C, transport: Transport): BoundClient<C> {
  return tree(
    contract,
    (noun, verb, operation) =>
      (input: Record<string, unknown> = {}) =>
        transport({ contract, noun, verb, operation, input }),
  ) as BoundClient<C>
}

function tree(contract: Contract, make: (noun: string, verb: string, operation: OperationShape) => unknown): unknown {
  return Object.fromEntries(
    Object.entries(contract.operations).map(([noun, verbs]) => [
      noun,
      Object.fromEntries(Object.entries(verbs).map(([verb, operation]) => [verb, make(noun, verb, operation)])),
    ]),
  )
}
