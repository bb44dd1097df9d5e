import { toId, toUuid } from '@soma/kernel'
import { derivedUuid } from '../records/own-names.ts'
import type { Caller } from '../wire/route.ts'

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** The id of ours that an id of the dialect says by itself: one of ours, or a UUID. */
export function sameId(prefix: 'plan' | 'task', foreignId: string): string | undefined {
  if (UUID.test(foreignId)) return toId(prefix, foreignId.toLowerCase())
  return toUuid(prefix, foreignId) === undefined ? undefined : foreignId
}

/** The id of ours that stands for any other: the same for the same text of the same user in one space. */
export const standInId = (prefix: 'plan' | 'task', { context, serviceUser }: Caller, foreignId: string): string =>
  toId(prefix, derivedUuid(context.tenantId, context.spaceId, serviceUser, prefix, foreignId))

/** Times of this service have no zone, and six digits behind the second. */
export const naiveTime = (time: Date): string => `${time.toISOString().slice(0, -1)}000`

export const documentOr = <T extends object>(value: unknown, otherwise: T): T =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as T) : otherwise
