import { type Clock, commonProblems, type Context, holds, type ModuleDatabase } from '@soma/kernel'
import { authDecided, expandCapabilities, tokenRevoked } from '../../contract/index.ts'
import type { ProofCache } from '../authentication/proof-cache.ts'
import { findSubject } from '../principals/subject.ts'
import { recordChange } from '../record-change.ts'
import { addRevocation } from '../revoke.ts'
import type { AccessTokens } from './access-token.ts'

export interface TokenDependencies {
  readonly database: ModuleDatabase
  readonly tokens: AccessTokens
  readonly proofs: ProofCache
  readonly clock: Clock
  readonly ttlMs: number
  readonly mode: string
}

/** Tokens for the caller itself. A token never holds more than the credential with which it was asked for. */
export function createTokenService({ database, tokens, proofs, clock, ttlMs, mode }: TokenDependencies) {
  return {
    create: async (
      context: Context,
      body: { scopes?: readonly string[] | undefined; ttlMs?: number | undefined },
      jti: string,
    ) => {
      const issuedAt = clock.now()
      const lifeMs = Math.min(body.ttlMs ?? ttlMs, ttlMs)
      const subject = await database.transaction(context, async (tx) => {
        const found = await findSubject(tx, context.principal.id, issuedAt)
        if (found === undefined)
          throw commonProblems.forbidden.create(`${context.principal.id} is no principal that a token can be made for`)
        tx.emit(authDecided, {
          outcome: 'allowed',
          method: 'token',
          reason: 'issued',
          credentialId: jti,
          principalId: found.row.id,
          tenantId: context.tenantId,
          mode,
          ip: '',
          count: 1,
        })
        return found
      })
      const held = subject.capabilities.filter((capability) => holds(context.principal, capability))
      const wanted = body.scopes === undefined ? undefined : expandCapabilities(body.scopes)
      const capabilities = wanted === undefined ? held : held.filter((capability) => wanted.includes(capability))
      const accessToken = await tokens.issue(
        {
          tenantId: context.tenantId,
          spaceId: context.spaceId,
          principalId: subject.row.id,
          kind: subject.row.kind,
          roles: subject.roles,
          capabilities,
          isNarrowed: capabilities.length < subject.capabilities.length,
          epoch: subject.row.epoch,
          constitutionHash: context.constitutionHash,
        },
        { jti, issuedAt, ttlMs: lifeMs },
      )
      const expiresAt = new Date(Math.floor((issuedAt.getTime() + lifeMs) / 1000) * 1000).toISOString()
      return { accessToken, tokenType: 'Bearer' as const, expiresAt, jti }
    },

    revoke: async (context: Context, token: string): Promise<undefined> => {
      const claims = await tokens.verify(token)
      if (claims === undefined || claims.tenant !== context.tenantId) return
      const isOwn = claims.sub === context.principal.id
      if (!isOwn && !holds(context.principal, 'principal:manage')) {
        throw commonProblems.forbidden.create('tokens of others need the capability "principal:manage"', {
          capability: 'principal:manage',
        })
      }
      await database.transaction(context, async (tx) => {
        await addRevocation(tx, 'token', claims.jti)
        tx.emit(
          tokenRevoked,
          { byId: context.principal.id, principalId: claims.sub, jti: claims.jti },
          { partitionKey: context.tenantId },
        )
        recordChange(tx, context, { action: 'token.revoke', resource: { type: 'token', id: claims.jti } })
      })
      proofs.evictCredential(claims.jti)
    },
  }
}
