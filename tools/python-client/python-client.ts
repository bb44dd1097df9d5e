import { commonProblems } from '@soma/kernel'
import { createTypeWriter, pascal, type SchemaNode, snake } from './python-types.ts'

interface Parameter {
  readonly name: string
  readonly in: 'path' | 'query' | 'header'
  readonly required: boolean
  readonly schema: SchemaNode
}
interface Media {
  readonly schema: SchemaNode
  readonly 'x-soma-frames'?: readonly (SchemaNode & { readonly title: string })[]
}
interface Described {
  readonly operationId: string
  readonly summary: string
  readonly parameters: readonly Parameter[]
  readonly requestBody?: { readonly content: Readonly<Record<string, Media>> }
  readonly responses: Readonly<
    Record<string, { readonly description: string; readonly content?: Record<string, Media> }>
  >
}
interface Operation extends Described {
  readonly module: string
  readonly noun: string
  readonly verb: string
  readonly method: string
  readonly path: string
}
export interface OpenApiDocument {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Described>>>>
}

type TypeWriter = ReturnType<typeof createTypeWriter>

/** Python file of every module and the one that binds them, by name: the whole of `soma.clients` that is not transport. */
export function generatePythonClients(document: OpenApiDocument): Readonly<Record<string, string>> {
  const operations = operationsOf(document)
  const modules = [...new Set(operations.map(({ module }) => module))]
  return {
    ...Object.fromEntries(
      modules.map((module) => [`${snake(module)}.py`, moduleFile(operations.filter((one) => one.module === module))]),
    ),
    'bound.py': boundFile(modules),
  }
}

const operationsOf = (document: OpenApiDocument): Operation[] =>
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, described]) => {
      const [module, noun, verb] = described.operationId.split('.') as [string, string, string]
      return { ...described, module, noun, verb, path, method: method.toUpperCase() }
    }),
  )

const NOTE = 'Generated from the OpenAPI document by `npm run docs`; do not edit.'

function moduleFile(operations: readonly Operation[]): string {
  const writer = createTypeWriter()
  nameNouns(operations, writer)
  const nouns = [...new Set(operations.map(({ noun }) => noun))]
  const classes = nouns.map((noun) => {
    const methods = operations.filter((one) => one.noun === noun).map((operation) => methodOf(operation, writer))
    return `class ${classOf(noun)}:\n${CONSTRUCTOR}\n${methods.join('\n')}`
  })
  const module = operations[0]?.module as string
  const members = nouns.map((noun) => `        self.${snake(noun)} = ${classOf(noun)}(transport)\n`)
  const root = `class ${pascal(module)}Client:\n    """Every operation of \`${module}\`."""\n\n    def __init__(self, transport: Transport) -> None:\n${members.join('')}`
  const body = [...writer.declarations, ...classes, root].join('\n\n')
  return `${headOf(`Operations of \`${module}\`.`, body)}\n\n${body}`
}

const classOf = (noun: string): string => `${pascal(noun)}Operations`
const CONSTRUCTOR = '    def __init__(self, transport: Transport) -> None:\n        self._transport = transport\n'

function headOf(title: string, body: string): string {
  const uses = (names: readonly string[]): string =>
    names.filter((name) => new RegExp(`\\b${name}\\b`).test(body)).join(', ')
  const line = (module: string, names: readonly string[]): string => {
    const used = uses(names)
    return used === '' ? '' : `from ${module} import ${used}\n`
  }
  return [
    `"""${title}\n\n${NOTE}\n"""\n\nfrom __future__ import annotations\n\n`,
    body.includes('builtins.') ? 'import builtins\n' : '',
    line('collections.abc', ['AsyncIterator']),
    line('typing', ['Any', 'Literal', 'NotRequired', 'TypedDict', 'cast']),
    '\n',
    line('soma.clients.transport', ['ControlFrame', 'Frames', 'Request', 'Transport', 'in_path']),
  ].join('')
}

/** What `get`, `create` and `update` answer is the noun itself: those types get the plain names. */
function nameNouns(operations: readonly Operation[], writer: TypeWriter): void {
  for (const verb of ['get', 'create', 'update']) {
    for (const operation of operations.filter((one) => one.verb === verb)) {
      const schema = answerOf(operation)?.schema
      if (schema?.type === 'object') writer.typeOf(schema, singular(pascal(operation.noun)))
    }
  }
}

const singular = (name: string): string => name.replace(/ies$/, 'y').replace(/(?<!s)s$/, '')

const answerOf = (operation: Operation): Media | undefined => {
  const [, success] = Object.entries(operation.responses).find(([status]) => status.startsWith('2')) ?? []
  return success?.content?.['application/json'] ?? success?.content?.['text/event-stream']
}

const COMMON = new Set<string>(Object.values(commonProblems).map(({ code }) => code))

function docOf({ summary, responses }: Operation): string {
  const codes = Object.entries(responses)
    .filter(([status]) => Number(status) >= 400)
    .flatMap(([, { description }]) => description.split(', '))
    .filter((code) => !COMMON.has(code))
  const problems = codes.length === 0 ? '' : `\n\n        Problems of its own: ${codes.join(', ')}.\n        `
  return `        """${`${summary}${problems}`.replaceAll('\\', String.raw`\\`)}"""\n`
}

interface Argument {
  readonly name: string
  readonly type: string
  readonly isRequired: boolean
}

function argumentsOf(operation: Operation, writer: TypeWriter): { positional: Argument[]; named: Argument[] } {
  const of = (place: Parameter['in']) => operation.parameters.filter((parameter) => parameter.in === place)
  const base = pascal(operation.noun) + pascal(operation.verb)
  const typed = ({ name, required, schema }: Parameter): Argument => ({
    name: snake(name),
    type: writer.typeOf(schema, base + pascal(name)),
    isRequired: required,
  })
  const body = operation.requestBody?.content['application/json']
  return {
    positional: of('path').map(typed),
    named: [
      ...(body === undefined
        ? []
        : [{ name: 'body', type: writer.typeOf(body.schema, `${base}Body`), isRequired: true }]),
      ...of('query').map(typed),
      ...of('header').map(({ name, required }) => ({
        name: snake(name),
        type: name === 'If-Match' ? 'int | str' : 'str',
        isRequired: required,
      })),
    ],
  }
}

/** Inside a class that has a method `list`, the type is reached by its full name. */
const inClass = (type: string): string => type.replaceAll(/\blist\[/g, 'builtins.list[')

function signatureOf({ positional, named }: ReturnType<typeof argumentsOf>): string {
  const written = ({ name, type, isRequired }: Argument): string =>
    isRequired ? `${name}: ${inClass(type)}` : `${name}: ${inClass(type)} | None = None`
  const ordered = named.toSorted((left, right) => Number(right.isRequired) - Number(left.isRequired))
  return ['self', ...positional.map(written), ...(ordered.length === 0 ? [] : ['*', ...ordered.map(written)])]
    .map((argument) => `        ${argument},\n`)
    .join('')
}

function requestOf(operation: Operation): string {
  const path = operation.path.replaceAll(/\{(\w+)\}/g, (_match, name: string) => `{in_path(${snake(name)})}`)
  const pairs = (place: Parameter['in']): string =>
    operation.parameters
      .filter((parameter) => parameter.in === place)
      .map(({ name }) => `                "${place === 'header' ? name.toLowerCase() : name}": ${snake(name)},\n`)
      .join('')
  const member = (name: string, text: string): string =>
    text === '' ? '' : `            ${name}={\n${text}            },\n`
  return [
    'Request(\n',
    `            "${operation.method}",\n            ${path === operation.path ? '' : 'f'}"${path}",\n`,
    member('query', pairs('query')),
    member('headers', pairs('header')),
    operation.requestBody === undefined ? '' : '            body=body,\n',
    '        )',
  ].join('')
}

function methodOf(operation: Operation, writer: TypeWriter): string {
  const name = snake(operation.verb)
  const given = argumentsOf(operation, writer)
  const answer = answerOf(operation)
  const base = pascal(operation.noun) + pascal(operation.verb)
  const head = (type: string): string =>
    `    async def ${name}(\n${signatureOf(given)}    ) -> ${type}:\n${docOf(operation)}`
  const request = requestOf(operation)
  if (answer === undefined) return `${head('None')}        await self._transport.call(${request})\n`
  const frames = answer['x-soma-frames']
  if (frames !== undefined) {
    const type = [...frames.map((frame) => frameOf(frame, base, writer)), 'ControlFrame'].join(' | ')
    return `${head(`Frames[${type}]`)}        return Frames(await self._transport.open(${request}))\n`
  }
  const type = inClass(writer.typeOf(answer.schema, `${base}Answer`))
  const method = `${head(type)}        answer = await self._transport.call(${request})\n        return cast(${quoted(type)}, answer)\n`
  return isPaged(operation, answer) ? `${method}\n${allOf(operation, given, writer)}` : method
}

const quoted = (type: string): string => (/^\w+$/.test(type) ? type : JSON.stringify(type))

function frameOf(frame: SchemaNode & { title: string }, base: string, writer: TypeWriter): string {
  const { title, ...schema } = frame
  const name = base + pascal(title)
  const data = writer.typeOf(schema, name)
  return writer.declare(
    [
      ['event', `Literal["${title}"]`],
      ['data', data],
      ['id', 'NotRequired[str]'],
    ],
    `${name}Frame`,
  )
}

const isPaged = ({ parameters }: Operation, { schema }: Media): boolean =>
  schema.properties?.items?.type === 'array' &&
  schema.properties.nextCursor !== undefined &&
  parameters.some(({ name }) => name === 'cursor')

/** Reads page after page. */
function allOf(operation: Operation, given: ReturnType<typeof argumentsOf>, writer: TypeWriter): string {
  const base = pascal(operation.noun) + pascal(operation.verb)
  const item = writer.typeOf(answerOf(operation)?.schema.properties?.items?.items ?? {}, `${base}AnswerItemsItem`)
  const named = given.named.filter(({ name }) => name !== 'cursor')
  const passed = [
    ...given.positional.map(({ name }) => name),
    ...named.map(({ name }) => `${name}=${name}`),
    'cursor=cursor',
  ].join(', ')
  const verb = snake(operation.verb)
  return [
    `    async def ${verb}_all(\n${signatureOf({ ...given, named })}    ) -> AsyncIterator[${inClass(item)}]:\n`,
    `        """Every item of \`${verb}\`, page after page."""\n`,
    `        cursor: str | None = None\n        while True:\n            page = await self.${verb}(${passed})\n`,
    '            for item in page["items"]:\n                yield item\n',
    '            cursor = page.get("nextCursor")\n            if cursor is None:\n                return\n',
  ].join('')
}

function boundFile(modules: readonly string[]): string {
  const imports = modules
    .toSorted()
    .map((module) => `    from soma.clients.${snake(module)} import ${pascal(module)}Client\n`)
  const members = modules.map(
    (module) =>
      `    @cached_property\n    def ${snake(module)}(self) -> ${pascal(module)}Client:\n        from soma.clients.${snake(module)} import ${pascal(module)}Client\n\n        return ${pascal(module)}Client(self._transport)\n`,
  )
  return [
    `"""Clients of every module over one transport.\n\n${NOTE}\n"""\n\n`,
    'from __future__ import annotations\n\nfrom functools import cached_property\nfrom typing import TYPE_CHECKING\n\n',
    `if TYPE_CHECKING:\n${imports.join('')}    from soma.clients.transport import Transport\n\n\n`,
    'class BoundClients:\n    """A typed client of every operation; a module is loaded when it is first used."""\n\n',
    `${CONSTRUCTOR}\n${members.join('\n')}`,
  ].join('')
}
