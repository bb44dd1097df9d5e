import { hash } from 'node:crypto'
import type { EventEnvelope } from '@soma/kernel'

/** Derived from request, group and reply type: who answers twice writes the same event (EVT-R53). The source is part of it, because an id is unique per source alone. */
export const replyIdOf = (request: EventEnvelope, group: string): string =>
  `evt_${hash('sha256', `${request.source}\0${request.id}\0${group}\0${String(request.responsetype)}`, 'hex').slice(0, 32)}`

/** Whether an event of this type and topic is what the request asks for in answer. */
export const isAnswerTo = (request: EventEnvelope, { type, topic }: { type: string; topic: string }): boolean =>
  request.responsetype === type && (request.responsetopic ?? 'action-results') === topic
