import { setting } from '@soma/kernel'
import * as z from 'zod'

const days = (value: number, summary: string) =>
  setting({
    type: z.number().int().min(1).max(3650),
    default: value,
    unit: 'days',
    modes: { test: 1, 'test-debug': 1 },
    summary,
  })

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
  maxOpenPlans: setting({
    type: z.number().int().min(1),
    default: 10_000,
    summary: 'Open plans of a tenant; more answer rate-limited.',
  }),
  maxOpenTasks: setting({
    type: z.number().int().min(1),
    default: 100_000,
    summary: 'Open tasks of a tenant; more answer rate-limited.',
  }),
  inlineBytes: setting({
    type: z.number().int().min(1024),
    default: 65_536,
    unit: 'bytes',
    summary: 'Largest output that is kept in the row of a task.',
  }),
  retentionJournal: days(90, 'How long journals and outputs stay after the end of a plan.'),
  retentionPlans: days(400, 'How long plan rows stay after the end.'),
}
