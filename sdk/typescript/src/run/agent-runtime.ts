import { type Clock, isProblem, type Logger, newUuid, type Problem, silentLogger } from '@soma/kernel'
import { callerHeaders, type ConnectOptions, connect, urlOf } from '../clients/connect.ts'
import type { AgentDefinition, Hook } from '../define/agent-definition.ts'
import { type AgentClients, loadAgentClients } from './agent-clients.ts'
import { type Delivery, followDeliveries } from './delivery-stream.ts'
import type { AgentIdentity } from './handling.ts'
import { guardLeases } from './lease-guard.ts'
import { createWorkInHand } from './work-in-hand.ts'
import { keepRegistered } from './registration.ts'
import { createSettler } from './settler.ts'
import { ensureSubscription } from './subscription.ts'
import { fullJitter, sleep } from './waiting.ts'

export interface StartOptions extends ConnectOptions {
  readonly log?: Logger
  readonly clock?: Clock
}

export interface RunningAgent {
  readonly identity: AgentIdentity
  /** Resolves with the problem when the agent ended by itself: its credential was refused twice. Undefined after `stop`. */
  readonly failed: Promise<Problem | undefined>
  stop(): Promise<void>
}

const DEFAULT_CONCURRENCY = 10
const DEFAULT_GRACE_MS = 20_000
/** For handing back what was not finished. */
const HAND_BACK_MS = 5_000
const RETRY = { baseMs: 250, maxMs: 30_000 }

/** Starts one process of an agent: registers, runs the start hooks, opens the stream of the group, keeps leases and registration alive. */
export async function startAgent(definition: AgentDefinition, options: StartOptions): Promise<RunningAgent> {
  if (definition.entries.length === 0) throw new TypeError(`agent "${definition.options.name}" has no handler`)
  const log = (options.log ?? silentLogger).child({ agent: definition.options.name })
  const clock = options.clock ?? { now: () => new Date() }
  const identity = {
    name: definition.options.name,
    version: definition.options.version ?? '1.0.0',
    instanceId: newUuid(),
  }
  const connection = connect(options)
  const clientsOver = await loadAgentClients()
  const clients = clientsOver(connection())
  const closed = new AbortController()
  const concurrency = definition.options.concurrency ?? DEFAULT_CONCURRENCY
  const inHand = { count: 0 }
  const registration = keepRegistered({
    definition,
    identity,
    clients,
    log,
    load: () => ({ inFlight: inHand.count, credits: concurrency }),
  })
  const join = async () => {
    await registration.first
    await runHooks(definition.startup, { identity, clients, log, clock })
    return untilAnswered(() => ensureSubscription(clients, definition), { log, signal: closed.signal })
  }
  const subscription = await join().catch(async (error: unknown) => {
    await registration.stop()
    throw error
  })
  const memberId = newUuid()
  const settler = createSettler({ clients, subscriptionId: subscription.id, memberId, log, closed: closed.signal })
  const guard = leaseGuard(options, log, {
    agent: identity.name,
    subscriptionId: subscription.id,
    memberId,
    leaseMs: subscription.leaseMs,
  })
  const work = createWorkInHand({
    definition,
    identity,
    settler,
    leaseMs: subscription.leaseMs,
    clients,
    clientsFor: (deliveryId, traceparent) => clientsOver(connection({ deliveryId, traceparent })),
    log,
    clock,
    onChange: (deliveries) => {
      inHand.count = deliveries.length
      guard(deliveries)
    },
  })
  const stream = followDeliveries({
    clients,
    subscriptionId: subscription.id,
    query: { memberId, credits: concurrency, agentInstanceId: identity.instanceId },
    onDelivery: work.take,
    onLeaseLost: work.lose,
    log,
  })
  await stream.opened
  log.info('the agent takes work')
  const stop = async () => {
    const graceMs = definition.options.graceMs ?? DEFAULT_GRACE_MS
    // A platform that is away gets nothing back: leases end by themselves.
    const patience = setTimeout(() => closed.abort(), graceMs + HAND_BACK_MS)
    await settler.setCredits(0).catch((error: unknown) => log.debug('credits could not be withdrawn', { error }))
    // Nobody should find it any more while it ends what it has in hand.
    const deregistered = registration.stop()
    await work.drain(graceMs)
    await stream.stop()
    await deregistered
    await runHooks(definition.shutdown, { identity, clients, log, clock })
    clearTimeout(patience)
    closed.abort()
  }
  let stopping: Promise<void> | undefined
  return { identity, failed: stream.ended, stop: () => (stopping ??= stop()) }
}

/** In the process of the platform, and over a `fetch` of the caller's own, no other thread can ask. */
function leaseGuard(
  options: StartOptions,
  log: Logger,
  member: { agent: string; subscriptionId: string; memberId: string; leaseMs: number },
): (deliveries: readonly Delivery[]) => void {
  if (options.platform !== undefined || options.fetch !== undefined) return () => undefined
  const url = urlOf(options)
  let headers: Readonly<Record<string, string>> = {}
  const renew = (): void => {
    callerHeaders(options).then(
      (renewed) => void (headers = renewed),
      (error: unknown) => log.debug('no token for the thread that keeps leases', { error }),
    )
  }
  renew()
  return (deliveries) => {
    const held = deliveries.map(({ deliveryId, attempt, event }) => ({ deliveryId, attempt, type: event.type }))
    guardLeases({ ...member, url, headers, deliveries: held }, log)
    if (typeof options.token === 'function') renew()
  }
}

async function runHooks(
  hooks: readonly Hook[],
  parts: { identity: AgentIdentity; clients: AgentClients; log: Logger; clock: Clock },
): Promise<void> {
  const { identity, clients, log, clock } = parts
  const { createRegistryContext } = await import('../context/platform-context.ts')
  for (const hook of hooks) await hook({ agent: identity, registry: createRegistryContext(clients), log, clock })
}

/** Asks until the platform answers; a refusal is thrown. */
async function untilAnswered<Value>(
  ask: () => Promise<Value>,
  by: { log: Logger; signal: AbortSignal },
): Promise<Value> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await ask()
    } catch (error) {
      if (!isProblem(error) || !error.retryable || by.signal.aborted) throw error
      by.log.warn('the platform does not answer yet', { error, attempt })
      await sleep(fullJitter(attempt, RETRY), by.signal)
    }
  }
}
