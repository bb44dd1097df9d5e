import { withoutUndefined } from '@soma/kernel'
import {
  CHANGE_LEVELS,
  compareSchemas,
  type DataKind,
  type SchemaChange,
  type SchemaReport,
} from '@soma/registry/contract'
import type { Clients } from '@soma/sdk/clients'
import { EXIT, UsageError } from '../failure.ts'
import { fieldsView, pageView, type View } from '../output/view.ts'
import { readValue } from '../read-value.ts'
import type { Handling } from '../session.ts'
import type { PageFlags } from '../tree/page-options.ts'

type SchemaRecord = Awaited<ReturnType<Clients['registry']['schemas']['get']>>
type JsonSchema = SchemaRecord['jsonSchema']

const listView = pageView<SchemaRecord>(
  [
    { title: 'name', of: ({ name }) => name, kind: 'id' },
    { title: 'version', of: ({ version }) => version },
    { title: 'status', of: ({ status }) => status, kind: 'status' },
    { title: 'of', of: ({ visibility }) => visibility },
    { title: 'created', of: ({ createdAt }) => createdAt, kind: 'time' },
    { title: 'description', of: ({ description }) => description, kind: 'text' },
  ],
  ({ name, version }) => `${name}@${version}`,
)

const schemaView = fieldsView<SchemaRecord>(
  ({ name, version, status, ownerId, digest, description, jsonSchema }) => [
    { name: 'name', value: name, kind: 'id' },
    { name: 'version', value: version },
    { name: 'status', value: status, kind: 'status' },
    { name: 'owner', value: ownerId },
    { name: 'digest', value: digest },
    { name: 'description', value: description },
    { name: 'schema', value: JSON.stringify(jsonSchema) },
  ],
  ({ name, version }) => [`${name}@${version}`],
)

const reportView: View<SchemaReport, SchemaChange> = {
  rows: ({ changes }) => changes,
  columns: [
    { title: 'level', of: ({ level }) => level },
    { title: 'change', of: ({ change }) => change },
    { title: 'where', of: ({ pointer }) => pointer, kind: 'id' },
    { title: 'why', of: ({ why }) => why, kind: 'text' },
  ],
  ids: ({ changes }) => changes.map(({ pointer }) => pointer),
}

export async function listSchemas({
  session,
  flags,
}: Handling<PageFlags & { owner?: string; status?: SchemaRecord['status'] }>): Promise<void> {
  const { clients } = await session.connect()
  const { limit, cursor, status, owner: ownerId } = flags
  const page = await clients.registry.schemas.list({ query: withoutUndefined({ limit, cursor, status, ownerId }) })
  await session.printer.result(page, listView)
  if (page.nextCursor !== null) session.printer.note(`there are more: --cursor ${page.nextCursor}`)
}

export async function getSchema({ session, args }: Handling<object>): Promise<void> {
  const { clients } = await session.connect()
  const [name, version] = args as [string, string | undefined]
  const found =
    version === undefined
      ? await clients.registry.schemas.get({ params: { name } })
      : await clients.registry.schemas.getVersion({ params: { name, version } })
  await session.printer.result(found, schemaView)
}

export async function registerSchema({
  session,
  flags,
  args,
}: Handling<{ schema: string; description?: string }>): Promise<void> {
  const [name, version] = args as [string, string]
  const jsonSchema = await readSchema(flags.schema, '--schema')
  const { clients } = await session.connect()
  const body = { name, version, jsonSchema, ...withoutUndefined({ description: flags.description }) }
  await session.printer.result(await clients.registry.schemas.create({ body }), schemaView)
}

interface CheckFlags {
  readonly old?: string
  readonly name?: string
  readonly kind?: DataKind
  readonly allow?: (typeof CHANGE_LEVELS)[number]
}

/** Against a registered schema the server answers, with counterexamples; against another file nothing but the two files is needed. */
export async function checkSchema({ session, flags, args }: Handling<CheckFlags>): Promise<number> {
  const { old, name, kind, allow = 'minor' } = flags
  if ((old === undefined) === (name === undefined)) throw new UsageError('give one of --old and --name')
  const proposed = await readSchema(args[0] as string, 'the schema')
  const report =
    old === undefined
      ? await checkOnServer({ name: name as string, new: proposed, ...withoutUndefined({ kind }) }, session)
      : compareSchemas(await readSchema(old, '--old'), proposed, kind)
  await session.printer.result(report, reportView)
  const isAllowed = CHANGE_LEVELS.indexOf(report.level) <= CHANGE_LEVELS.indexOf(allow)
  if (isAllowed) return EXIT.done
  session.printer.note(`this is a ${report.level} change, and at most ${allow} is allowed (--allow)`)
  return EXIT.checkFailed
}

async function checkOnServer(
  body: { name: string; new: JsonSchema; kind?: DataKind },
  session: Handling<object>['session'],
): Promise<SchemaReport> {
  const { clients } = await session.connect()
  return clients.registry.schemas.check({ body })
}

async function readSchema(text: string, from: string): Promise<JsonSchema> {
  const value = await readValue(text)
  if (typeof value === 'boolean' || (typeof value === 'object' && value !== null && !Array.isArray(value)))
    return value as JsonSchema
  throw new UsageError(`${from} is no JSON Schema: an object or a boolean is wanted`)
}
