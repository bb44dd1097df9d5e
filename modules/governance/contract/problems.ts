import { problem } from '@soma/kernel'

export const governanceProblems = {
  payloadChanged: problem({
    code: 'payload-changed',
    status: 409,
    title: 'The payload is not the one you saw',
    remedy: 'Read the gate again and vote with its current payloadHash.',
    retryable: false,
  }),
  gateClosed: problem({
    code: 'gate-closed',
    status: 409,
    title: 'The gate is decided already',
    remedy: 'Read the gate: its outcome stands and cannot be changed.',
    retryable: false,
  }),
  notADecider: problem({
    code: 'not-a-decider',
    status: 403,
    title: 'You may not vote at this gate',
    remedy: 'Ask one of the deciders that the requirements of the gate name.',
    retryable: false,
  }),
} as const
