import type { Registration } from '../../contract/agents.ts'
import type { EventRef } from '../../contract/words.ts'
import { digestOf } from '../digest.ts'
import { checkTopic } from '../event-definitions/check-definitions.ts'
import type { Findings } from '../findings.ts'
import { unionOf } from './agent-record.ts'
import type { RegistrationRow } from './store.ts'

export interface Warning {
  readonly code: string
  readonly detail: string
  readonly pointer: string
}

/** What the registration says about the agent itself: how this process feels just now is no part of it. */
export function registrationRow(agentId: string, input: Registration): RegistrationRow {
  return {
    agent_id: agentId,
    digest: registrationDigest(input),
    kind: input.kind,
    agent_version: input.agentVersion,
    description: input.description,
    persona_id: input.personaId ?? null,
    tags: input.tags,
    capabilities: input.capabilities,
    consumes: consumedBy(input),
    produces: producedBy(input),
  }
}

export function registrationDigest(input: Registration): string {
  const { health: _health, load: _load, sdk: _sdk, region: _region, leaseMs: _leaseMs, ...declared } = input
  return digestOf(declared)
}

/** Declared events and those of the capabilities. */
export const consumedBy = (input: Registration): EventRef[] =>
  unionOf([input.consumes, input.capabilities.flatMap(({ consumes }) => (consumes === undefined ? [] : [consumes]))])
export const producedBy = (input: Registration): EventRef[] =>
  unionOf([input.produces, ...input.capabilities.map((capability) => capability.produces)])

export function checkReferencedTopics(input: Registration, findings: Findings): void {
  const check = (reference: EventRef, pointer: string) =>
    checkTopic(reference.topic, { pointer: `${pointer}/topic`, findings })
  input.consumes.forEach((reference, index) => check(reference, `/body/consumes/${index}`))
  input.produces.forEach((reference, index) => check(reference, `/body/produces/${index}`))
  input.capabilities.forEach((capability, index) => {
    if (capability.consumes !== undefined) check(capability.consumes, `/body/capabilities/${index}/consumes`)
    capability.produces.forEach((reference, at) => check(reference, `/body/capabilities/${index}/produces/${at}`))
  })
}

/** What is allowed but makes the agent hard to find or to wait for. */
export function warningsOf(input: Registration): Warning[] {
  const silent = input.events.flatMap((definition, index) =>
    definition.kind === 'request' && definition.responseType === undefined
      ? [
          {
            code: 'request-without-reply',
            detail: `${definition.type} names no response type: whoever sends it waits in vain`,
            pointer: `/body/events/${index}`,
          },
        ]
      : [],
  )
  const bare = input.capabilities.flatMap((capability, index) =>
    capability.consumes === undefined
      ? [
          {
            code: 'capability-without-event',
            detail: `capability ${capability.name} names no event that asks for it`,
            pointer: `/body/capabilities/${index}`,
          },
        ]
      : [],
  )
  return [...silent, ...bare]
}
