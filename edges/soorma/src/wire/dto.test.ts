import { expect, test } from 'vitest'
import * as z from 'zod'
import { dto } from './dto.ts'

const agent = dto({
  agentId: z.string(),
  capabilities: z.array(dto({ taskName: z.string(), data: z.record(z.string(), z.json()) })),
})

test('members are read in either case at every level, unknown ones are left out, and free JSON stays as it is', () => {
  const data = { free_form: { snake_case: 1 } }
  const expected = { agentId: 'a', capabilities: [{ taskName: 't', data }] }
  expect(agent.parse({ agent_id: 'a', capabilities: [{ task_name: 't', data, other: 1 }] })).toEqual(expected)
  expect(agent.parse({ agentId: 'a', agent_id: 'b', capabilities: [{ taskName: 't', data }] })).toEqual(expected)
})

test('what is no object is refused as such', () => {
  expect(agent.safeParse([]).success).toBe(false)
  expect(agent.safeParse(null).success).toBe(false)
})
