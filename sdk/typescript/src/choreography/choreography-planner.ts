import { type Json, withoutUndefined } from '@soma/kernel'
import * as z from 'zod'
import type { PlanContext } from '../context/plan-context.ts'
import type { PlatformContext } from '../context/platform-context.ts'
import type { ResultContext } from '../context/result-context.ts'
import type { Planner } from '../define/agent.ts'
import { definePlanner } from '../define/agents.ts'
import { defineEvent } from '../define/event.ts'
import type { DecisionContext, EventContext } from '../define/handlers.ts'
import { act, type Work } from './acting.ts'
import { breakerDefaults, type Trip, tripAt, tripBefore } from './breakers.ts'
import { decide, discoverFor } from './deciding.ts'
import type { PlannerDecision } from './decision.ts'
import {
  beginMemory,
  hasMemory,
  isUnderWay,
  memoryOf,
  noteDecision,
  noteFailure,
  noteResult,
  restartCounters,
} from './memory.ts'
import type { ChoreographyOptions } from './options.ts'

/**
 * A planner that knows no worker: on each trigger it discovers what can be asked for now, decides, and does what it decided after that was checked against
 * registry and schemas. Decisions and breakers are kept with the plan, so a crash repeats none and a restart resets none.
 */
export function defineChoreographyPlanner(options: ChoreographyOptions): Planner {
  const {
    goals,
    facts = [],
    model: _model,
    instructions: _instructions,
    strategy: _strategy,
    onTrip: _onTrip,
    ...agent
  } = options
  const planner = definePlanner(agent)
  const answered = answerOf(options.name)
  const go = (plan: PlanContext, context: PlatformContext) => proceed({ plan, context, options, answered })

  for (const event of goals)
    planner.onGoal(event, async (goal, context) => {
      const plan = await context.plans.createFromGoal(goal)
      if (isUnderWay(plan)) return
      beginMemory(plan, context.clock.now())
      await go(plan, context)
    })
  planner.onResult(answered, async (result, context) => {
    const plan = await result.restorePlan()
    if (plan !== undefined && (isDecided(plan, context) || (await takeAnswer(plan, context, result))))
      await go(plan, context)
  })
  planner.onDecision(async (decision, plan, context) => {
    if (isDecided(plan, context) || (await takeDecision(plan, decision))) await go(plan, context)
  })
  planner.onResume(async (plan, context) => {
    if (!hasMemory(plan)) return
    if (!isDecided(plan, context)) restartCounters(memoryOf(plan), context.clock.now())
    if (!isUnderWay(plan)) await go(plan, context)
  })
  for (const event of facts)
    planner.onEvent(event, async (fact, context) => {
      const plan = await planOf(fact, context)
      if (plan !== undefined && hasMemory(plan) && (isDecided(plan, context) || takeFact(plan, fact)))
        await go(plan, context)
    })
  return planner
}

/** Replies to all that it asks for come in a type of its own, so it needs to know none beforehand. */
const answerOf = (name: string) =>
  defineEvent({
    type: `${name.replaceAll(/[^a-z0-9-]+/g, '-').replace(/^[^a-z0-9]+/, 'agent-')}.answered`,
    topic: 'action-results',
    description: `An answer to something that ${name} asked for.`,
    data: z.unknown(),
  })

/** This very event was taken in, and decided for, by a run that did not end. */
const isDecided = (plan: PlanContext, { event }: PlatformContext): boolean =>
  memoryOf(plan).pending?.eventId === event.id

/** Takes in a reply. False: it is of no interest any more. */
async function takeAnswer(plan: PlanContext, context: PlatformContext, result: ResultContext): Promise<boolean> {
  const memory = memoryOf(plan)
  const taskId = result.subTaskId ?? ''
  const open = memory.open[taskId]
  if (open === undefined) return false
  delete memory.open[taskId]
  if (memory.waiting?.taskId === taskId) {
    noteFailure(memory, `${memory.waiting.type} did not come in time`)
    delete memory.waiting
    return true
  }
  if (result.outcome === 'failed') {
    noteFailure(memory, `${open.type} failed: ${result.problem?.detail ?? ''}`)
    return true
  }
  const data = (result.data ?? null) as Json
  const fit = await context.toolkit.validateResponse(open.reply === undefined ? {} : { reply: open.reply }, data)
  if (fit.fits) noteResult(memory, open.type, data)
  else noteFailure(memory, `the answer to ${open.type} does not fit: ${fit.text}`)
  return true
}

/** Takes in what a person has answered. */
async function takeDecision(plan: PlanContext, { key, outcome, payload }: DecisionContext): Promise<boolean> {
  const memory = memoryOf(plan)
  if (memory.open[key] === undefined) return false
  delete memory.open[key]
  if (outcome !== 'approved') noteFailure(memory, `the question was ${outcome}`)
  else noteResult(memory, `answer.${key}`, ((await payload()) as { answer: Json }).answer)
  return true
}

/** Takes in a fact, where the plan waits for one of its type. */
function takeFact(plan: PlanContext, { type, data }: EventContext): boolean {
  const memory = memoryOf(plan)
  if (memory.waiting?.type !== type) return false
  delete memory.open[memory.waiting.taskId]
  delete memory.waiting
  noteResult(memory, type, data as Json)
  return true
}

const planOf = (
  { planId, correlationId }: EventContext,
  { plans }: PlatformContext,
): Promise<PlanContext | undefined> =>
  planId === undefined ? plans.restoreByCorrelation(correlationId) : plans.restore(planId)

/** Decides and does the next thing. What was decided is stored before it is done, so a crash in between repeats it and decides nothing anew. */
async function proceed(work: Work): Promise<void> {
  const { plan } = work
  for (;;) {
    const decision = memoryOf(plan).pending?.decision ?? (await decideAnew(work))
    if (decision === undefined) return
    const memory = memoryOf(plan)
    const refused = await act(work, memory, decision.nextAction)
    delete memory.pending
    if (refused === undefined) return
    noteFailure(memory, `${decision.nextAction.action} was refused: ${refused}`)
  }
}

async function decideAnew(work: Work): Promise<PlannerDecision | undefined> {
  const { plan, context, options } = work
  const limits = { ...breakerDefaults, ...limitsOf(options) }
  const memory = memoryOf(plan)
  const choice = await discoverFor(work)
  for (;;) {
    const now = context.clock.now()
    const early = tripBefore(memory, limits, now.getTime())
    if (early !== undefined) return stop(work, early)
    if (choice.events.length === 0 && Object.keys(memory.results).length === 0)
      return giveUp(work, 'nothing that is live can serve it')
    const verdict = await decide({ ...work, memory, choice })
    if ('issues' in verdict) {
      const why = verdict.issues.join('; ')
      if (options.model === undefined) return giveUp(work, why)
      noteFailure(memory, `no usable decision: ${why}`)
      memory.stalls += 1
      continue
    }
    const { decision, by } = verdict.value
    const trip = tripAt(decision.nextAction, memory, limits)
    if (trip !== undefined) return stop(work, trip)
    noteDecision(memory, { at: now.toISOString(), decision, by }, context.event.id)
    await plan.save()
    return decision
  }
}

const limitsOf = ({ maxActions, maxWallMs, maxRepeats, maxFailures, maxStalls }: ChoreographyOptions) =>
  withoutUndefined({ maxActions, maxWallMs, maxRepeats, maxFailures, maxStalls })

/** Longest reason of a pause. */
const LONGEST_REASON = 500

async function stop({ plan, options }: Work, { breaker, detail }: Trip): Promise<undefined> {
  const reason = `breaker ${breaker}: ${detail}`.slice(0, LONGEST_REASON)
  if (options.onTrip === 'fail') plan.fail({ code: 'breaker-tripped', detail: reason, retryable: false })
  else await plan.pause(reason)
}

function giveUp({ plan }: Work, detail: string): undefined {
  plan.fail({ code: 'no-ability', detail: `${plan.goal.type} cannot be reached: ${detail}`, retryable: false })
}
