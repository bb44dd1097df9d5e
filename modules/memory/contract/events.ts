import { type EventDefinition, event } from '@soma/kernel'
import * as z from 'zod'
import { factForm, relation } from './records.ts'
import { factId, itemId, itemKind, linkId, procedureId, scope, sourceKind, trust } from './words.ts'

/** An item as it stands after a write. Its content is read by id, under the reader's own rights. */
export const memoryWritten = event({
  type: 'memory.written',
  topic: 'memory',
  summary: 'An item was stored, touched or replaced; without its content.',
  data: z.strictObject({
    itemId,
    kind: itemKind,
    scope,
    form: factForm.optional(),
    status: z.string(),
    outcome: z.enum(['stored', 'touched', 'replaced', 'disputed']),
    version: z.number().int(),
    contentHash: z.string(),
    replacedIds: z.array(factId),
    sourceKind,
    sourceRef: z.string(),
    trust,
    bytes: z.number().int(),
  }),
})

const linkData = z.strictObject({ linkId, fromId: itemId, relation, toId: itemId, strength: z.number() })

export const memoryLinked = event({
  type: 'memory.linked',
  topic: 'memory',
  summary: 'A link was made or reinforced.',
  data: linkData,
})

export const memoryUnlinked = event({
  type: 'memory.unlinked',
  topic: 'memory',
  summary: 'A link was deleted.',
  data: linkData,
})

export const memoryActivated = event({
  type: 'memory.activated',
  topic: 'memory',
  summary: 'A version of a procedure is used from now on.',
  data: z.strictObject({
    procedureId,
    scope,
    agentId: z.string(),
    name: z.string(),
    version: z.number().int(),
    previousVersion: z.number().int().optional(),
    byId: z.string(),
  }),
})

/** At most 1,000 ids; a larger erasure says it in several. */
export const memoryForgotten = event({
  type: 'memory.forgotten',
  topic: 'memory',
  summary: 'Items were erased.',
  data: z.strictObject({
    cause: z.enum(['request', 'plan-ended', 'principal-erased', 'tenant-deleting']),
    itemIds: z.array(itemId).max(1000),
    counts: z.record(z.string(), z.number().int()),
  }),
})

export const memoryEvents: readonly EventDefinition[] = [
  memoryWritten,
  memoryActivated,
  memoryLinked,
  memoryUnlinked,
  memoryForgotten,
]
