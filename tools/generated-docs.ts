/**
 * `npm run docs`: writes `docs/reference/` and the clients of the Python SDK from the contracts (every problem, event and operation of the platform), and `llms.txt` from the pages.
 * `--check` writes nothing and fails where a page is not what the contracts say.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { DEFAULT_RETENTION_MS, TOPIC_ALIASES } from '@soma/events/contract'
import { commonProblems, type Contract, type JsonSchema, operationsOf, TENANT_TOPICS, TOPICS } from '@soma/kernel'
import { jsonSchemaOf, levelOf, SCHEMA_CHANGES, type SchemaChangeName } from '@soma/registry/contract'
import { problemsOf, toOpenApi } from '@soma/runtime'
import { contractsOf, somaPlatform } from '@soma/server'
import { type Finding, reportFindings } from './finding.ts'
import { llmsText } from './llms-text.ts'
import { generatePythonClients, type OpenApiDocument } from './python-client/python-client.ts'

const FOLDER = 'docs/reference'
const NOTE = 'Generated from the contracts by `npm run docs`; do not edit.'

/** Page name → text. */
export function generateDocs(contracts: readonly Contract[]): Readonly<Record<string, string>> {
  return {
    'errors.md': errorsPage(contracts),
    'events.md': eventsPage(contracts),
    'api.md': apiPage(contracts),
    '../compatibility.md': compatibilityPage(),
    ...pythonClients(contracts),
  }
}

const PYTHON_CLIENTS = '../../sdk/python/src/soma/clients'

function pythonClients(contracts: readonly Contract[]): Readonly<Record<string, string>> {
  const document = toOpenApi(contracts, { version: '' }) as unknown as OpenApiDocument
  const files = Object.entries(generatePythonClients(document))
  return Object.fromEntries(files.map(([name, text]) => [`${PYTHON_CLIENTS}/${name}`, text]))
}

const page = (title: string, sections: readonly string[]): string =>
  `${[`# ${title}`, NOTE, ...sections].join('\n\n')}\n`
const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.map(escapeCell).join(' | ')} |`).join('\n')
const escapeCell = (text: string): string => text.replaceAll('|', String.raw`\|`).replaceAll('\n', ' ')

function errorsPage(contracts: readonly Contract[]): string {
  const common = new Set<string>(Object.values(commonProblems).map(({ code }) => code))
  const rows = [...problemsOf(contracts).values()]
    .toSorted((left, right) => (left.code < right.code ? -1 : 1))
    .map(({ code, status, title, remedy, retryable }) => [
      `\`${code}\``,
      String(status),
      title,
      remedy,
      retryable ? 'yes' : 'no',
      common.has(code) ? 'every operation' : answeredBy(contracts, code),
    ])
  return page('Problems', [
    table(['code', 'status', 'what', 'remedy', 'same request may succeed later', 'answered by'], rows),
  ])
}

const answeredBy = (contracts: readonly Contract[], code: string): string =>
  contracts
    .flatMap((contract) => operationsOf(contract))
    .filter(({ problems = [] }) => problems.some((problem) => problem.code === code))
    .map(({ id }) => `\`${id}\``)
    .join(', ') || 'results and facts'

function eventsPage(contracts: readonly Contract[]): string {
  const sections = contracts
    .filter(({ events }) => events.length > 0)
    .map(({ module, events }) => {
      const rows = events.map((event) => [
        `\`${event.type}\``,
        `\`${event.topic}\``,
        event.version,
        event.summary,
        fieldsOf(jsonSchemaOf(event)),
      ])
      return `## ${module}\n\n${table(['type', 'topic', 'version', 'what', 'data'], rows)}`
    })
  return page('Events', [
    'Types are CloudEvents on fixed topics. The same as a machine reads it: `/asyncapi.json`; those of tenants: `GET /v1/registry/events`. A `?` marks what may be missing.',
    topicsSection(),
    ...sections,
  ])
}

const DAY_MS = 86_400_000

function topicsSection(): string {
  const rows = TOPICS.map((topic) => [
    `\`${topic}\``,
    (TENANT_TOPICS as readonly string[]).includes(topic) ? 'tenants and modules' : 'modules',
    `${DEFAULT_RETENTION_MS[topic] / DAY_MS} d`,
    TOPIC_ALIASES.filter(({ topics }) => topics.includes(topic))
      .map(({ name }) => `\`${name}\``)
      .join(', '),
  ])
  return `## Topics\n\n${table(['topic', 'written by', 'retention unless set', 'aliases'], rows)}`
}

function fieldsOf(schema: JsonSchema): string {
  const { properties = {}, required = [] } = schema as { properties?: object; required?: readonly string[] }
  return Object.keys(properties)
    .map((name) => `\`${name}${required.includes(name) ? '' : '?'}\``)
    .join(' ')
}

function apiPage(contracts: readonly Contract[]): string {
  const sections = contracts
    .filter((contract) => operationsOf(contract).length > 0)
    .map((contract) => {
      const rows = operationsOf(contract).map((operation) => [
        `\`${operation.id}\``,
        `\`${operation.method} ${operation.path}\``,
        `\`${operation.capability}\``,
        operation.stream === undefined
          ? String(operation.status ?? (operation.output === undefined ? 204 : 200))
          : 'SSE',
        operation.summary,
        (operation.problems ?? []).map(({ code }) => `\`${code}\``).join(', '),
      ])
      const head = ['operation', 'request', 'capability', 'answer', 'what', 'problems beside those of every operation']
      return `## ${contract.module}\n\n${contract.summary}\n\n${table(head, rows)}`
    })
  return page('Operations', sections)
}

function compatibilityPage(): string {
  const rows = (Object.keys(SCHEMA_CHANGES) as SchemaChangeName[]).map((change) => [
    `\`${change}\``,
    SCHEMA_CHANGES[change].what,
    levelOf(change, 'request'),
    levelOf(change, 'reply'),
  ])
  const text =
    'What a change of an event or a schema asks of its version. Within a major version only additive changes are taken; the registry refuses a version that is too low with `schema-incompatible`, and `soma schemas check` and `soma schemas diff` say it before. A schema by its own name is held to the strictest column. What cannot be decided is major.'
  return page('Compatibility', [text, table(['change', 'what', 'on a request', 'on a reply or fact'], rows)])
}

/** The pages at `root` that are not what the contracts say. */
export function stalePages(root: string, pages: Readonly<Record<string, string>>): Finding[] {
  return Object.entries(pages)
    .filter(([name, text]) => readIfThere(join(root, FOLDER, name)) !== text)
    .map(([name]) => ({
      path: join(FOLDER, name),
      rule: 'generated-docs',
      message: 'is not what the contracts and pages say',
      remedy: 'npm run docs',
    }))
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

function writePages(root: string, pages: Readonly<Record<string, string>>): void {
  mkdirSync(join(root, FOLDER), { recursive: true })
  for (const [name, text] of Object.entries(pages)) writeFileSync(join(root, FOLDER, name), text)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const pages = { ...generateDocs(contractsOf(somaPlatform)), '../../llms.txt': llmsText(process.cwd()) }
  if (!process.argv.includes('--check')) writePages(process.cwd(), pages)
  reportFindings(stalePages(process.cwd(), pages), `${FOLDER} says what the contracts say`)
}
