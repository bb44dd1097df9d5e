import { expect, test } from 'vitest'
import { createLogger } from './log.ts'

function capture(level: 'info' | 'error') {
  const lines: Record<string, unknown>[] = []
  const log = createLogger({
    level,
    fields: { process: 'p1' },
    destination: { write: (line) => void lines.push(JSON.parse(line)) },
  })
  return { lines, log }
}

test('a line is an event with its fields and those that were bound', () => {
  const { lines, log } = capture('info')
  log.child({ module: 'plans' }).info('plan completed', { planId: 'plan_1' })
  expect(lines).toMatchObject([
    {
      level: 'info',
      process: 'p1',
      module: 'plans',
      planId: 'plan_1',
      msg: 'plan completed',
      time: expect.stringMatching(/Z$/),
    },
  ])
})

test('less severe lines are not written', () => {
  const { lines, log } = capture('error')
  log.info('quiet')
  expect(lines).toEqual([])
})

test('secrets do not reach a line, at any depth', () => {
  const { lines, log } = capture('info')
  log.info('x', { apiKey: 'planted', request: { authorization: 'planted', headers: { cookie: 'planted' } } })
  expect(JSON.stringify(lines)).not.toContain('planted')
})

test('an error keeps its causes and SQLSTATE', () => {
  const { lines, log } = capture('info')
  const cause = Object.assign(new Error('duplicate key'), { code: '23505' })
  log.error('failed', { error: new Error('outer', { cause }) })
  expect(lines[0]).toMatchObject({ error: { message: 'outer', cause: { message: 'duplicate key', code: '23505' } } })
})
