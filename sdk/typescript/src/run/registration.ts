import { type Logger, withoutUndefined } from '@soma/kernel'
import { isProblem } from '@soma/kernel'
import type { AgentDefinition, CapabilityOptions } from '../define/agent-definition.ts'
import type { AnyEvent } from '../define/event.ts'
import { sdkProblems } from '../sdk-problems.ts'
import type { AgentClients } from './agent-clients.ts'
import { type AgentIdentity, responseOf } from './handling.ts'
import { fullJitter, sleep } from './waiting.ts'

export const SDK_VERSION = '0.1.0'

const RETRY = { baseMs: 500, maxMs: 30_000 }
const DEFAULT_HEARTBEAT_MS = 30_000

export interface Registration {
  /** Resolves after the first try; true when it succeeded. */
  readonly first: Promise<boolean>
  stop(): Promise<void>
}

export interface RegistrationOptions {
  readonly definition: AgentDefinition
  readonly identity: AgentIdentity
  readonly clients: AgentClients
  readonly log: Logger
  readonly load: () => { inFlight: number; credits: number }
}

/** Registers, keeps trying, and gives signs of life; when the registry has forgotten the instance it registers in full again. */
export function keepRegistered(options: RegistrationOptions): Registration {
  const stopped = new AbortController()
  let settleFirst: (succeeded: boolean | Error) => void = () => undefined
  const first = new Promise<boolean>((resolve, reject) => {
    settleFirst = (outcome) => (outcome instanceof Error ? reject(outcome) : resolve(outcome))
  })
  const loop = keepAlive(options, { signal: stopped.signal, onFirst: settleFirst })
  return {
    first,
    async stop() {
      stopped.abort()
      await loop
      const { identity, clients, log } = options
      try {
        await clients.registry.instances.deregister({
          params: { name: identity.name, instanceId: identity.instanceId },
          query: { reason: 'stopped' },
        })
      } catch (error) {
        log.warn('the instance could not be deregistered; its lease ends by itself', { error })
      }
    },
  }
}

async function keepAlive(
  options: RegistrationOptions,
  life: { signal: AbortSignal; onFirst: (outcome: boolean | Error) => void },
): Promise<void> {
  const { definition, identity, clients, log, load } = options
  const params = { name: identity.name, instanceId: identity.instanceId }
  let registered: { digest: string; heartbeatMs: number } | undefined
  for (let failures = 0; !life.signal.aborted; ) {
    try {
      if (registered === undefined) {
        registered = await register(options)
        life.onFirst(true)
      } else {
        const body = { digest: registered.digest, load: load() }
        const answer = await clients.registry.instances.heartbeat({ params, body })
        if (!answer.known) registered = undefined
      }
      failures = 0
    } catch (error) {
      failures += 1
      if (isProblem(error) && error.code === 'not-found') registered = undefined
      else log.warn('the registry did not answer', { error, failures })
      life.onFirst(definition.options.requireRegistration === true ? failureOf(error) : false)
    }
    if (registered === undefined && failures === 0) continue
    // Signs of life keep no process alive: its stream does, and an agent that a test has killed has none.
    await sleep(pauseOf(registered, failures), life.signal, { ref: registered === undefined })
  }
}

const failureOf = (error: unknown): Error =>
  sdkProblems.registrationFailed.create(error instanceof Error ? error.message : String(error), { cause: error })

/** Heartbeats with ±10 % of jitter, so that replicas started together do not stay together. */
export const pauseOf = (registered: { heartbeatMs: number } | undefined, failures: number): number =>
  failures > 0 || registered === undefined
    ? fullJitter(failures, RETRY)
    : registered.heartbeatMs * (0.9 + Math.random() * 0.2)

async function register({ definition, identity, clients, log, load }: RegistrationOptions) {
  const { options } = definition
  const answer = await clients.registry.instances.register({
    params: { name: identity.name, instanceId: identity.instanceId },
    body: { ...registrationOf(definition), load: load() } as never,
  })
  for (const warning of answer.warnings) log.warn('registration', { ...warning })
  return {
    digest: answer.instance.digest,
    heartbeatMs: options.heartbeatMs ?? answer.heartbeatMs ?? DEFAULT_HEARTBEAT_MS,
  }
}

/** What the agent says about itself, gathered from its options and handlers. */
export function registrationOf(definition: AgentDefinition) {
  const { options, entries, machine, kind } = definition
  const handled = entries.flatMap(({ event, role }) => (event === undefined ? [] : [{ event, role }]))
  const requests = handled.filter(({ role }) => role === 'task' || role === 'invoke' || role === 'goal')
  const consumes = unique([...handled.map(({ event }) => event), ...(options.consumes ?? [])])
  const produces = unique([
    ...(options.produces ?? []),
    ...requests.map(({ event }) => event.response),
    ...(machine?.events ?? []).filter((event) => event.response !== undefined),
  ])
  const events = unique([
    ...consumes,
    ...produces,
    ...[...consumes, ...produces].map((event) => event.response),
    ...(machine?.events ?? []),
  ])
  return withoutUndefined({
    kind,
    description: options.description,
    agentVersion: options.version ?? '1.0.0',
    tags: options.tags ?? [],
    capabilities: (options.capabilities ?? []).map(capabilityOf),
    consumes: consumes.map(referenceOf),
    produces: produces.map(referenceOf),
    events: [...events.map((event) => definitionOf(event, requests)), ...decisionDefinition(definition)],
    sdk: { language: 'typescript', version: SDK_VERSION },
  })
}

const unique = (events: readonly (AnyEvent | undefined)[]): AnyEvent[] => [
  ...new Map(
    events.filter((event) => event !== undefined).map((event) => [`${event.topic} ${event.type}`, event]),
  ).values(),
]

const referenceOf = (event: AnyEvent) => ({
  topic: event.topic,
  type: event.type,
  range: rangeOf(event),
})

/** The versions of an event that its declaration understands: those of its major. */
export const rangeOf = ({ version }: AnyEvent): string => `^${version.split('.')[0]}`

function capabilityOf(capability: string | CapabilityOptions) {
  if (typeof capability === 'string') return capability
  const { consumes, produces, ...others } = capability
  const replies = produces ?? (consumes?.response === undefined ? [] : [consumes.response])
  return withoutUndefined({
    ...others,
    consumes: consumes === undefined ? undefined : referenceOf(consumes),
    produces: replies.map(referenceOf),
  })
}

function definitionOf(event: AnyEvent, requests: readonly { event: AnyEvent }[]) {
  const isRequest = event.response !== undefined || requests.some((other) => other.event === event)
  return withoutUndefined({
    topic: event.topic,
    type: event.type,
    version: event.version,
    kind: isRequest ? 'request' : event.topic === 'action-results' ? 'reply' : 'fact',
    description: event.description,
    purpose: event.purpose,
    schema: { jsonSchema: event.jsonSchema },
    ...responseOf(event),
    sideEffects: event.sideEffects,
    examples: event.examples,
    tags: event.tags,
  })
}

/** Decisions of gates reach the agent as an event of its own. */
const decisionDefinition = ({ entries, options }: AgentDefinition) =>
  entries
    .filter(({ role }) => role === 'decision')
    .map(({ topic, type }) => ({
      topic,
      type,
      version: '1.0.0',
      kind: 'reply',
      description: `A decision at a gate that ${options.name} waits for.`,
      schema: { jsonSchema: { type: 'object' } },
    }))
