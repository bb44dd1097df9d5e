import { type registryContract, type SchemaRecord, semver } from '@soma/registry/contract'
import { type Client, type Context, isProblem, type ModuleDatabase } from '@soma/kernel'
import {
  insertRecord,
  MAXIMUM_RECORDS,
  type RecordFilter,
  type RecordRow,
  selectRecord,
  selectRecords,
} from '../records/store.ts'
import { refusal } from '../wire/refusal.ts'
import { firstPages } from '../wire/first-pages.ts'
import type { SchemaAnswer, SchemaInput } from './dtos.ts'
import type { MayReword } from './ownership.ts'

/** Schemas by `<name>@<version>`; what they are here is the name that all versions share. A version has no `@`. */
const SCHEMA_NAMES = { kind: 'schema', userId: '' } as const

export interface SchemaOptions {
  readonly registry: Client<typeof registryContract>
  readonly database: ModuleDatabase
  readonly mayReword: MayReword
}

/** Schemas of the dialect: kept as they came, and registered here as far as they are schemas of ours (SOO-R5). */
export function createSchemas({ registry, database, mayReword }: SchemaOptions) {
  const kept = async (context: Context, filter: RecordFilter): Promise<SchemaAnswer[]> =>
    (await database.transaction(context, (tx) => selectRecords<SchemaInput>(tx, SCHEMA_NAMES, filter))).map(answerOf)

  const readOwn = (context: Context, name: string, version?: string): Promise<SchemaRecord | undefined> =>
    (version === undefined
      ? registry.schemas.get(context, { params: { name } })
      : registry.schemas.getVersion(context, { params: { name, version } })
    ).catch(ignoreUnknown)

  const assertNew = async (context: Context, { schemaName, version }: SchemaInput): Promise<void> => {
    const own = await readOwn(context, schemaName, version)
    if (own !== undefined) throw alreadyThere(schemaName, version)
    const latest = await readOwn(context, schemaName)
    if (latest !== undefined && !(await mayReword(context, latest.ownerId)))
      throw refusal(409, `Schema '${schemaName}' belongs to somebody who speaks no Soorma`)
  }

  const define = async (context: Context, schema: SchemaInput): Promise<void> => {
    const { schemaName: name, version, jsonSchema } = schema
    const body = { name, version, jsonSchema, description: schema.description ?? '' }
    await registry.schemas.create(context, { body }).catch((error: unknown) => {
      if (isProblem(error) && error.code === 'schema-exists') throw alreadyThere(name, version)
      if (!isProblem(error) || !KEPT_HERE_ALONE.has(error.code)) throw error
    })
  }

  return {
    /** @throws 409 for a version that is there */
    register: async (context: Context, schema: SchemaInput) => {
      const { schemaName, version } = schema
      await assertNew(context, schema)
      await define(context, schema)
      const address = `${schemaName}@${version}`
      const record = { foreignId: address, ownId: schemaName, detail: schema }
      const isNew = await database.transaction(context, (tx) => insertRecord(tx, SCHEMA_NAMES, record))
      if (!isNew) throw alreadyThere(schemaName, version)
      return { schemaName, version, success: true as const, message: `Schema '${address}' registered successfully.` }
    },

    /** By name; of an owner, those that it registered here. Of more than 1,000 those that came last. */
    list: async (context: Context, ownerAgentId: string | undefined): Promise<SchemaAnswer[]> => {
      const schemas = await kept(context, ownerAgentId ? { said: { ownerAgentId } } : {})
      const known = new Set(schemas.map(addressOf))
      const others = ownerAgentId ? [] : (await ownSchemas(context)).map(toAnswer)
      return [...schemas, ...others.filter((schema) => !known.has(addressOf(schema)))]
        .slice(0, MAXIMUM_RECORDS)
        .toSorted((one, other) => (addressOf(one) < addressOf(other) ? -1 : 1))
    },

    /** The highest version. @throws 404 where there is none */
    latest: async (context: Context, name: string): Promise<SchemaAnswer> => {
      const own = await readOwn(context, name)
      const versions = await kept(context, { ownId: name })
      const [highest] = [...versions, ...(own === undefined ? [] : [toAnswer(own)])].toSorted(byVersion)
      if (highest === undefined) throw refusal(404, `Schema '${name}' not found`)
      return versions.find((schema) => schema.version === highest.version) ?? highest
    },

    /** @throws 404 for what is not there */
    version: async (context: Context, name: string, version: string): Promise<SchemaAnswer> => {
      const known = await database.transaction(context, (tx) =>
        selectRecord<SchemaInput>(tx, SCHEMA_NAMES, addressOf({ schemaName: name, version })),
      )
      if (known?.own_id === name) return answerOf(known)
      const own = await readOwn(context, name, version)
      if (own === undefined) throw refusal(404, `Schema '${name}@${version}' not found`)
      return toAnswer(own)
    },
  }

  async function ownSchemas(context: Context): Promise<SchemaRecord[]> {
    const schemas = await firstPages(({ limit, cursor }) =>
      registry.schemas.list(context, { query: { limit, ...cursor } }),
    )
    return schemas.filter(({ visibility }) => visibility === 'tenant')
  }
}

/** Names and versions of another form, what is no schema of ours, and a version too low for what changed: nothing that a client of the dialect is held to. */
const KEPT_HERE_ALONE = new Set(['invalid-request', 'schema-invalid', 'schema-incompatible'])

const alreadyThere = (name: string, version: string) =>
  refusal(409, `Schema '${name}@${version}' already exists for this tenant`)

const ignoreUnknown = (error: unknown): undefined => {
  if (!isProblem(error) || (error.code !== 'not-found' && error.code !== 'invalid-request')) throw error
}

const addressOf = ({ schemaName, version }: Pick<SchemaAnswer, 'schemaName' | 'version'>) => `${schemaName}@${version}`

const answerOf = ({ detail, created_at, updated_at }: RecordRow<SchemaInput>): SchemaAnswer => ({
  ...detail,
  description: detail.description ?? null,
  ownerAgentId: detail.ownerAgentId ?? null,
  createdAt: created_at.toISOString(),
  updatedAt: updated_at.toISOString(),
})

const toAnswer = ({ name, version, jsonSchema, description, createdAt }: SchemaRecord): SchemaAnswer => ({
  schemaName: name,
  version,
  jsonSchema,
  description: description || null,
  ownerAgentId: null,
  createdAt: new Date(createdAt).toISOString(),
  updatedAt: new Date(createdAt).toISOString(),
})

/** The highest semantic version first, pre-releases below their release, and what is no version last. */
function byVersion(one: SchemaAnswer, other: SchemaAnswer): number {
  const [left, right] = [keyOf(one.version), keyOf(other.version)]
  const index = left.findIndex((part, at) => part !== right[at])
  if (index === -1) return 0
  return (left[index] as number | string) < (right[index] as number | string) ? 1 : -1
}

/** A release is above its pre-releases, whose names are compared as texts. */
function keyOf(version: string): (number | string)[] {
  if (!semver.safeParse(version).success) return [-1, 0, 0, 0, version]
  const [core = '', ...rest] = version.split('-')
  return [...core.split('.').map(Number), rest.length === 0 ? 1 : 0, rest.join('-')]
}
