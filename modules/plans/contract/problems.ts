import { problem } from '@soma/kernel'

export const planProblems = {
  planInvalid: problem({
    code: 'plan-invalid',
    status: 422,
    title: 'The plan does not compile',
    remedy: 'Correct the places listed in errors.',
    retryable: false,
  }),
  illegalTransition: problem({
    code: 'illegal-transition',
    status: 409,
    title: 'The state machine has no such edge now',
    remedy: 'Read the plan: another replica may have moved it. Retry from its current state.',
    retryable: false,
  }),
  fenced: problem({
    code: 'fenced',
    status: 409,
    title: 'The task was handed to somebody else',
    remedy: 'Stop working on it: a later delivery owns the task, and its result counts.',
    retryable: false,
  }),
} as const
