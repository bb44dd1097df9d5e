import { type Context, NO_CONSTITUTION } from '@soma/kernel'

/** An agent that plans for a user of tenant-a; `more` says what is not usual. */
export const aPlanner = (more: Partial<Context> = {}): Context => ({
  tenantId: 'tenant-a',
  spaceId: '',
  principal: { id: 'agt-planner', kind: 'agent', roles: [], capabilities: ['plan:read', 'plan:run', 'task:update'] },
  userId: 'usr-a',
  actors: [],
  method: 'token',
  region: 'local',
  constitutionHash: NO_CONSTITUTION,
  traceparent: `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01`,
  ...more,
})

/** Who has done nothing and only reads, with these capabilities. */
export const aReader = (capabilities: readonly string[], more: Partial<Context> = {}): Context =>
  aPlanner({ principal: { id: 'usr-reader', kind: 'user', roles: [], capabilities }, userId: 'usr-reader', ...more })
