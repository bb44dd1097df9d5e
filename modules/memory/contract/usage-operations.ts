import { operation } from '@soma/kernel'
import * as z from 'zod'

const use = z.strictObject({ items: z.number().int(), bytes: z.number().int() })

const get = operation({
  method: 'GET',
  path: '/v1/memory/usage',
  summary: 'How much memory the scopes of the caller hold, by kind, with the limits.',
  capability: 'memory:read',
  action: 'memory.read',
  output: z.strictObject({
    scopes: z.array(
      z.strictObject({
        type: z.enum(['user', 'space', 'tenant']),
        facts: use,
        episodes: use,
        procedures: use,
        working: use,
      }),
    ),
    limits: z.strictObject({
      maxItemsPerTenant: z.number().int(),
      maxItemsPerUser: z.number().int(),
      workingMaxKeys: z.number().int(),
      workingMaxBytes: z.number().int(),
    }),
  }),
})

export const usageOperations = { get } as const
