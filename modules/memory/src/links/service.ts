import { type Context, commonProblems, decodeCursor, toId, toPage, type Transaction, uuidOf } from '@soma/kernel'
import { type Link, memoryLinked, memoryUnlinked } from '../../contract/index.ts'
import { idOfItem, uuidOfItem } from '../items/item-ids.ts'
import { readItems } from '../items/read-store.ts'
import type { MemoryDatabase } from '../scopes/memory-database.ts'
import { ownerIdOf, scopeOfKey } from '../scopes/scope-keys.ts'
import {
  deleteLink,
  findLink,
  findLinkBetween,
  findNodes,
  insertLink,
  type LinkRow,
  listLinks,
  reinforceLink,
  walkLinks,
} from './store.ts'

interface LinkInput {
  readonly fromId: string
  readonly relation: string
  readonly toId: string
  readonly strength?: number | undefined
  readonly properties?: object | undefined
  readonly planId?: string | undefined
}

/** Narrowest first: a link is no wider than the narrower of its ends. */
const WIDTHS = ['user', 'plan', 'space', 'tenant']
const widthOf = (scopeKey: string): number => WIDTHS.indexOf(scopeKey.slice(0, scopeKey.search(/:|$/)))

/** Typed links between items, and walks along them. */
export function createLinkService({ memory }: { memory: MemoryDatabase }) {
  return {
    create: async (context: Context, body: LinkInput, newId: (prefix: string) => string): Promise<Link> => {
      const [fromId, toEnd] = [uuidOfItem(body.fromId), uuidOfItem(body.toId)]
      const scopeKey = await memory.inScopes(context, [body.planId], (tx) =>
        narrowerScope(tx, { ...body, from: fromId, to: toEnd }),
      )
      return memory.toWrite(context, scopeOfKey(scopeKey), async (tx) => {
        const draft = {
          ...{ id: uuidOf('link', newId('link')), scopeKey, ownerId: ownerIdOf(context) },
          ...{ fromId, toId: toEnd, relation: body.relation, strength: body.strength, properties: body.properties },
        }
        if ((await insertLink(tx, draft)) === 0) await reinforceLink(tx, draft)
        const row = await findLinkBetween(tx, draft)
        if (row === undefined) throw commonProblems.conflict.create('the link was deleted by another at the same time')
        tx.emit(memoryLinked, factOf(row), { partitionKey: row.scope_key })
        return viewLink(row)
      })
    },
    list: (
      context: Context,
      query: {
        limit: number
        cursor?: string | undefined
        fromId?: string | undefined
        toId?: string | undefined
        relation?: string | undefined
        planId?: string | undefined
      },
    ) => {
      const [before = null] = decodeCursor(query.cursor, ['uuid']) ?? []
      const end = (itemId: string | undefined) => (itemId === undefined ? null : uuidOfItem(itemId))
      return memory.inScopes(context, [query.planId], async (tx) => {
        const of = {
          fromId: end(query.fromId),
          toId: end(query.toId),
          relation: query.relation ?? null,
          before,
          limit: query.limit + 1,
        }
        return toPage(await listLinks(tx, of), query.limit, { item: viewLink, key: ({ id }) => [id] })
      })
    },
    delete: async (context: Context, linkId: string, planId: string | undefined): Promise<undefined> => {
      const id = uuidOf('link', linkId)
      const known = await memory.inScopes(context, [planId], (tx) => findLink(tx, id))
      if (known === undefined) throw commonProblems.notFound.create(`no link ${linkId}`)
      await memory.toWrite(context, scopeOfKey(known.scope_key), async (tx) => {
        if ((await deleteLink(tx, id)) === 0)
          throw commonProblems.forbidden.create(
            `${linkId} is somebody else's: deleting it needs the capability "memory:manage"`,
            { capability: 'memory:manage' },
          )
        tx.emit(memoryUnlinked, factOf(known), { partitionKey: known.scope_key })
      })
    },
    expand: (
      context: Context,
      body: {
        startIds: readonly string[]
        hops: number
        relations?: readonly string[] | undefined
        planId?: string | undefined
        limit: number
      },
    ) =>
      memory.inScopes(context, [body.planId], async (tx) => {
        const walked = await walkLinks(tx, {
          startIds: body.startIds.map(uuidOfItem),
          hops: body.hops,
          relations: body.relations ?? null,
          limit: body.limit,
        })
        const items = await readItems(tx, walked)
        const kinds = new Map(
          (
            await findNodes(
              tx,
              walked.flatMap(({ path }) => path),
            )
          ).map(({ id, kind }) => [id, kind]),
        )
        const nodes = walked.flatMap(({ id, path, score }) => {
          const item = items.get(id)
          if (item === undefined) return []
          return [
            { item, path: path.map((step) => idOfItem(kinds.get(step) ?? 'fact', step)), score, hops: path.length - 1 },
          ]
        })
        return { nodes }
      }),
  }
}

async function narrowerScope(tx: Transaction, ends: LinkInput & { from: string; to: string }): Promise<string> {
  const nodes = await findNodes(tx, [ends.from, ends.to])
  const [from, to] = [ends.from, ends.to].map((end) => nodes.find(({ id }) => id === end))
  if (from === undefined) throw commonProblems.notFound.create(`no item ${ends.fromId}`)
  if (to === undefined) throw commonProblems.notFound.create(`no item ${ends.toId}`)
  return widthOf(to.scope_key) < widthOf(from.scope_key) ? to.scope_key : from.scope_key
}

const factOf = (row: LinkRow) => ({
  linkId: toId('link', row.id),
  fromId: idOfItem(row.from_kind, row.from_id),
  relation: row.relation,
  toId: idOfItem(row.to_kind, row.to_id),
  strength: row.strength,
})

const viewLink = (row: LinkRow): Link => ({
  id: toId('link', row.id),
  scope: scopeOfKey(row.scope_key),
  ownerId: row.owner_id,
  fromId: idOfItem(row.from_kind, row.from_id),
  relation: row.relation,
  toId: idOfItem(row.to_kind, row.to_id),
  strength: row.strength,
  properties: row.properties,
  validFrom: row.valid_from.toISOString(),
  createdAt: row.created_at.toISOString(),
  updatedAt: row.updated_at.toISOString(),
})
