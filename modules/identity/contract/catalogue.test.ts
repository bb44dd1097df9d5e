import { type Context, NO_CONSTITUTION, newTraceparent } from '@soma/kernel'
import { array, assert, property, subarray } from 'fast-check'
import { describe, expect, test } from 'vitest'
import { actFor } from './act-for.ts'
import {
  expandCapabilities,
  INFRASTRUCTURE_CAPABILITIES,
  isCapability,
  PLATFORM_CAPABILITIES,
  TENANT_CAPABILITIES,
} from './capabilities.ts'
import { ROLE_CAPABILITIES } from './roles.ts'

describe('the table of built-in roles', () => {
  test('gives AgentAdmin all of its tenant but what it may only grant, and nothing of the platform', () => {
    const { AgentAdmin, PlatformAdmin } = ROLE_CAPABILITIES
    expect(TENANT_CAPABILITIES.filter((capability) => !AgentAdmin.includes(capability))).toEqual([
      'principal:act-for',
      'step-up:skip',
      'moderation:bypass',
    ])
    expect(AgentAdmin.filter((capability) => PLATFORM_CAPABILITIES.includes(capability))).toEqual([])
    expect(PlatformAdmin).toEqual([...AgentAdmin, ...PLATFORM_CAPABILITIES])
  })

  test('gives Observer reads alone, without secrets and audit', () => {
    const { Observer } = ROLE_CAPABILITIES
    expect(Observer.filter((capability) => !capability.endsWith(':read'))).toEqual(['plan:read-all'])
    for (const kept of ['secret:read', 'audit:read']) expect(Observer).not.toContain(kept)
    expect(ROLE_CAPABILITIES.Operator).toEqual(
      expect.arrayContaining([...Observer, 'audit:read', 'gate:decide', 'plan:control']),
    )
  })

  test('names only capabilities of the catalogue, each once', () => {
    for (const capabilities of Object.values(ROLE_CAPABILITIES)) {
      expect(capabilities.filter((capability) => !isCapability(capability))).toEqual([])
      expect(new Set(capabilities).size).toBe(capabilities.length)
    }
    expect(ROLE_CAPABILITIES.Guest).toEqual(['session:read', 'session:write'])
  })
})

test('a wildcard covers one noun of the tenant, and never everything', () => {
  expect(isCapability('memory:*')).toBe(true)
  for (const text of ['*:*', '*', 'memory', 'memory:fly', 'nothing:*']) expect(isCapability(text)).toBe(false)
  expect(expandCapabilities(['tenant:*'])).toEqual(['tenant:read', 'tenant:configure'])
})

describe('acting for a user', () => {
  const agent = (capabilities: readonly string[]): Context => ({
    tenantId: 'default',
    spaceId: '',
    principal: { id: 'agt_1', kind: 'agent', roles: ['Agent'], capabilities },
    actors: [],
    method: 'api-key',
    region: 'local',
    constitutionHash: NO_CONSTITUTION,
    traceparent: newTraceparent(),
  })

  test('an agent that may write memory and run tools, for an Observer, may do neither, but may publish its reply', () => {
    const acting = actFor(agent(['memory:write', 'tool:execute', 'event:publish', 'memory:read']), {
      userId: 'usr_o',
      spaceId: 's',
      userCapabilities: ROLE_CAPABILITIES.Observer,
    })
    expect(acting).toMatchObject({
      userId: 'usr_o',
      spaceId: 's',
      principal: { id: 'agt_1', capabilities: ['event:publish', 'memory:read'] },
    })
  })

  test('holds what both hold and its own infrastructure, and no chain regains what was narrowed', () => {
    const some = () => subarray([...TENANT_CAPABILITIES])
    assert(
      property(some(), array(some(), { minLength: 1, maxLength: 4 }), (own, users) => {
        let context = agent(own)
        for (const userCapabilities of users)
          context = actFor(context, { userId: 'usr_u', spaceId: '', userCapabilities })
        const expected = own.filter(
          (capability) =>
            INFRASTRUCTURE_CAPABILITIES.includes(capability) || users.every((user) => user.includes(capability)),
        )
        expect(context.principal.capabilities).toEqual(expected)
      }),
    )
  })

  test('a chain of more than five actors is refused', () => {
    const matter = { userId: 'usr_u', spaceId: '', userCapabilities: [] }
    expect(actFor(agent([]), { ...matter, actors: ['a', 'b', 'c', 'd', 'e'] }).actors).toHaveLength(5)
    expect(() => actFor(agent([]), { ...matter, actors: ['a', 'b', 'c', 'd', 'e', 'f'] })).toThrow(RangeError)
  })
})
