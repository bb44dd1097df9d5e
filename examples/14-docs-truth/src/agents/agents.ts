import type { AgentBase } from '@soma/sdk'
import type { ProseChecker } from '../engine.ts'
import { createCheckers } from './checkers.ts'
import { createPlanner, createSurveyor } from './planner.ts'
import { createProseReader, createResearcher } from './researcher.ts'
import type { DocsStore } from './store.ts'
import { createPublisher, createReviewer, createWriter } from './writer.ts'

export { docsTruthCompleted, docsTruthRequested } from './events.ts'
export { createDocsStore, type DocsStore } from './store.ts'

/** All agents of the job. With a prose checker (`--model`) there is one more. */
export function createDocsTruthAgents(store: DocsStore, proseChecker?: ProseChecker): readonly AgentBase[] {
  return [
    createPlanner(store, { hasModel: proseChecker !== undefined }),
    createSurveyor(store),
    ...createCheckers(store),
    createResearcher(store),
    createWriter(store),
    createReviewer(store),
    createPublisher(store),
    ...(proseChecker === undefined ? [] : [createProseReader(store, proseChecker)]),
  ]
}
