import { buildClient, type Database, type Transport } from '@soma/kernel'
import { testContext } from '@soma/server/testing'
import { trackerContract } from '@soma/tracker/contract'

/** A slow machine may not have projected all yet. */
const TRIES = 3

/**
 * Builds the tracker's models of every tenant anew from the log and compares them with what served: what any scenario did, no fact was lost, doubled or applied differently.
 * @throws Error naming tenant and models that differ.
 */
export async function verifyTracker(database: Database, transport: Transport): Promise<void> {
  const client = buildClient(trackerContract, transport)
  const context = testContext({ tenantId: 'platform', capabilities: ['*'] })
  const verify = async (tenantId: string): Promise<string[]> => {
    const { rebuildId } = await client.rebuilds.verify(context, { body: { tenantId } })
    for (;;) {
      const { status, models } = await client.rebuilds.get(context, { params: { rebuildId }, query: { tenantId } })
      if (status === 'completed') return models.filter(({ isEqual }) => !isEqual).map(({ model }) => model)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
  const tenants = await database.transaction({ role: 'soma_scheduler' }, (session) =>
    session.query<{ tenant_id: string }>('select distinct tenant_id from tracker.timeline'),
  )
  for (const { tenant_id } of tenants) {
    let different = await verify(tenant_id)
    for (let tries = 1; different.length > 0 && tries < TRIES; tries++) different = await verify(tenant_id)
    if (different.length > 0)
      throw new Error(`the tracker's ${different.join(', ')} of ${tenant_id} differ from the log`)
  }
}
