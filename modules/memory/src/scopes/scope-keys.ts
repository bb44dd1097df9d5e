import { type Context, toId, uuidOf } from '@soma/kernel'
import type { Scope } from '../../contract/index.ts'

/** The same as `memory.encoded`: a space or user id inside a key. */
export const encoded = (part: string): string => part.replaceAll('%', '%25').replaceAll('/', '%2F')

/** Whose private data a call is about: the user, else the principal itself (MEM-R16). */
export const personOf = (context: Context): string => context.userId ?? context.principal.id

/** `<space>/<person>`: equal user ids of two spaces are two people. */
export const ownerIdOf = (context: Context): string => `${encoded(context.spaceId)}/${encoded(personOf(context))}`

export const personKey = (spaceId: string, userId: string): string => `user:${encoded(spaceId)}/${encoded(userId)}`

export const planKey = (planId: string): string => `plan:${uuidOf('plan', planId)}`

/** The key of a scope as this caller means it: `user` is its own, `space` its space. */
export function scopeKeyOf(context: Context, scope: Scope): string {
  switch (scope.type) {
    case 'user':
      return personKey(context.spaceId, personOf(context))
    case 'plan':
      return planKey(scope.id)
    case 'space':
      return `space:${encoded(context.spaceId)}`
    case 'tenant':
      return 'tenant'
  }
}

export function scopeOfKey(key: string): Scope {
  const [type, id = ''] = key.split(/:(.*)/s)
  if (type === 'plan') return { type, id: toId('plan', id) }
  return { type: type as 'user' | 'space' | 'tenant' }
}
