import type { eventsContract } from '@soma/events/contract'
import type { Client, Context } from '@soma/kernel'
import { spaceOf } from '../auth/callers.ts'
import { refusal } from '../wire/refusal.ts'
import type { Caller } from '../wire/route.ts'
import { type Owner, type SoormaEnvelope, toEventInput } from './envelope.ts'
import type { EventTypes } from './types.ts'

const MAXIMUM = 64

export interface PublishOptions {
  readonly events: Client<typeof eventsContract>
  readonly types: EventTypes
  /** Whether what nobody registered is refused. */
  readonly isStrict: boolean
}

/** Publishes an event of the dialect. What is answered is durable; the same id with the same content is one event (SOO-R11). */
export function createPublish({ events, types, isStrict }: PublishOptions) {
  return async (caller: Caller, envelope: SoormaEnvelope) => {
    const owner = ownerOf(caller, envelope)
    // The caller's right to publish is looked at by the operation, which is for edges alone.
    const context: Context = { ...caller.context, method: 'module' }
    const body = toEventInput(envelope, owner, types)
    if (isStrict) await assertKnown(events, context, body)
    const { eventId } = await events.dialectEvents.publish(context, { body })
    return { success: true as const, event_id: eventId, message: `Event published to ${envelope.topic}` }
  }
}

/** @throws 422 for a type that nobody registered, and for data that does not fit */
async function assertKnown(
  events: PublishOptions['events'],
  context: Context,
  body: ReturnType<typeof toEventInput>,
): Promise<void> {
  const { warnings, problem } = await events.events.validate(context, { body })
  const [detail] = [problem?.detail, ...warnings.map((warning) => warning.detail)].filter((text) => text !== undefined)
  if (detail !== undefined) throw refusal(422, detail)
}

/** Whose event it is: any space and user of the own tenant, but a user's own alone (SOO-R7). */
function ownerOf(caller: Caller, envelope: SoormaEnvelope): Owner {
  const tenant = required('tenant_id', envelope.tenant_id)
  const userId = required('user_id', envelope.user_id)
  if (caller.isUser && (tenant !== caller.serviceTenant || userId !== caller.serviceUser))
    throw refusal(403, 'Trust policy denied')
  return { spaceId: spaceOf(tenant, caller.platformTenant), userId }
}

function required(field: string, value: string | null | undefined): string {
  const text = value?.trim() ?? ''
  if (text === '') throw refusal(422, `${field} is required`)
  if (text.length > MAXIMUM) throw refusal(422, `${field} must be at most ${MAXIMUM} characters`)
  return text
}
