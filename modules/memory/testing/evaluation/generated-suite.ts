import { createHash } from 'node:crypto'
import { generatedConversations } from './conversations.ts'
import { generatedHandbook } from './documents.ts'
import type { Conversation } from './suite.ts'

/** Of the suite whose figures are committed. */
export const SUITE_SEED = 20_251_122

/** The suite that ships: 12 conversations and a handbook, the same for the same seed (MEM-R100). */
export const generatedSuite = (seed: number = SUITE_SEED): Conversation[] => [
  ...generatedConversations(seed),
  generatedHandbook(seed),
]

/** SHA-256 of all turns and questions: figures of another hash are figures of other data. */
export const suiteHash = (suite: readonly Conversation[]): string =>
  createHash('sha256').update(JSON.stringify(suite)).digest('hex')
