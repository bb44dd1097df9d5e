import { describe, expect, test } from 'vitest'
import type { GateDecision, Requirement } from '../../contract/index.ts'
import { mayVote, tally, type Terms } from './tally.ts'

const requirement = (changes: Partial<Requirement> = {}): Requirement => ({
  deciders: [],
  quorum: 1,
  humans: 0,
  excludeRequester: true,
  ...changes,
})
const terms = (requirements: Requirement[], changes: Partial<Terms> = {}): Terms => ({
  requirements,
  rejectPolicy: 'any',
  requesterId: 'agent',
  ...changes,
})
const vote = (principalId: string, decision: GateDecision, options: { roles?: string[]; isHuman?: boolean } = {}) => ({
  principalId,
  decision,
  roles: options.roles ?? [],
  isHuman: options.isHuman ?? true,
})

describe('a gate is approved', () => {
  test('when every requirement has its quorum, and not before', () => {
    const both = terms([
      requirement({ deciders: [{ role: 'Legal' }] }),
      requirement({ deciders: [{ role: 'Money' }], quorum: 2 }),
    ])
    const legal = vote('a', 'approve', { roles: ['Legal'] })
    const money = [vote('b', 'approve', { roles: ['Money'] }), vote('c', 'approve', { roles: ['Money'] })]
    expect(tally(both, [legal, money[0] as never])).toBeUndefined()
    expect(tally(both, money)).toBeUndefined()
    expect(tally(both, [legal, ...money])).toBe('approved')
  })

  test('only with as many persons among the approvals as asked', () => {
    const people = terms([requirement({ quorum: 2, humans: 1 })])
    const bots = [vote('x', 'approve', { isHuman: false }), vote('y', 'approve', { isHuman: false })]
    expect(tally(people, bots)).toBeUndefined()
    expect(tally(people, [...bots, vote('a', 'approve')])).toBe('approved')
  })

  test('never by an abstention, nor by the vote of somebody who counts towards nothing', () => {
    const named = terms([requirement({ deciders: [{ principal: 'a' }] })])
    expect(tally(named, [vote('b', 'approve')])).toBeUndefined()
    expect(tally(terms([requirement()]), [vote('a', 'abstain')])).toBeUndefined()
  })
})

describe('a gate is rejected', () => {
  test('by one rejection with the policy any, also beside enough approvals', () => {
    expect(tally(terms([requirement({ quorum: 2 })]), [vote('a', 'approve'), vote('b', 'reject')])).toBe('rejected')
  })

  test('by as many rejections as the quorum with the policy majority', () => {
    const majority = terms([requirement({ quorum: 2 })], { rejectPolicy: 'majority' })
    expect(tally(majority, [vote('a', 'reject'), vote('b', 'approve')])).toBeUndefined()
    expect(tally(majority, [vote('a', 'reject'), vote('b', 'approve'), vote('c', 'approve')])).toBe('approved')
    expect(tally(majority, [vote('a', 'reject'), vote('b', 'reject')])).toBe('rejected')
  })

  test('when the named deciders who are left cannot reach the quorum any more', () => {
    const named = terms([requirement({ deciders: [{ principal: 'a' }, { principal: 'b' }], quorum: 2 })], {
      rejectPolicy: 'majority',
    })
    expect(tally(named, [vote('a', 'approve')])).toBeUndefined()
    expect(tally(named, [vote('a', 'approve'), vote('b', 'abstain')])).toBe('rejected')
    expect(tally(named, [vote('b', 'reject')])).toBe('rejected')
  })
})

test('a revision is what comes out unless somebody rejects outright', () => {
  const two = terms([requirement({ quorum: 2 })], { rejectPolicy: 'majority' })
  expect(tally(terms([requirement()]), [vote('a', 'revise')])).toBe('revise')
  expect(tally(two, [vote('a', 'revise'), vote('b', 'reject')])).toBe('rejected')
})

test('the requester may vote only where the requirement does not exclude them', () => {
  const self = { principalId: 'agent', roles: ['Legal'], isHuman: true }
  expect(mayVote(terms([requirement({ deciders: [{ role: 'Legal' }] })]), self)).toBe(false)
  expect(mayVote(terms([requirement({ deciders: [{ role: 'Legal' }], excludeRequester: false })]), self)).toBe(true)
  expect(tally(terms([requirement()]), [vote('agent', 'approve')])).toBeUndefined()
})
