import { expect, test } from 'vitest'
import { createProcessList } from './join.ts'

test('a key that is missing is looked for by a request that begins after the question, one at a time', async () => {
  const answers: ((items: object[]) => void)[] = []
  const processes = createProcessList(
    () =>
      new Promise((resolve) => {
        answers.push((items) => resolve({ items, nextCursor: null }))
      }),
    'local',
  )
  const joined = [{ modules: ['events'], publicJwk: { kid: 'new' } }]
  const early = processes(true)
  await expect.poll(() => answers.length).toBe(1)
  const late = [processes(true), processes(true)]
  answers[0]?.([])
  expect(await early).toEqual([])
  await expect.poll(() => answers.length).toBe(2)
  answers[1]?.(joined)
  expect(await Promise.all(late)).toEqual([joined, joined])
  expect(await processes(false)).toEqual(joined)
  expect(answers).toHaveLength(2)
})
