import { commonProblems, type Context, defineModule } from '@soma/kernel'
import { identityContract } from '../contract/index.ts'
import { createAuthenticator } from './authentication/authenticator.ts'
import { createCapabilityLookup } from './authentication/capability-lookup.ts'
import { createDenials } from './authentication/denials.ts'
import { createDeveloperAccess } from './authentication/developer-access.ts'
import { createProofCache } from './authentication/proof-cache.ts'
import { createDialectService } from './dialects/service.ts'
import { createKeyService } from './keys/service.ts'
import type { IdentityPorts } from './ports.ts'
import { createPrincipalService } from './principals/service.ts'
import { createProcessService } from './processes/service.ts'
import { listRevocations } from './revoke.ts'
import { createRoleBindingService, createRoleService } from './roles/service.ts'
import { createBootstrap } from './tenants/bootstrap.ts'
import { prepareInstallation } from './tenants/first-start.ts'
import { createTenantService } from './tenants/service.ts'
import { createAccessTokens } from './tokens/access-token.ts'
import { createKeyring } from './tokens/keyring.ts'
import { createTokenService } from './tokens/service.ts'

export type { IdentityPorts } from './ports.ts'

/** How often the age of the signing key is looked at; its rotation leads by minutes. */
const ROTATION_CHECK_MS = 60_000
/** The longest life that an edge gives to a token of its dialect: as long its key verifies after the last it signed. */
const DIALECT_TOKEN_TTL_MS = 900_000

export const identityModule = defineModule<typeof identityContract, Record<never, never>, IdentityPorts>({
  contract: identityContract,
  uses: {},
  migrations: new URL('../migrations/', import.meta.url),
  create: ({ database, settings, clock, log, metrics, ports }) => {
    const { authentication, keyMaxAgeDays, accessTokenTtlMs, clockSkewMs } = settings
    const proofs = createProofCache({ clock, ttlMs: settings.keyCacheMs })
    const keyrings = {
      database,
      clock,
      encryptionKey: ports.encryptionKey,
      rotationMs: settings.signingKeyRotationMs,
      leadMs: settings.jwksLeadMs,
      cacheMs: settings.keyCacheMs,
    }
    const keyring = createKeyring({
      ...keyrings,
      purpose: 'access',
      tokenCodec: ports.tokenCodec,
      overlapMs: accessTokenTtlMs + clockSkewMs,
    })
    const soormaKeyring = createKeyring({
      ...keyrings,
      purpose: 'soorma',
      tokenCodec: ports.dialectSigners.soorma,
      overlapMs: DIALECT_TOKEN_TTL_MS + clockSkewMs,
    })
    const accessTokens = createAccessTokens({
      tokenCodec: ports.tokenCodec,
      keyring,
      issuer: ports.issuer,
      clockSkewMs,
    })
    const denials = createDenials({ database, log, mode: authentication })
    const developer = createDeveloperAccess({ database, clock, developerRole: settings.developerRole })
    const authenticate = createAuthenticator({
      database,
      tokens: accessTokens,
      proofs,
      developer,
      denials,
      clock,
      log,
      metrics,
      authentication,
      allowedOrigins: settings.allowedOrigins,
      allowInsecureListen: ports.allowInsecureListen === true,
    })
    const resolve = createCapabilityLookup({ database, clock })
    const tenants = createTenantService({ database, clock, keyMaxAgeDays })
    const bootstrap = createBootstrap({ database, clock, keyMaxAgeDays })
    const principals = createPrincipalService({ database, proofs })
    const roles = createRoleService({ database, proofs })
    const bindings = createRoleBindingService({ database, proofs })
    const keys = createKeyService({ database, proofs, clock, maxAgeDays: keyMaxAgeDays })
    const tokens = createTokenService({
      database,
      tokens: accessTokens,
      proofs,
      clock,
      ttlMs: accessTokenTtlMs,
      mode: authentication,
    })
    const dialects = createDialectService({
      database,
      clock,
      signers: ports.dialectSigners,
      keyrings: { soorma: soormaKeyring },
    })
    const processes = createProcessService({ database, clock, clusterSecret: ports.clusterSecret })
    return {
      operations: {
        bootstrap: { create: (context, { body, newId }) => bootstrap(context, body, newId) },
        tenants: {
          create: (context, { body, newId }) => tenants.create(context, body, newId),
          list: (context, { query }) => tenants.list(context, query),
          get: (context, { params }) => tenants.get(context, params.tenantId),
          update: (context, { params, body, ifMatch }) =>
            tenants.update(context, params.tenantId, { ...body, version: ifMatch }),
        },
        principals: {
          create: (context, { body, newId }) => principals.create(context, body, newId),
          list: (context, { query }) => principals.list(context, query),
          get: (context, { params }) => principals.get(context, params.principalId),
          update: (context, { params, body, ifMatch }) =>
            principals.update(context, params.principalId, { changes: body, version: ifMatch }),
          disable: (context, { params, body }) => principals.disable(context, params.principalId, body.reason),
          enable: (context, { params, body }) => principals.enable(context, params.principalId, body.reason),
        },
        me: { get: async (context) => describe(context) },
        access: { get: (context, { query }) => principals.access(context, query) },
        roles: {
          create: (context, { body, newId }) => roles.create(context, body, newId('rol')),
          list: (context) => roles.list(context),
          get: (context, { params }) => roles.get(context, params.roleId),
          delete: (context, { params, ifMatch }) => roles.delete(context, params.roleId, ifMatch),
        },
        roleBindings: {
          create: (context, { body, newId }) => bindings.create(context, body, newId('bind')),
          list: (context, { query }) => bindings.list(context, query),
          delete: (context, { params }) => bindings.delete(context, params.bindingId),
        },
        keys: {
          create: (context, { body, newId }) => keys.create(context, body, newId('key')),
          list: (context, { query }) => keys.list(context, query),
          get: (context, { params }) => keys.get(context, params.keyId),
          rotate: (context, { params, body }) => keys.rotate(context, params.keyId, body.overlapMs),
          revoke: (context, { params }) => keys.revoke(context, params.keyId),
        },
        tokens: {
          create: (context, { body, newId }) => tokens.create(context, body, newId('tok')),
          revoke: (context, { body }) => tokens.revoke(context, body.token),
        },
        signingKeys: {
          list: async () => ({ items: await keyring.list(), nextCursor: null }),
          rotate: async (context, { body }) => {
            const made = await keyring.rotate(context, body)
            proofs.clear()
            return made
          },
        },
        revocations: {
          list: (_context, { query }) => database.asScheduler((session) => listRevocations(session, query.since)),
        },
        processes: { join: (_context, { body }) => processes.join(body), list: () => processes.list() },
        credentials: {
          verify: (_context, { body }) => authenticate(body),
          resolve: (context, { body }) => resolve(context, body.principalId),
        },
        metadata: { jwks: async () => ({ keys: [...(await keyring.publicKeys())] }) },
        dialectTokens: { create: (_context, { params, body }) => dialects.sign(params.dialect, body.claims) },
        dialectKeys: { list: (_context, { params }) => dialects.keys(params.dialect) },
        dialectPrincipals: { ensure: (context, { body }) => dialects.ensurePrincipal(context, body) },
      },
      jobs: [
        {
          name: 'rotate-signing-keys',
          everyMs: ROTATION_CHECK_MS,
          run: async () => {
            await keyring.rotateWhenDue()
            await soormaKeyring.rotateWhenDue()
          },
        },
      ],
      start: async () => {
        await prepareInstallation({ database, keyring, log, authentication, writeSetupCode: ports.writeSetupCode })
        denials.start()
      },
      stop: () => denials.stop(),
    }
  },
})

function describe(context: Context) {
  if (context.method === 'none') throw commonProblems.unauthenticated.create('nobody is signed in')
  const { tenantId, spaceId, principal, userId, method, credentialId } = context
  return {
    tenantId,
    spaceId,
    principalId: principal.id,
    kind: principal.kind,
    roles: [...principal.roles],
    capabilities: [...principal.capabilities],
    userId: userId ?? null,
    method,
    credentialId: credentialId ?? null,
  }
}
