import { setting } from '@soma/kernel'
import * as z from 'zod'

export const plansSettings = {
  sweepMs: setting({
    type: z.number().int().min(50).max(1000),
    default: 250,
    modes: { test: 50 },
    summary: 'How often due timers and mail between plans are looked for; timers fire at most 1 s late.',
  }),
  deliveryCap: setting({
    type: z.number().int().min(1).max(100),
    default: 5,
    summary: 'Deliveries of one try that may end without a result before the task fails as poisoned.',
  }),
  maxTries: setting({
    type: z.number().int().min(1).max(20),
    default: 3,
    summary: 'Tries of a task whose failures may be repeated, unless its spec says another number.',
  }),
  tryTimeoutMs: setting({
    type: z.number().int().min(1),
    default: 600_000,
    summary: 'How long one try of a task runs, unless its spec says another time.',
  }),
  maxOpenPlans: setting({
    type: z.number().int().min(1),
    default: 10_000,
    summary: 'Open plans of a tenant; more answer rate-limited.',
  }),
}
