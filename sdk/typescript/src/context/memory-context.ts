import { withoutUndefined } from '@soma/kernel'
import type {
  BuiltContext,
  ContextInput,
  Item,
  Link,
  RecallHit,
  RecallInput,
  RememberItem,
  RememberResult,
  RetrievedPassage,
  RetrieveInput,
  SelectedProcedure,
  SelectInput,
} from '@soma/memory/contract'
import type { Handling } from '../run/handling.ts'
import { absentAsUndefined } from './absent.ts'
import { planOf } from './plan-of.ts'
import { createWorkingMemory, type WorkingMemory } from './working-memory.ts'

/** What is remembered: members that are left out are those of the event, or the defaults of the contract. */
export type Remembered = RememberedFact | RememberedEpisode | RememberedProcedure

type Of<Kind> = Extract<RememberItem, { kind?: Kind | undefined }>
type RememberedFact = { kind?: 'fact' } & Pick<Of<'fact'>, 'content'> & Partial<Omit<Of<'fact'>, 'kind' | 'content'>>
type RememberedEpisode = { kind: 'episode' } & Pick<Of<'episode'>, 'content' | 'role'> &
  Partial<Omit<Of<'episode'>, 'kind' | 'content' | 'role'>>

/** A draft, until somebody activates it. */
type RememberedProcedure = { kind: 'procedure' } & Pick<Of<'procedure'>, 'name' | 'type' | 'trigger' | 'content'> &
  Partial<Omit<Of<'procedure'>, 'kind' | 'name' | 'type' | 'trigger' | 'content'>>

export interface Recalled {
  /** The best first, each with the parts of its score. */
  readonly hits: readonly RecallHit[]
  /** Ways of searching that were left out because they were down or slow. */
  readonly degraded: readonly string[]
}

export interface Retrieved {
  /** The best first. */
  readonly passages: readonly RetrievedPassage[]
  readonly answerable: boolean
  readonly bestRelevance: number
  readonly degraded: readonly string[]
}

/** What agent and user remember. Everything is the event's user's, and nobody else's, unless a scope is named. */
export interface MemoryContext {
  /** Stores facts, episodes and drafts of procedures, all or nothing. A repeated handler stores them once. Answers one result an item. @throws Problem `memory-key-taken`, `memory-scope-closed`, `quota-exceeded` */
  remember(...items: readonly Remembered[]): Promise<RememberResult[]>
  /** Finds by words what the user may read, with what belongs to the event's plan. */
  recall(query: string, options?: Partial<Omit<RecallInput, 'query'>>): Promise<Recalled>
  /** Passages for an answer, numbered and cited, at most `budgetTokens` (1,500) together; `answerable` says whether they answer at all. */
  retrieve(query: string, options?: Partial<Omit<RetrieveInput, 'query'>>): Promise<Retrieved>
  /** What a model should know for its next step: procedures of this agent, summaries, facts, episodes and the plan's values, cited and fenced, at most `budgetTokens`. */
  context(options: Partial<ContextInput> & Pick<ContextInput, 'budgetTokens'>): Promise<BuiltContext>
  /** One fact or episode; undefined when there is none, or it is not for this user. */
  get(itemId: string): Promise<Item | undefined>
  /** Active procedures of this agent for what it is about to do: rules that a tag calls, then the best by words. A task always gets the same of versions on trial. */
  select(about: string, options?: Partial<Pick<SelectInput, 'types' | 'limit'>>): Promise<SelectedProcedure[]>
  /** Counts a use of these procedures, and a win where they were useful. */
  feedback(outcome: 'useful' | 'useless' | 'wrong', ...procedureIds: readonly string[]): Promise<void>
  /** Links two items, or makes a link stronger. */
  link(fromId: string, relation: string, toId: string, strength?: number): Promise<Link>
  /** Erases items with their words and links; answers how many. @throws Problem `forbidden` without `memory:forget` */
  forget(...itemIds: readonly string[]): Promise<number>
  /** Of the event's plan; outside a plan, of the user. */
  readonly working: WorkingMemory
}

export function createMemoryContext(handling: Handling): MemoryContext {
  const { clients, event } = handling
  const planId = planOf(handling)
  const ofPlan = withoutUndefined({ planId })
  return {
    async remember(...items) {
      const body = { items: items.map((item) => complete(handling, item)) }
      return (await clients.memory.items.remember({ body: body as never })).results
    },
    recall: (query, options = {}) => clients.memory.items.recall({ body: { ...ofPlan, ...options, query } }),
    retrieve: (query, options = {}) => clients.memory.items.retrieve({ body: { ...ofPlan, ...options, query } }),
    context: (options) =>
      clients.memory.context.build({ body: { ...ofPlan, agentId: handling.agent.name, ...options } }),
    get: (itemId) => absentAsUndefined(() => clients.memory.items.get({ params: { itemId }, query: ofPlan })),
    async select(about, options = {}) {
      const named = withoutUndefined({ taskId: event.taskid })
      const body = { ...ofPlan, ...named, ...options, agentId: handling.agent.name, context: about }
      return (await clients.memory.procedures.select({ body })).procedures
    },
    async feedback(outcome, ...procedureIds) {
      if (procedureIds.length === 0) return
      await clients.memory.feedback.create({ body: { ...ofPlan, outcome, itemIds: [...procedureIds] } })
    },
    link: (fromId, relation, toId, strength) =>
      clients.memory.links.create({ body: { ...ofPlan, ...withoutUndefined({ fromId, relation, toId, strength }) } }),
    async forget(...itemIds) {
      const body = { select: { itemIds: [...itemIds] }, reason: `${handling.agent.name}: ${event.type}` }
      return (await clients.memory.items.forget({ body })).itemIds.length
    },
    working: createWorkingMemory(handling, planId),
  }
}

/**
 * The source of a fact or procedure is the event; its key makes it one however often it is stored. An episode is one a source, so each has a reference of its own, the same on every run of the handler.
 */
function complete(handling: Handling, item: Remembered): Record<string, unknown> {
  const { event, agent } = handling
  if (item.kind !== 'episode') {
    const own = item.kind === 'procedure' ? { agentId: agent.name } : {}
    return { ...own, ...item, source: { ref: event.id, ...item.source } }
  }
  const ref = handling.id('src', 'memory.items.remember')
  const known = { agentId: agent.name, sessionId: event.sessionid, planId: planOf(handling), taskId: event.taskid }
  return { ...withoutUndefined(known), ...item, source: { ref, ...item.source } }
}
