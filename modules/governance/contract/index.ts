import { contract, setting } from '@soma/kernel'
import * as z from 'zod'
import { governanceFacts } from './facts.ts'
import { gateOperations } from './gates.ts'

export * from './facts.ts'
export * from './gate.ts'
export * from './gates.ts'
export * from './problems.ts'

/** First depth: gates. Constitution, policy, budgets, receipts and moderation follow. */
export const governanceContract = contract({
  module: 'governance',
  summary: 'Was this allowed, by whom, and can it be proven?',
  operations: { gates: gateOperations },
  events: governanceFacts,
  capabilities: {
    'gate:read': 'See gates.',
    'gate:open': 'Open gates.',
    'gate:decide': 'Vote at gates whose requirements allow it.',
    'gate:manage': 'Cancel gates.',
  },
  settings: {
    gateDefaultDueMs: setting({
      type: z.number().int().min(1000).max(2_592_000_000),
      default: 86_400_000,
      summary: 'How long a gate waits when its opener does not say: a working day later somebody has seen it.',
      unit: 'ms',
    }),
    gateSweepMs: setting({
      type: z.number().int().min(50).max(5000),
      default: 1000,
      summary: 'How often due gates are looked for; an expiry is at most 5 s late.',
      unit: 'ms',
    }),
  },
})
