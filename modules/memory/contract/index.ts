import { contract } from '@soma/kernel'
import { episodesOperations } from './episodes-operations.ts'
import { memoryEvents } from './events.ts'
import { factsOperations } from './facts-operations.ts'
import { itemsOperations } from './items-operations.ts'
import { linksOperations } from './links-operations.ts'
import { contextOperations, retrieve } from './context-operations.ts'
import { procedureOperations } from './procedures-operations.ts'
import { memoryProblems } from './problems.ts'
import { memorySettings } from './settings.ts'
import { usageOperations } from './usage-operations.ts'
import { workingOperations } from './working-operations.ts'

export * from './events.ts'
export { SECTIONS } from './context-operations.ts'
export type { BuiltContext, ContextInput, RetrievedPassage, RetrieveInput, SectionKind } from './context-operations.ts'
export type { RecallHit, RecallInput, RememberResult } from './items-operations.ts'
export { memoryProblems } from './problems.ts'
export type { SelectedProcedure, SelectInput } from './procedures-operations.ts'
export * from './records.ts'
export * from './words.ts'
export type { WorkingChange } from './working-operations.ts'

export const memoryContract = contract({
  module: 'memory',
  summary: 'What does an agent remember, where did it come from, and when was it true?',
  operations: {
    items: { ...itemsOperations, retrieve },
    context: contextOperations,
    facts: factsOperations,
    episodes: episodesOperations,
    procedures: procedureOperations.procedures,
    feedback: procedureOperations.feedback,
    working: workingOperations,
    links: linksOperations,
    usage: usageOperations,
  },
  events: memoryEvents,
  problems: Object.values(memoryProblems),
  capabilities: {
    'memory:read': "Recall and read one's own memory, and what is shared with the plan, space or tenant.",
    'memory:write': "Remember in one's own scope and in plans one works in.",
    'memory:publish': 'Remember for the whole space or tenant.',
    'procedure:activate': 'Let a version of a procedure be used, or no more.',
    'memory:forget': "Erase one's own items.",
    'memory:manage': "Change and erase other people's items in shared scopes, and erase a person's.",
  },
  settings: memorySettings,
})
