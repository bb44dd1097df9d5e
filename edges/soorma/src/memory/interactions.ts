import type { Client, JsonObject } from '@soma/kernel'
import type { Episode, memoryContract, SelectedProcedure } from '@soma/memory/contract'
import type { Caller } from '../wire/route.ts'
import { documentOr } from './foreign-ids.ts'
import { ownedBy, scoresOf } from './item-answers.ts'
import { type EpisodeCreate, EPISODE_ROLES } from './item-dtos.ts'

type MemoryClient = Client<typeof memoryContract>

/** Episodic memory: what an agent and its user said. */
export function createInteractions({ episodes, items }: Pick<MemoryClient, 'episodes' | 'items'>) {
  return {
    log: async (caller: Caller, { agentId, role, content, metadata }: EpisodeCreate) => {
      const body = { agentId, role, content, metadata: metadata as JsonObject }
      return viewEpisode(caller, await episodes.create(caller.context, { body }), null)
    },
    recent: async (caller: Caller, query: { agent_id: string; limit: number }) => {
      const page = await episodes.list(caller.context, { query: { agentId: query.agent_id, limit: query.limit } })
      return page.items.map((episode) => viewEpisode(caller, episode, null))
    },
    search: async (
      caller: Caller,
      { agent_id: agentId, q: query, limit }: { agent_id: string; q: string; limit: number },
    ) => {
      const { hits } = await items.recall(caller.context, { body: { query, agentId, limit, kinds: ['episode'] } })
      const scores = scoresOf(hits)
      return hits.flatMap(({ item }, index) =>
        item.kind === 'episode' ? [viewEpisode(caller, item, scores[index] as number)] : [],
      )
    },
  }
}

const ROLES = new Set<string>(EPISODE_ROLES)

function viewEpisode(caller: Caller, episode: Episode, score: number | null) {
  const role = ROLES.has(episode.role) ? (episode.role as EpisodeCreate['role']) : ('system' as const)
  const { agentId, content, metadata } = episode
  return { ...ownedBy(caller, episode), agentId, role, content, metadata: documentOr(metadata, {}), score }
}

/** Procedural memory: what an agent does with what is asked of it. It is written through Soma. */
export function createSkills({ procedures }: Pick<MemoryClient, 'procedures'>) {
  return async (
    caller: Caller,
    { agent_id: agentId, q: context, limit }: { agent_id: string; q: string; limit: number },
  ) => {
    const found = await procedures.select(caller.context, { body: { agentId, context, limit } })
    const chosen = found.procedures.slice(0, limit)
    // A rule that a tag calls stands first whatever its words are worth.
    const scores = scoresOf(chosen.map((one) => (one.why === 'rule' ? { ...one, score: 1, relevance: 1 } : one)))
    return chosen.map((one, index) => viewProcedure(caller, one, scores[index] as number))
  }
}

const viewProcedure = (caller: Caller, { procedure }: SelectedProcedure, score: number) => ({
  ...ownedBy(caller, procedure),
  agentId: procedure.agentId,
  triggerCondition: procedure.trigger,
  procedureType: procedure.type === 'few-shot' ? ('few_shot_example' as const) : ('system_prompt' as const),
  content: procedure.content,
  score,
})
