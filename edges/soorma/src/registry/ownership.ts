import type { identityContract } from '@soma/identity/contract'
import { type Client, type Context, isProblem } from '@soma/kernel'
import { isDialectRole } from '../auth/roles.ts'

/**
 * Whether a caller may word anew what an owner registered. In the dialect names are the tenant's, and an agent that starts anew is another principal: so what a principal of the
 * dialect owns is everybody's of it, and what anybody else owns stays its owner's.
 */
export type MayReword = (context: Context, ownerId: string) => Promise<boolean>

export const createMayReword =
  (identity: Client<typeof identityContract>): MayReword =>
  async (context, ownerId) => {
    if (ownerId === context.principal.id) return true
    try {
      const { roles } = await identity.principals.get(context, { params: { principalId: ownerId } })
      return roles.some(isDialectRole)
    } catch (error) {
      if (isProblem(error) && error.status < 500) return false
      throw error
    }
  }
