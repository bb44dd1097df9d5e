import { governanceProblems } from '@soma/governance/contract'
import { commonProblems } from '@soma/kernel'
import { expect, it } from 'vitest'
import { describeFailure, EXIT, exitCodeOf, Interrupted, UsageError } from './failure.ts'

it('has an exit code for each kind of failure', () => {
  const { approvalRequired, budgetExceeded, idempotencyKeyReused, versionConflict, rateLimited } = commonProblems
  expect(exitCodeOf(approvalRequired.create('x'))).toBe(EXIT.approval)
  expect(exitCodeOf(budgetExceeded.create('x'))).toBe(EXIT.budget)
  expect(exitCodeOf(idempotencyKeyReused.create('x'))).toBe(EXIT.conflict)
  expect(exitCodeOf(versionConflict.create('x'))).toBe(EXIT.conflict)
  expect(exitCodeOf(governanceProblems.gateClosed.create('x'))).toBe(EXIT.conflict)
  expect(exitCodeOf(governanceProblems.notADecider.create('x'))).toBe(EXIT.denied)
  expect(exitCodeOf(commonProblems.unauthenticated.create('x'))).toBe(EXIT.denied)
  expect(exitCodeOf(commonProblems.notFound.create('x'))).toBe(EXIT.notFound)
  expect(exitCodeOf(rateLimited.create('x'))).toBe(EXIT.unavailable)
  expect(exitCodeOf(commonProblems.timeout.create('x'))).toBe(EXIT.unavailable)
  expect(exitCodeOf(commonProblems.invalidRequest.create('x'))).toBe(EXIT.failed)
  expect(exitCodeOf(new UsageError('x'))).toBe(EXIT.usage)
  expect(exitCodeOf(new Interrupted('x'))).toBe(EXIT.interrupted)
  expect(exitCodeOf(new Error('x'))).toBe(EXIT.failed)
})

const invalid = commonProblems.invalidRequest.create('two fields are wrong', {
  traceId: 'abc',
  errors: [
    { pointer: '/body/scopes/0', code: 'x', detail: 'no such capability' },
    { pointer: '/body/expiresAt', code: 'x', detail: 'has passed' },
    { pointer: '/query/planId', code: 'x', detail: 'no id' },
    { pointer: '/body/data/amount', code: 'x', detail: 'too large' },
  ],
})

it('tells title, detail, remedy, trace and the flags of wrong fields; with --json the problem document', () => {
  expect(describeFailure(invalid, false).split('\n')).toEqual([
    'The input does not fit its schema: two fields are wrong',
    '  --scopes: no such capability',
    '  --expires-in-days: has passed',
    '  --plan: no id',
    '  --data/amount: too large',
    'Correct the fields listed in errors.',
    'trace abc',
  ])
  expect(JSON.parse(describeFailure(invalid, true))).toMatchObject({
    code: 'invalid-request',
    status: 422,
    traceId: 'abc',
    errors: [{ pointer: '/body/scopes/0' }, {}, {}, {}],
  })
})

it('names the gate that has to be approved', () => {
  const error = commonProblems.approvalRequired.create('x', { gateId: 'gate_1' })
  expect(describeFailure(error, false)).toContain('\ngate gate_1\n')
})

it('says how to start a server where none is', () => {
  const error = commonProblems.unavailable.create('no connection to http://h:1', { cause: new Error('refused') })
  expect(describeFailure(error, false)).toMatch(/^no connection to http:\/\/h:1; `soma serve` starts a server/)
})
