/** The fixed topics. Tenants may define types on the first eight; the last four are written by modules alone (spec: events). */
export const TENANT_TOPICS = [
  'action-requests',
  'action-results',
  'business-facts',
  'system-events',
  'plan-events',
  'task-events',
  'notification-events',
  'billing-events',
] as const
export const MODULE_TOPICS = ['conversation', 'memory', 'audit', 'dead-letter'] as const
export const TOPICS = [...TENANT_TOPICS, ...MODULE_TOPICS] as const
export type Topic = (typeof TOPICS)[number]

export const isTopic = (value: string): value is Topic => (TOPICS as readonly string[]).includes(value)
