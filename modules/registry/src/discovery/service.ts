import type { Clock, Context, ModuleDatabase } from '@soma/kernel'
import type * as z from 'zod'
import type { Discovered, discoveryOperations, FoundItem } from '../../contract/discovery.ts'
import { checkTopic } from '../event-definitions/check-definitions.ts'
import { createFindings } from '../findings.ts'
import { readDeclared } from '../read-declared.ts'
import { candidatesOf } from './candidates.ts'
import { toLlm } from './llm.ts'
import { rank } from './rank.ts'

type Wanted = z.output<typeof discoveryOperations.search.body>

/** Finds what a question in plain words asks for among what lives now: nothing is kept between questions, so an ended agent is gone at once. */
export function createDiscoveryService({ database, clock }: { database: ModuleDatabase; clock: Clock }) {
  return {
    search: async (context: Context, wanted: Wanted): Promise<Discovered> => {
      checkTopics(wanted.topics ?? [])
      const asOf = clock.now().toISOString()
      const ranked = rank(wanted.query, candidatesOf(await readDeclared(context, database), wanted))
      const items = ranked
        .slice(0, wanted.limit)
        .map(({ item, score, lexical }): FoundItem => ({ ...item, score, scoreParts: { lexical } }))
      const answer = { items, hidden: 0 as const, asOf, degraded: true }
      if (wanted.format === 'full') return answer
      const events = items.filter((item) => item.kind === 'event')
      return { ...answer, llm: toLlm(events, wanted.maxTokens) }
    },
  }
}

function checkTopics(topics: readonly string[]): void {
  const findings = createFindings()
  topics.forEach((topic, index) => {
    checkTopic(topic, { pointer: `/body/topics/${index}`, findings })
  })
  findings.throwIfAny()
}
