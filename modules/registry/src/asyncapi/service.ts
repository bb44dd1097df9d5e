import { type Context, commonProblems } from '@soma/kernel'
import {
  type AsyncApiContent,
  type AsyncApiOptions,
  isMeant,
  repliesTo,
  toAsyncApi,
  topicsOf,
} from '../../contract/asyncapi.ts'
import { checkTopic } from '../event-definitions/check-definitions.ts'
import { createFindings } from '../findings.ts'
import type { Declared, DeclaredReader } from '../read-declared.ts'

interface Wanted {
  readonly agent?: string | undefined
  readonly topic?: string | undefined
}

/** The AsyncAPI document of what a caller sees: definitions that are not retired, and live agents (REG-R32). */
export function createAsyncApiService({
  declared,
  installation,
}: {
  declared: DeclaredReader
  installation: AsyncApiOptions
}) {
  return {
    /** @throws not-found for an agent that does not live, unknown-topic */
    get: async (context: Context, wanted: Wanted) => {
      if (wanted.topic !== undefined) {
        const findings = createFindings()
        checkTopic(wanted.topic, { pointer: '/query/topic', findings })
        findings.throwIfAny()
      }
      return toAsyncApi(contentOf(await declared.read(context), wanted), installation)
    },
  }
}

function contentOf(registry: Declared, { agent, topic }: Wanted): AsyncApiContent {
  if (agent === undefined && topic === undefined) return registry
  const agents = agent === undefined ? registry.agents : registry.agents.filter(({ name }) => name === agent)
  if (agents.length === 0 && agent !== undefined) throw commonProblems.notFound.create(`no live agent ${agent}`)
  const references = agents.flatMap(({ consumes, produces }) => [...consumes, ...produces])
  const chosen = registry.events.filter(
    (event) =>
      (topic === undefined || event.topic === topic) &&
      (agent === undefined || references.some((reference) => isMeant(reference, event))),
  )
  const replies = chosen.flatMap((event) => repliesTo(event, registry.events))
  const events = [...new Set([...chosen, ...replies])]
  return { events, agents, topics: topicsOf(events) }
}
