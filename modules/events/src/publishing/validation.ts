import {
  commonProblems,
  type Context,
  type FieldError,
  type Metrics,
  type Problem,
  schemaUri,
  type Topic,
  UNKNOWN_SCHEMA_URI,
} from '@soma/kernel'
import { schemaMismatch, unknownEventType } from '../../contract/problems.ts'
import type { Definitions, KnownDefinition, KnownSchema } from './definitions.ts'
import type { ReplyContracts } from './reply-contracts.ts'
import type { ParsedEvent, Stamp } from './stamp.ts'

export interface Warning {
  readonly code: string
  readonly detail: string
}

export interface ValidationOptions {
  readonly definitions: Definitions
  readonly replyContracts: ReplyContracts
  readonly validation: 'strict' | 'warn'
  readonly metrics: Metrics
}

export interface Verdict {
  readonly schemaId: string
  readonly warnings: readonly Warning[]
  /** In `warn` mode: what does not fit. */
  readonly violations: readonly FieldError[]
}

type Content = Pick<ParsedEvent, 'outcome' | 'data' | 'dataBase64' | 'dataRef'>

interface Place {
  readonly topic: Topic
  /** Where the event stands in the input. */
  readonly pointer: string
}

/** Holds an event against its type's schema and, where it is a reply, against the schema that its requester named (EVT-R5). @throws Problem in `strict` mode */
export async function validateEvent(
  input: ParsedEvent,
  at: Place & { readonly stamp: Stamp },
  options: ValidationOptions,
): Promise<Verdict> {
  const { context, now } = at.stamp
  const { type, dataSchema } = input
  const { definition, nearest } = await options.definitions.find(context, { topic: at.topic, type, dataSchema })
  if (definition === undefined) {
    const objections = [unknown({ type, ...at }, nearest)]
    return judge(objections, { schemaId: UNKNOWN_SCHEMA_URI, deprecations: [], options })
  }
  const contract = await options.replyContracts.of({ ...input, kind: definition.kind }, at.topic, at.stamp)
  const objections = [
    endOf(definition, type, now),
    mismatch(input, definition, at.pointer),
    contract === undefined || input.outcome === 'failed' ? undefined : mismatch(input, contract, at.pointer),
    await unknownContract(context, input, { pointer: at.pointer, definitions: options.definitions }),
  ]
  return judge(
    objections.filter((objection) => objection !== undefined),
    { schemaId: definition.schemaId, deprecations: deprecationOf(definition, type), options },
  )
}

/** Holds the data of a stored event against its own schema, whatever became of that version since. @throws unknown-event-type, schema-mismatch in `strict` mode */
export async function validateStored(
  context: Context,
  event: Content & Pick<ParsedEvent, 'type' | 'dataSchema'>,
  { topic, pointer, ...options }: Place & Pick<ValidationOptions, 'definitions' | 'validation'>,
): Promise<void> {
  if (options.validation === 'warn') return
  const { type, dataSchema } = event
  const { definition, nearest } = await options.definitions.find(context, { topic, type, dataSchema })
  const objection = definition === undefined ? unknown({ type, topic }, nearest) : mismatch(event, definition, pointer)
  if (objection !== undefined) throw objection.problem
}

interface Objection {
  readonly problem: Problem
  readonly violations: readonly FieldError[]
}

function judge(
  objections: readonly Objection[],
  { schemaId, deprecations, options }: { schemaId: string; deprecations: Warning[]; options: ValidationOptions },
): Verdict {
  const [first] = objections
  if (first === undefined) return { schemaId, warnings: deprecations, violations: [] }
  options.metrics.count('soma_events_validation_refused_total', { mode: options.validation })
  if (options.validation === 'strict') throw first.problem
  const warnings = objections.map(({ problem }) => ({ code: problem.code, detail: problem.message }))
  return {
    schemaId,
    warnings: [...deprecations, ...warnings],
    violations: objections.flatMap(({ violations }) => violations),
  }
}

function unknown({ type, topic }: { type: string; topic: Topic }, nearest: readonly string[]): Objection {
  const hint = nearest.length === 0 ? '' : `; the nearest are ${nearest.join(', ')}`
  const detail = `the type "${type}" is not registered on "${topic}"${hint}`
  return { problem: unknownEventType.create(detail, { nearest }), violations: [] }
}

/** A version that has ended is as unknown as one that never was. */
function endOf({ version, status, sunsetAt, replacedBy }: KnownDefinition, type: string, now: Date) {
  const isOver = status === 'deprecated' && sunsetAt !== undefined && Date.parse(sunsetAt) <= now.getTime()
  if (status !== 'retired' && !isOver) return undefined
  const end = isOver ? `ended at ${sunsetAt}` : 'is retired'
  const instead = replacedBy === undefined ? '' : `; use ${replacedBy}`
  const nearest = replacedBy === undefined ? [] : [`${type} ${replacedBy}`]
  const problem = unknownEventType.create(`version ${version} of "${type}" ${end}${instead}`, { nearest })
  return { problem, violations: [] }
}

function deprecationOf({ version, status, sunsetAt, replacedBy }: KnownDefinition, type: string): Warning[] {
  if (status !== 'deprecated') return []
  const instead = replacedBy === undefined ? '' : `; use ${replacedBy}`
  const end = sunsetAt === undefined ? '' : `; it is refused from ${sunsetAt}`
  return [{ code: 'deprecated-version', detail: `version ${version} of "${type}" is deprecated${instead}${end}` }]
}

function mismatch(
  input: Content & { readonly type: string },
  schema: KnownSchema,
  pointer: string,
): Objection | undefined {
  const errors =
    input.outcome === 'failed' ? failedReplyErrors(input.data, pointer) : dataErrors(input, schema, pointer)
  const [first] = errors
  if (first === undefined) return undefined
  const { schemaId } = schema
  const detail = `the data of "${input.type}" does not fit ${schemaId}: ${first.pointer} ${first.detail}`
  return { problem: schemaMismatch.create(detail, { errors, schemaId }), violations: errors }
}

function dataErrors({ data, dataBase64, dataRef }: Content, { validate }: KnownSchema, pointer: string): FieldError[] {
  if (dataBase64 !== undefined || dataRef !== undefined) return []
  return validate(data ?? null).map((issue) => ({ ...issue, pointer: `${pointer}/data${issue.pointer}` }))
}

/** The data of a failed reply is `{ problem: { code, detail } }`, whatever the type's schema says. */
function failedReplyErrors(data: unknown, pointer: string): FieldError[] {
  const problem = (data as { problem?: { code?: unknown; detail?: unknown } } | null | undefined)?.problem
  if (typeof problem?.code === 'string' && typeof problem.detail === 'string') return []
  return [
    {
      pointer: `${pointer}/data/problem`,
      code: 'failed-reply',
      detail: 'a failed reply has data.problem with code and detail',
    },
  ]
}

/** A request whose `responseSchema` nobody could check its replies against. */
async function unknownContract(
  context: Context,
  { responseSchema }: ParsedEvent,
  { pointer, definitions }: { pointer: string; definitions: Definitions },
): Promise<Objection | undefined> {
  if (responseSchema === undefined || (await definitions.findSchema(context, responseSchema)) !== undefined)
    return undefined
  const detail = `"${responseSchema}" names no registered schema; write ${schemaUri('<name>', '<version>')}`
  const errors = [{ pointer: `${pointer}/responseSchema`, code: 'unknown-schema', detail }]
  return { problem: commonProblems.invalidRequest.create(detail, { errors }), violations: [] }
}
