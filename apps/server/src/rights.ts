import { identityContract } from '@soma/identity/contract'
import { buildClient, holds, isProblem, type Transport } from '@soma/kernel'
import { moduleContext } from '@soma/runtime'

/** Whether an active principal holds a capability now. @throws Problem when identity does not answer */
export type Rights = (who: { tenantId: string; principalId: string }, capability: string) => Promise<boolean>

export function createRights(transport: Transport, region: string): Rights {
  const identity = buildClient(identityContract, transport)
  const server = { name: 'server', jobCapabilities: [] }
  return async ({ tenantId, principalId }, capability) => {
    try {
      const context = moduleContext(tenantId, server, region)
      return holds(await identity.credentials.resolve(context, { body: { principalId } }), capability)
    } catch (error) {
      if (isProblem(error) && error.code === 'not-found') return false
      throw error
    }
  }
}
