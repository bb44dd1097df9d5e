import type { Context, ModuleDatabase } from '@soma/kernel'
import { amendRecord, selectRecord } from '../records/store.ts'
import type { MappingRequest } from './dtos.ts'

/** What an issuer calls somebody, by issuer and name. */
const BINDING_NAMES = { kind: 'binding', userId: '' } as const

/** Who that is here. */
interface Binding {
  readonly canonicalIdentityKey: string
  readonly principalId: string
}

export interface MappingOptions {
  readonly database: ModuleDatabase
  /** @throws 403 for a domain of another tenant, 404 for one that is not there */
  readonly checkDomain: (context: Context, tenantDomainId: string) => Promise<void>
  /** @throws 404 for a principal that the tenant does not have */
  readonly readPrincipal: (context: Context, principalId: string) => Promise<unknown>
}

/** Names of other issuers, each bound to one principal of the tenant. Who is let in here administers it, so it may bind anew. */
export function createMappings({ database, checkDomain, readPrincipal }: MappingOptions) {
  const addressOf = (issuerId: string, key: string) => JSON.stringify([issuerId, key])
  return {
    evaluate: async (context: Context, request: MappingRequest) => {
      const { sourceIssuerId, externalIdentityKey, overrideRequested, canonicalIdentityKey, principalId } = request
      await checkDomain(context, request.tenantDomainId)
      await readPrincipal(context, principalId)
      const wanted: Binding = { canonicalIdentityKey, principalId }
      const { before } = await database.transaction(context, (tx) =>
        amendRecord<Binding>(tx, BINDING_NAMES, {
          foreignId: addressOf(sourceIssuerId, externalIdentityKey),
          ownId: sourceIssuerId,
          change: (said) => (said === undefined || overrideRequested ? wanted : said),
        }),
      )
      return judge(before, wanted, overrideRequested)
    },

    principalOf: async (context: Context, issuerId: string, externalKey: string): Promise<string | undefined> => {
      const address = addressOf(issuerId, externalKey)
      const record = await database.transaction(context, (tx) => selectRecord<Binding>(tx, BINDING_NAMES, address))
      return record?.detail.principalId
    },
  }
}

function judge(before: Binding | undefined, wanted: Binding, mayOverride: boolean) {
  if (before === undefined) return { decision: 'allow', reasonCode: 'new_binding_created' } as const
  const isSame =
    before.principalId === wanted.principalId && before.canonicalIdentityKey === wanted.canonicalIdentityKey
  if (isSame) return { decision: 'allow', reasonCode: 'binding_unchanged' } as const
  return mayOverride
    ? ({ decision: 'allow', reasonCode: 'override_accepted' } as const)
    : ({ decision: 'deny', reasonCode: 'collision_no_override' } as const)
}
