import { setting } from '@soma/kernel'
import * as z from 'zod'

export const memorySettings = {
  exactLimit: setting({
    type: z.number().int().min(0).max(1_000_000),
    default: 4000,
    summary:
      'Items up to which a scope is searched whole; larger ones through their index, which is faster from there on.',
  }),
  pool: setting({
    type: z.number().int().min(10).max(800),
    default: 50,
    summary: 'Candidates that recall takes first; it takes more where filters leave too few.',
  }),
  halfLifeMs: setting({
    type: z.number().int().min(60_000),
    default: 2_592_000_000,
    summary: 'Age at which the recency of an item counts half.',
  }),
  lexicalWeight: setting({
    type: z.number().min(0).max(10),
    default: 1,
    summary: 'Weight of the ranking by words.',
  }),
  answerThreshold: setting({
    type: z.number().min(0).max(1),
    default: 0.2,
    summary: 'Relevance of the best passage from which a question counts as answerable.',
  }),
  maxItemsPerTenant: setting({
    type: z.number().int().min(1),
    default: 1_000_000,
    summary: 'Facts and episodes that a tenant keeps; more answer quota-exceeded.',
  }),
  maxItemsPerUser: setting({
    type: z.number().int().min(1),
    default: 50_000,
    summary: "Facts and episodes in a user's own scope; more answer quota-exceeded.",
  }),
  workingKeepFailedMs: setting({
    type: z.number().int().min(0),
    default: 86_400_000,
    summary: 'How long the working items of a failed plan stay readable.',
  }),
  workingMaxKeys: setting({
    type: z.number().int().min(1).max(1_000_000),
    default: 10_000,
    summary: 'Keys in the working memory of one plan or user.',
  }),
  workingMaxBytes: setting({
    type: z.number().int().min(1024),
    default: 16_777_216,
    unit: 'bytes',
    summary: 'Bytes in the working memory of one plan or user.',
  }),
  secretPolicy: setting({
    type: z.enum(['mask', 'refuse', 'allow']),
    default: 'mask',
    summary: 'What happens to known shapes of secrets in a text: masked before it is kept, refused, or kept.',
  }),
}
