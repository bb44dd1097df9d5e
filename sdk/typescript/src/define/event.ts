import type { Topic } from '@soma/kernel'
import type { StandardSchema } from './standard-schema.ts'

/** An event that agents send and handle, with the types of its data. */
export interface SomaEvent<
  Type extends string = string,
  Input = unknown,
  Data = unknown,
  Response extends AnyEvent | undefined = AnyEvent | undefined,
> {
  readonly type: Type
  readonly topic: Topic
  readonly description: string
  /** Semver of the data. A registered version never changes: give changed data a higher one. */
  readonly version: string
  readonly data: StandardSchema<Input, Data>
  /** The reply that a request asks for, unless a delegation names another. */
  readonly response: Response
  readonly purpose?: string
  readonly examples: readonly unknown[]
  readonly tags: readonly string[]
  readonly sideEffects: 'none' | 'reversible' | 'irreversible'
  /** JSON Schema 2020-12 of the data. */
  readonly jsonSchema: Record<string, unknown> | boolean
}

export interface AnyEvent extends SomaEvent<string, unknown, unknown, AnyEvent | undefined> {}

export interface EventOptions<Type extends string, Input, Data, Response extends AnyEvent | undefined> {
  /** At least two segments; a request ends in `.requested`, a fact in a verb in the past. The platform's nouns are reserved. */
  readonly type: Type
  readonly topic: Topic
  readonly description: string
  /** Any Standard Schema. */
  readonly data: StandardSchema<Input, Data>
  readonly response?: Response
  /** Default 1.0.0. */
  readonly version?: string
  readonly purpose?: string
  /** Each must fit the data. */
  readonly examples?: readonly Input[]
  readonly tags?: readonly string[]
  /** Default `none`. */
  readonly sideEffects?: 'none' | 'reversible' | 'irreversible'
  /** Needed where the schema library cannot say it itself. */
  readonly jsonSchema?: Record<string, unknown>
}

/** Declares an event. Whoever sends, handles or answers it uses the value, so its name and data cannot be mistyped. It is registered with the agents that use it. */
export function defineEvent<const Type extends string, Input, Data, Response extends AnyEvent | undefined = undefined>(
  options: EventOptions<Type, Input, Data, Response>,
): SomaEvent<Type, Input, Data, Response> {
  const { type, topic, description, data, response, version, purpose, examples, tags, sideEffects } = options
  if (!/^[a-z0-9][a-z0-9-]*(\.[a-z0-9][a-z0-9-]*)+$/.test(type)) {
    throw new TypeError(`event type "${type}" must have at least two segments of a–z, 0–9 and hyphen, joined by dots`)
  }
  return {
    type,
    topic,
    description,
    version: version ?? '1.0.0',
    data,
    response: response as Response,
    ...(purpose === undefined ? {} : { purpose }),
    examples: examples ?? [],
    tags: tags ?? [],
    sideEffects: sideEffects ?? 'none',
    jsonSchema: options.jsonSchema ?? jsonSchemaOf(type, data),
  }
}

function jsonSchemaOf(type: string, schema: StandardSchema): Record<string, unknown> {
  const { jsonSchema, vendor } = schema['~standard']
  if (jsonSchema === undefined) {
    throw new TypeError(`event "${type}": ${vendor} schemas give no JSON Schema themselves; pass it as jsonSchema`)
  }
  const { $schema: _dialect, ...document } = jsonSchema.input({ target: 'draft-2020-12' })
  return document
}

/** What a sender gives. */
export type DataInput<Event> = Event extends SomaEvent<string, infer Input> ? Input : never
/** What a handler gets. */
export type EventData<Event> = Event extends { readonly data: StandardSchema<unknown, infer Data> } ? Data : never
/** What the reply of a request carries. */
export type ResponseInput<Event> = Event extends { readonly response: infer Response }
  ? Response extends AnyEvent
    ? DataInput<Response>
    : unknown
  : unknown
