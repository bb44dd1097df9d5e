import { type FieldError, type Json, type Topic, withoutUndefined } from '@soma/kernel'
import type { Discovered, FoundItem } from '@soma/registry/contract'
import type { AgentClients } from '../run/agent-clients.ts'

/** An event that discovery found: what it does, what it needs, what it answers. */
export type EventCandidate = Extract<FoundItem, { kind: 'event' }>
/** A tool definition of the shape that models take for function calling. */
export type ToolDefinition = NonNullable<Discovered['llm']>['tools'][number]

export interface DiscoverOptions {
  /** Default: all topics. */
  readonly topics?: readonly Topic[]
  /** Each must be there. */
  readonly tags?: readonly string[]
  /** 1–50. Default 10. */
  readonly limit?: number
  /** Only events that a live agent consumes. Default true. */
  readonly actionable?: boolean
  /** Cuts the prompt and the tools, each, by whole items from the end. */
  readonly maxTokens?: number
}

/** Events that may be published for a purpose, best first, already filtered by what the caller may do. */
export interface EventChoice {
  readonly events: readonly EventCandidate[]
  /** For function calling; `find` leads from a tool's name back to its event. */
  toTools(): readonly ToolDefinition[]
  /** For a prompt. What the owners of the events wrote is fenced. */
  toPrompt(): string
  /** By a tool's name, or by an event's type. */
  find(name: string): EventCandidate | undefined
}

/** Whether data fits an event. `text` says each fault in words for a model. */
export type Fit =
  | { readonly fits: true }
  | { readonly fits: false; readonly errors: readonly FieldError[]; readonly text: string }

/** What an agent that lets a model choose events needs; every call acts for the event's user. */
export interface EventToolkit {
  discover(question: string, options?: DiscoverOptions): Promise<EventChoice>
  /** Holds data against the registered schema of an event, as publishing would. */
  createPayload(event: { readonly topic: Topic; readonly type: string }, data: Json): Promise<Fit>
  /** The same for what a reply says. An event without a reply takes anything. */
  validateResponse(event: Pick<EventCandidate, 'reply'>, data: Json): Promise<Fit>
}

/** Longest question of `registry.discovery.search`. */
const LONGEST_QUESTION = 1000

export function createEventToolkit(clients: AgentClients): EventToolkit {
  const fit = async ({ topic, type }: { topic: Topic; type: string }, data: Json): Promise<Fit> => {
    const { problem } = await clients.events.events.validate({ body: { type, topic, data: data as never } })
    if (problem === undefined) return { fits: true }
    const errors = (problem.errors ?? []) as readonly FieldError[]
    const lines = errors.map(({ pointer, detail }) => `${pointer.replace(/^\/body\/data/, '') || '/'}: ${detail}`)
    return { fits: false, errors, text: lines.length === 0 ? problem.detail : lines.join('\n') }
  }
  return {
    discover: async (question, options = {}) => {
      const { topics, tags, ...others } = options
      const body = { ...others, topics: topics && [...topics], tags: tags && [...tags] }
      const query = question.slice(0, LONGEST_QUESTION)
      const found = await clients.registry.discovery.search({
        body: withoutUndefined({ ...body, query, want: ['event' as const], format: 'llm' as const }),
      })
      return toChoice(found)
    },
    createPayload: fit,
    validateResponse: async ({ reply }, data) => (reply === undefined ? { fits: true } : fit(reply, data)),
  }
}

function toChoice({ items, llm }: Discovered): EventChoice {
  const events = items.filter((item): item is EventCandidate => item.kind === 'event')
  return {
    events,
    toTools: () => llm?.tools ?? [],
    toPrompt: () => llm?.text ?? '',
    find: (name) => {
      const place = llm?.names[name]
      return events.find(({ type, topic }) =>
        place === undefined ? type === name : type === place.type && topic === place.topic,
      )
    },
  }
}
