import type { Json } from '@soma/kernel'
import { documentOr } from './foreign-ids.ts'

const SUB_TASKS = '_sub_tasks'
type Document = { readonly [key: string]: Json }

/**
 * A worker's state as two of its replicas save it at once: of each sub-task what is known last, where a result that came stays, and of everything else what is saved last (SOO-R15).
 */
export function mergeStates(before: Document, saved: Document): Document {
  const known = documentOr<Document>(before[SUB_TASKS], {})
  if (Object.keys(known).length === 0) return saved
  const given = documentOr<Document>(saved[SUB_TASKS], {})
  const lost = Object.entries(known).filter(
    ([id, subTask]) => !Object.hasOwn(given, id) || (isOpen(given[id]) && !isOpen(subTask)),
  )
  return { ...saved, [SUB_TASKS]: { ...given, ...Object.fromEntries(lost) } }
}

const isOpen = (subTask: Json | undefined): boolean => documentOr<Document>(subTask, {}).status === 'pending'
