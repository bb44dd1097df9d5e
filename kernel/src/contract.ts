import type * as z from 'zod'
import type { Json } from './json.ts'
import type { ProblemDefinition } from './problem.ts'
import type { Topic } from './topics.ts'

export type Schema = z.ZodType

/** What the caller must hold. `public` = anybody; `authenticated` = any proven caller; `internal` = modules of the platform alone. */
export type RequiredCapability = `${string}:${string}` | 'public' | 'authenticated' | 'internal'

export interface OperationShape {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** `/v1/<module>/<nouns>/{nounId}`; parameters in braces. */
  readonly path: string
  /** One sentence for people: documentation, OpenAPI, command-line help. */
  readonly summary: string
  readonly capability: RequiredCapability
  /** What policy decides on: `plan.create`. */
  readonly action?: string
  readonly params?: Schema
  readonly query?: Schema
  readonly body?: Schema
  /** Absent = no content. For a stream: absent, and `stream` says what is sent. */
  readonly output?: Schema
  /** Default 200; 201 for POST that creates; 204 without an output. */
  readonly status?: number
  /** SSE: event name → schema of its data. The handler answers an async iterable of frames. */
  readonly stream?: Readonly<Record<string, Schema>>
  /** Problems beside the common ones. */
  readonly problems?: readonly ProblemDefinition[]
  /** Its answer is a document: JSON, or YAML where `Accept` asks for it, with an `ETag` of its bytes; 304 where `If-None-Match` has that. */
  readonly document?: true
  /** Requires `If-Match: "<version>"` and answers 412 `version-conflict` when the handler says so; `optional`: without it the last write wins. */
  readonly ifMatch?: true | 'optional'
  /** Its answer may take as long as the caller allows: a process that stops ends it with `unavailable`, and the caller asks again elsewhere. */
  readonly waits?: true
  /** Default 1 MiB. */
  readonly bodyLimitBytes?: number
  /** Further content types of the body beside `application/json`; `*\/*` = any, of a CloudEvent in binary mode, told by `ce-specversion`. */
  readonly accepts?: readonly string[]
  /** Its answer holds a secret: what a repeat with the same Idempotency-Key gets is stored sealed, readable with that key alone. */
  readonly secret?: true
  /** Makes the body from a request in a further content type or from headers, before validation. Pure. Throws a problem for what cannot be read. */
  readonly decode?: (request: RawRequest) => unknown
}

export interface RawRequest {
  /** The header as it came, parameters included. */
  readonly contentType: string
  readonly headers: Readonly<Record<string, string | undefined>>
  /** Parsed JSON for JSON types, else the bytes (`Uint8Array`); undefined without a body. */
  readonly body: unknown
}

export interface Operation extends OperationShape {
  /** `<module>.<nouns>.<verb>`, kebab-case, from its place in the contract. */
  readonly id: string
}

/** Declares an operation; its id comes from its place in the contract. */
export const operation = <const O extends OperationShape>(shape: O): O => shape

export interface EventDefinition<Type extends string = string, Data extends Schema = Schema> {
  /** `noun.verb-in-past` for facts, `noun.….requested` for work. */
  readonly type: Type
  readonly topic: Topic
  readonly data: Data
  readonly summary: string
  /** Semver of the data schema. Default 1.0.0. */
  readonly version: string
}

/** Declares an event. */
export function event<const Type extends string, Data extends Schema>(
  shape: Omit<EventDefinition<Type, Data>, 'version'> & { version?: string },
): EventDefinition<Type, Data> {
  return { version: '1.0.0', ...shape }
}

export interface SettingDefinition<Value extends Schema = Schema> {
  readonly type: Value
  readonly default: z.output<Value>
  /** What it does and why this default: shown by `soma config`. */
  readonly summary: string
  /** Unit, where the name does not carry it. */
  readonly unit?: string
  /** Values of modes that differ from the default. */
  readonly modes?: Readonly<Partial<Record<Mode, z.output<Value>>>>
  /** Shown masked. */
  readonly sensitive?: boolean
  /** Environment variables of a system that this one replaces, read where its own is not set; the first wins. */
  readonly environmentAliases?: readonly string[]
}

export const MODES = [
  'developer-light',
  'developer-full',
  'test',
  'test-debug',
  'production',
  'production-debug',
] as const
export type Mode = (typeof MODES)[number]

/** Declares a setting; its key is `<module>.<name>`. */
export const setting = <Value extends Schema>(definition: SettingDefinition<Value>): SettingDefinition<Value> =>
  definition

/** Operations by noun and verb in camelCase: `{ plans: { create: operation(…) } }` is `plans.plans.create`. */
export type OperationTree = Readonly<Record<string, Readonly<Record<string, OperationShape>>>>

export interface Contract<
  Name extends string = string,
  Operations extends OperationTree = OperationTree,
  Settings extends Readonly<Record<string, SettingDefinition>> = Readonly<Record<string, SettingDefinition>>,
> {
  readonly module: Name
  /** One sentence: the question the module answers. */
  readonly summary: string
  readonly operations: Operations
  readonly events: readonly EventDefinition[]
  /** Problems that stand inside results or facts, beside those its operations list. */
  readonly problems?: readonly ProblemDefinition[]
  /** Capability → what it allows. Declared by the module that owns the noun. */
  readonly capabilities: Readonly<Record<string, string>>
  readonly settings: Settings
  /** Capabilities of the module's own service principal in jobs and handlers (IDN-R61). */
  readonly jobCapabilities?: readonly string[]
}

/** Declares a module's promise as plain data. */
export function contract<
  const Name extends string,
  Operations extends OperationTree,
  Settings extends Readonly<Record<string, SettingDefinition>>,
>(shape: Contract<Name, Operations, Settings>): Contract<Name, Operations, Settings> {
  return shape
}

export const kebab = (text: string): string => text.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)

/** `<module>.<nouns>.<verb>` in kebab-case. */
export const operationId = (module: string, noun: string, verb: string): string =>
  `${module}.${kebab(noun)}.${kebab(verb)}`

/** All operations of a contract with their ids, in declaration order. */
export function operationsOf(contract: Contract): (Operation & { noun: string; verb: string })[] {
  return Object.entries(contract.operations).flatMap(([noun, verbs]) =>
    Object.entries(verbs).map(([verb, shape]) => ({
      ...shape,
      id: operationId(contract.module, noun, verb),
      noun,
      verb,
    })),
  )
}

type Part<Key extends string, Out> = Out extends undefined ? Record<never, never> : { readonly [K in Key]: Out }
type InputOf<S> = S extends Schema ? z.input<S> : undefined
type OutputOf<S> = S extends Schema ? z.output<S> : undefined
type Member<O, Key extends keyof OperationShape> = O extends { readonly [K in Key]: infer S } ? S : undefined

type RequiredPart<Key extends string, Value> = undefined extends Value
  ? Record<never, never>
  : Record<never, never> extends Value
    ? { readonly [K in Key]?: Value }
    : { readonly [K in Key]: Value }

type MatchPart<O> = O extends { ifMatch: true }
  ? { readonly ifMatch: number }
  : O extends { ifMatch: 'optional' }
    ? { readonly ifMatch?: number }
    : Record<never, never>

/** What a client passes to call an operation. */
export type OperationInput<O extends OperationShape> = RequiredPart<'params', InputOf<Member<O, 'params'>>> &
  RequiredPart<'query', InputOf<Member<O, 'query'>>> &
  RequiredPart<'body', InputOf<Member<O, 'body'>>> &
  MatchPart<O> & {
    /** For POST: the same key and body give the stored answer. Default: a new random key for each call. */
    readonly idempotencyKey?: string
    readonly signal?: AbortSignal
    /** Streams: resume after this cursor. */
    readonly lastEventId?: string
  }

export interface StreamFrame<Name extends string = string, Data = unknown> {
  /** Cursor for `Last-Event-ID`. */
  readonly id?: string
  readonly event: Name
  readonly data: Data
}

type FramesOf<Stream> =
  | { [Name in keyof Stream & string]: StreamFrame<Name, OutputOf<Stream[Name]>> }[keyof Stream & string]
  | ControlFrame

/** The same on every stream. `gap`: what a slow reader missed; `drain`: this process stops, resume elsewhere; `closed`: the right or the resource has ended. */
export type ControlFrame =
  | StreamFrame<'gap', { topic?: string; from: string; to: string; lost?: number; reason: string }>
  | StreamFrame<'drain', { cursor?: string; retryAfterMs: number }>
  | StreamFrame<'closed', { reason: string }>

/** What an operation answers. */
export type OperationOutput<O extends OperationShape> = O extends { readonly stream: infer Stream }
  ? AsyncIterable<FramesOf<Stream>>
  : O extends { readonly output: infer S }
    ? OutputOf<S>
    : undefined

/** What a handler receives beside the context: parsed parts of the request. */
export type OperationCall<O extends OperationShape> = Part<'params', OutputOf<Member<O, 'params'>>> &
  Part<'query', OutputOf<Member<O, 'query'>>> &
  Part<'body', OutputOf<Member<O, 'body'>>> &
  MatchPart<O> & {
    readonly idempotencyKey?: string
    readonly lastEventId?: string
    /** Aborts when the caller has gone or the process drains. */
    readonly signal: AbortSignal
    /**
     * A new id with a prefix. With an Idempotency-Key it is derived from (tenant, principal, operation, key, ordinal), so a request that is repeated after a crash
     * makes the same ids again and a primary key refuses the double.
     */
    newId(prefix: string): string
  }

export type DataOf<E extends EventDefinition> = z.output<E['data']>
export type DataInputOf<E extends EventDefinition> = z.input<E['data']>

export type SettingValues<C extends Contract> = {
  readonly [Name in keyof C['settings']]: z.output<C['settings'][Name]['type']>
}

export type { Json }
