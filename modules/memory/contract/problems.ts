import { problem } from '@soma/kernel'

export const memoryProblems = {
  keyTaken: problem({
    code: 'memory-key-taken',
    status: 409,
    title: 'Somebody else keeps this key for the whole tenant or space',
    remedy: 'Choose another externalId or slot, or ask the owner or a holder of memory:manage to change it.',
    retryable: false,
  }),
  scopeClosed: problem({
    code: 'memory-scope-closed',
    status: 409,
    title: 'The plan of this scope has ended',
    remedy: 'Write to another scope, such as the user.',
    retryable: false,
  }),
  quotaExceeded: problem({
    code: 'quota-exceeded',
    status: 429,
    title: 'A limit of the tenant, user or plan is reached',
    remedy: 'Delete what is not needed or ask for a higher limit; the limit is named in the detail.',
    retryable: false,
  }),
} as const
