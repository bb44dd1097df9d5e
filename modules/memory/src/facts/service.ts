import {
  type Context,
  commonProblems,
  decodeCursor,
  type ModuleDatabase,
  toPage,
  type Transaction,
  uuidOf,
  withoutUndefined,
} from '@soma/kernel'
import { type Fact, type FactInput, memoryWritten } from '../../contract/index.ts'
import { eraseItems } from '../forgetting/erase.ts'
import { selectOwnByIds } from '../forgetting/store.ts'
import { uuidOfItem } from '../items/item-ids.ts'
import { slotFilter } from '../items/list.ts'
import { listFacts } from '../items/list-store.ts'
import { findFact } from '../items/read-store.ts'
import { prepareItem } from '../items/prepare.ts'
import type { Remember } from '../items/remember.ts'
import type { FactRow } from '../items/rows.ts'
import { viewFact } from '../items/views.ts'
import { createItemWriter } from '../items/write.ts'
import type { SecretPolicy } from '../lexical/mask-secrets.ts'
import type { MemoryDatabase } from '../scopes/memory-database.ts'
import { lockKeys, lockKeysOf } from './store.ts'
import { type FactChanges, supersedeFact, updateFact } from './update-store.ts'

export interface FactDependencies {
  readonly memory: MemoryDatabase
  readonly database: ModuleDatabase
  readonly remember: Remember
  readonly secretPolicy: SecretPolicy
}

interface FactQuery {
  readonly limit: number
  readonly cursor?: string | undefined
  readonly planId?: string | undefined
  readonly scope?: string | undefined
  readonly collection?: string | undefined
  readonly status?: string | undefined
  readonly externalId?: string | undefined
  readonly subject?: string | undefined
  readonly predicate?: string | undefined
  readonly tag?: string | undefined
  readonly from?: string | undefined
  readonly to?: string | undefined
}

interface Target {
  readonly factId: string
  readonly planId: string | undefined
  readonly version: number
}

type NewId = (prefix: string) => string

/** Facts one by one. */
export function createFactService({ memory, database, remember, secretPolicy }: FactDependencies) {
  const get = (context: Context, factId: string, planId: string | undefined): Promise<Fact> =>
    memory.inScopes(context, [planId], async (tx) => viewFact(await readFact(tx, factId)))

  async function create(
    context: Context,
    input: FactInput,
    newId: NewId,
  ): Promise<{ fact: Fact; replacedIds: string[] }> {
    const [result] = await remember(context, [{ kind: 'fact', ...input }], { atomic: true, newId })
    if (result?.id === undefined) throw new TypeError('a fact that was stored has an id')
    const planId = input.scope.type === 'plan' ? input.scope.id : undefined
    return { fact: await get(context, result.id, planId), replacedIds: result.replacedIds }
  }

  return {
    create,
    get,
    list: (context: Context, query: FactQuery) =>
      memory.inScopes(context, [query.planId], async (tx) => {
        const place = decodeCursor(query.cursor, ['time', 'uuid'])
        const filter = {
          ...{ scopeTypes: query.scope === undefined ? null : [query.scope], tag: query.tag ?? null, sourceRef: null },
          ...{ from: query.from ?? null, to: query.to ?? null, status: query.status ?? null },
          ...slotFilter(query),
        }
        const rows = await listFacts(tx, filter, { limit: query.limit + 1, place })
        return toPage(rows, query.limit, { item: viewFact, key: (row) => [row.recorded_at.toISOString(), row.id] })
      }),
    update: async (
      context: Context,
      target: Target,
      change: { body: FactChanges & { content?: string | undefined }; newId: NewId },
    ) => {
      const { content, ...changes } = change.body
      const before = await get(context, target.factId, target.planId)
      assertVersion(before, target.version)
      assertEnd(before, changes)
      if (content !== undefined && content !== before.content)
        return follow(context, before, {
          input: { ...inputOf(before), ...withoutUndefined(changes), content },
          newId: change.newId,
        })
      return memory.toWrite(context, before.scope, async (tx) => {
        if ((await updateFact(tx, uuidOfItem(target.factId), { changes, version: target.version })) === 0)
          throw await refusal(tx, target)
        const fact = viewFact(await readFact(tx, target.factId))
        tx.emit(memoryWritten, factOf(fact), { partitionKey: partitionOf(fact) })
        return { fact, replacedIds: [] }
      })
    },
    delete: async (context: Context, target: Target): Promise<undefined> => {
      const id = uuidOf('fact', target.factId)
      const { scope } = await get(context, target.factId, target.planId)
      const own = await memory.toWrite(context, scope, async (tx) => {
        assertVersion(viewFact(await readFact(tx, target.factId)), target.version)
        return selectOwnByIds(tx, [id])
      })
      if (own.length === 0) throw othersFact(target.factId)
      await database.asWorker(context, (tx) => eraseItems(tx, own, 'request'))
    },
  }

  /** A new fact in the place of one, which was never so. */
  function follow(context: Context, before: Fact, { input, newId }: { input: FactInput; newId: NewId }) {
    const fact = prepareItem(input, 'fact', { context, secretPolicy, newId })
    const old = uuidOfItem(before.id)
    return memory.toWrite(context, before.scope, async (tx) => {
      await lockKeys(tx, lockKeysOf(fact))
      if ((await supersedeFact(tx, old, { by: fact.id, version: before.version })) === 0)
        throw await refusal(tx, { factId: before.id, planId: undefined, version: before.version })
      const { id, replacedIds } = await createItemWriter(tx).fact(fact, { id: old, version: before.version })
      return { fact: viewFact(await readFact(tx, id)), replacedIds }
    })
  }
}

async function readFact(tx: Transaction, factId: string): Promise<FactRow> {
  const row = await findFact(tx, uuidOf('fact', factId))
  if (row === undefined) throw commonProblems.notFound.create(`no item ${factId}`)
  return row
}

function assertVersion({ id, version }: Fact, expected: number): void {
  if (version !== expected)
    throw commonProblems.versionConflict.create(`${id} has the version ${version}, not ${expected}`, { version })
}

/** Why a fact that is there was not changed: another version, or another owner's. */
async function refusal(tx: Transaction, { factId, version }: Target) {
  assertVersion(viewFact(await readFact(tx, factId)), version)
  return othersFact(factId)
}

const othersFact = (factId: string) =>
  commonProblems.forbidden.create(`${factId} is somebody else's: changing it needs the capability "memory:manage"`, {
    capability: 'memory:manage',
  })

function assertEnd(fact: Fact, { validTo }: FactChanges): void {
  if (validTo === undefined || Date.parse(validTo) >= Date.parse(fact.validFrom)) return
  throw commonProblems.invalidRequest.create(`validTo ${validTo} is before validFrom ${fact.validFrom}`, {
    errors: [{ pointer: '/body/validTo', code: 'before-start', detail: 'must not be before validFrom' }],
  })
}

const partitionOf = ({ scope, ownerId }: Fact): string =>
  scope.type === 'user' ? `user:${ownerId}` : scope.type === 'plan' ? `plan:${uuidOf('plan', scope.id)}` : scope.type

const factOf = (fact: Fact) => ({
  itemId: fact.id,
  kind: fact.kind,
  scope: fact.scope,
  form: fact.form,
  status: fact.status,
  outcome: 'touched' as const,
  version: fact.version,
  contentHash: fact.contentHash,
  replacedIds: [],
  sourceKind: fact.source?.kind ?? 'agent',
  sourceRef: fact.source?.ref ?? '',
  trust: fact.trust,
  bytes: Buffer.byteLength(fact.content),
})

/** What a fact was made of, for one that follows it. */
const inputOf = (fact: Fact): FactInput => ({
  scope: fact.scope,
  tags: fact.tags,
  metadata: fact.metadata as FactInput['metadata'],
  importance: fact.importance,
  source: {},
  language: fact.language,
  content: fact.content,
  form: fact.form,
  collection: fact.collection,
  externalId: fact.externalId,
  subject: fact.subject,
  predicate: fact.predicate,
  exclusive: fact.exclusive,
  confidence: fact.confidence,
  validFrom: fact.validFrom,
  validTo: undefined,
  expiresAt: fact.expiresAt,
  corrects: true,
})
