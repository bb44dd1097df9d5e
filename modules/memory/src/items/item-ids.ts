import { toId, uuidOf } from '@soma/kernel'
import type { ItemKind } from '../../contract/index.ts'

const PREFIXES: Readonly<Record<ItemKind, string>> = { fact: 'fact', episode: 'epi', procedure: 'proc' }

export const kindOfId = (itemId: string): ItemKind =>
  itemId.startsWith('fact_') ? 'fact' : itemId.startsWith('epi_') ? 'episode' : 'procedure'
export const uuidOfItem = (itemId: string): string => uuidOf(PREFIXES[kindOfId(itemId)], itemId)
export const idOfItem = (kind: ItemKind, uuid: string): string => toId(PREFIXES[kind], uuid)
