import {
  commonProblems,
  type Contract,
  type Operation,
  operationsOf,
  type ProblemDefinition,
  type Schema,
} from '@soma/kernel'
import * as z from 'zod'

type Document = Record<string, unknown>

const PROBLEM_SCHEMA = {
  type: 'object',
  required: ['type', 'code', 'title', 'status', 'detail', 'remedy', 'retryable'],
  properties: {
    type: { type: 'string' },
    code: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string' },
    remedy: { type: 'string' },
    retryable: { type: 'boolean' },
    traceId: { type: 'string' },
    errors: {
      type: 'array',
      items: {
        type: 'object',
        required: ['pointer', 'code', 'detail'],
        properties: { pointer: { type: 'string' }, code: { type: 'string' }, detail: { type: 'string' } },
      },
    },
  },
}

/** The OpenAPI 3.1 document of some contracts: every operation with its input, output and all its problems. */
export function toOpenApi(contracts: readonly Contract[], info: { version: string }): Document {
  const definitions: Definitions = new Map()
  const paths: Record<string, Record<string, unknown>> = {}
  for (const contract of contracts) {
    for (const operation of operationsOf(contract)) {
      paths[operation.path] ??= {}
      ;(paths[operation.path] as Record<string, unknown>)[operation.method.toLowerCase()] = describeOperation(
        contract,
        operation,
        definitions,
      )
    }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Soma',
      version: info.version,
      license: { name: 'MIT', identifier: 'MIT' },
      description: 'One platform for AI agents that work together.',
    },
    servers: [{ url: '/' }],
    tags: contracts.map((contract) => ({ name: contract.module, description: contract.summary })),
    paths,
    components: {
      schemas: {
        Problem: PROBLEM_SCHEMA,
        ...Object.fromEntries([...definitions.values()].map(({ name, schema }) => [name, schema])),
      },
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: 'An API key (soma_…) or an access token.' },
      },
    },
  }
}

function describeOperation(contract: Contract, operation: Operation, definitions: Definitions): Document {
  return {
    operationId: operation.id,
    tags: [contract.module],
    summary: operation.summary,
    'x-soma-capability': operation.capability,
    ...(operation.action === undefined ? {} : { 'x-soma-action': operation.action }),
    security: operation.capability === 'public' ? [] : [{ bearer: [] }],
    parameters: [
      ...parametersOf(operation.params, 'path', definitions),
      ...parametersOf(operation.query, 'query', definitions),
      ...headerParameters(operation),
    ],
    ...(operation.body === undefined
      ? {}
      : { requestBody: { required: true, content: bodyContent(operation, operation.body, definitions) } }),
    responses: responsesOf(operation, definitions),
  }
}

function bodyContent(operation: Operation, body: Schema, definitions: Definitions): Document {
  const schema = toJsonSchema(body, 'input', definitions)
  return {
    'application/json': { schema },
    ...Object.fromEntries((operation.accepts ?? []).map((type) => [type, { schema: {} }])),
  }
}

const ANSWER_STORED = 'The same key and body give the stored answer for 24 hours.'
const ANSWER_SEALED = `${ANSWER_STORED} It holds a secret, so it is kept sealed under this key, which must be hard to guess.`

function headerParameters(operation: Operation): Document[] {
  const parameters: Document[] = []
  if (operation.ifMatch !== undefined)
    parameters.push(header('If-Match', 'The version that was read, in quotes.', operation.ifMatch === true))
  if (operation.method === 'POST')
    parameters.push(
      header('Idempotency-Key', operation.secret === true ? ANSWER_SEALED : ANSWER_STORED, false, { maxLength: 255 }),
    )
  if (operation.stream !== undefined) parameters.push(header('Last-Event-ID', 'Resume after this cursor.', false))
  return parameters
}

const header = (name: string, description: string, required: boolean, extra: Document = {}): Document => ({
  name,
  in: 'header',
  required,
  description,
  schema: { type: 'string', ...extra },
})

function parametersOf(schema: Schema | undefined, place: 'path' | 'query', definitions: Definitions): Document[] {
  if (schema === undefined) return []
  const { properties = {}, required = [] } = toJsonSchema(schema, 'input', definitions) as {
    properties?: Record<string, unknown>
    required?: string[]
  }
  return Object.entries(properties).map(([name, member]) => ({
    name,
    in: place,
    required: place === 'path' || required.includes(name),
    schema: member,
  }))
}

function responsesOf(operation: Operation, definitions: Definitions): Document {
  const status = successStatus(operation)
  return {
    [status]: successResponse(operation, definitions),
    ...(operation.document === true
      ? { 304: { description: 'The document is the one that If-None-Match names.' } }
      : {}),
    ...problemResponses([...Object.values(commonProblems), ...(operation.problems ?? [])]),
  }
}

export function successStatus(operation: Pick<Operation, 'status' | 'output' | 'stream'>): number {
  return operation.status ?? (operation.output === undefined && operation.stream === undefined ? 204 : 200)
}

function successResponse(operation: Operation, definitions: Definitions): Document {
  if (operation.stream !== undefined) {
    const frames = Object.entries(operation.stream).map(([name, schema]) => ({
      title: name,
      ...toJsonSchema(schema, 'output', definitions),
    }))
    return {
      description: `Server-sent events: ${Object.keys(operation.stream).join(', ')}, and the control frames gap, drain, closed.`,
      content: { 'text/event-stream': { schema: { type: 'string' }, 'x-soma-frames': frames } },
    }
  }
  if (operation.output === undefined) return { description: 'Done.' }
  const json = { 'application/json': { schema: toJsonSchema(operation.output, 'output', definitions) } }
  const yaml = operation.document === true ? { 'application/yaml': { schema: { type: 'string' } } } : {}
  return { description: 'Done.', content: { ...json, ...yaml } }
}

function problemResponses(problems: readonly ProblemDefinition[]): Document {
  const byStatus = new Map<number, Set<string>>()
  for (const problem of problems)
    byStatus.set(problem.status, (byStatus.get(problem.status) ?? new Set()).add(problem.code))
  return Object.fromEntries(
    [...byStatus].map(([status, codes]) => [
      status,
      {
        description: [...codes].join(', '),
        content: {
          'application/problem+json': {
            schema: {
              allOf: [{ $ref: '#/components/schemas/Problem' }, { properties: { code: { enum: [...codes] } } }],
            },
          },
        },
      },
    ]),
  )
}

/** Recursive schemas by their text: they stand in the components, since a reference is resolved from the root of the document. */
type Definitions = Map<string, { readonly name: string; readonly schema: Document }>

function toJsonSchema(schema: Schema, io: 'input' | 'output', definitions: Definitions): Document {
  const {
    $schema: _dialect,
    $defs = {},
    ...rest
  } = z.toJSONSchema(schema, {
    io,
    target: 'draft-2020-12',
    unrepresentable: 'any',
    reused: 'inline',
    cycles: 'ref',
  }) as Document & { $defs?: Record<string, Document> }
  const names = Object.fromEntries(
    Object.entries($defs).map(([local, definition]) => [local, nameOf(local, definition, definitions)]),
  )
  return JSON.parse(
    JSON.stringify(rest).replaceAll(
      /"#\/\$defs\/(\w+)"/g,
      (_match, local: string) => `"#/components/schemas/${names[local]}"`,
    ),
  ) as Document
}

/** Zod recurses within one schema at a time (`z.json()`), so a definition refers to nothing but itself. */
function nameOf(local: string, definition: Document, definitions: Definitions): string {
  const text = JSON.stringify(definition)
  const known = definitions.get(text.replaceAll(`#/$defs/${local}"`, '#"'))
  if (known !== undefined) return known.name
  const name = `Recursive${definitions.size + 1}`
  const schema = JSON.parse(text.replaceAll(`#/$defs/${local}"`, `#/components/schemas/${name}"`)) as Document
  definitions.set(text.replaceAll(`#/$defs/${local}"`, '#"'), { name, schema })
  return name
}
