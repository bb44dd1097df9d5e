import { JetStreamApiError } from '@nats-io/jetstream'
import type { AppendedPosition, AppendRecord } from '@soma/kernel'
import { type Connection, unavailable } from './connection.ts'
import { type Message, toMessage } from './message.ts'
import { type StreamNames, subjectOf } from './streams.ts'

const WRONG_LAST_MESSAGE = 10_070
/** Each restart gets at least one record further; outside writers between our records may force some. */
const MAX_RESTARTS = 1_000
/** Messages on their way at once, so that a batch of the largest events does not fill the server's buffers. */
const PIPELINE = 256

/** Appends to partitions side by side; within one, in the order of the calls. */
export function createAppending(connection: Connection, names: StreamNames) {
  const running = new Map<string, Promise<unknown>>()

  const appendTo = (subject: string, messages: readonly Message[]): Promise<AppendedPosition[]> => {
    const before = running.get(subject) ?? Promise.resolve()
    const work = before.then(() => publishInOrder(connection, subject, messages))
    const settled = work.catch(() => undefined)
    running.set(subject, settled)
    void settled.then(() => running.get(subject) === settled && running.delete(subject))
    return work
  }
  return async (records: readonly AppendRecord[]): Promise<AppendedPosition[]> => {
    const groups = new Map<string, number[]>()
    for (const [index, { topic, part }] of records.entries()) {
      const subject = subjectOf(names, topic, part)
      const group = groups.get(subject)
      if (group === undefined) groups.set(subject, [index])
      else group.push(index)
    }
    const positions: AppendedPosition[] = []
    const results = await Promise.allSettled(
      [...groups].map(async ([subject, indexes]) => {
        const appended = await appendTo(
          subject,
          indexes.map((index) => toMessage(records[index] as AppendRecord)),
        )
        for (const [place, index] of indexes.entries()) positions[index] = appended[place] as AppendedPosition
      }),
    )
    const failed = results.find((result) => result.status === 'rejected')
    if (failed !== undefined) throw failed.reason
    return positions
  }
}

/**
 * Pipelined, each message on the condition that the one before it is the stream's last: when one is not stored, none behind it is. What the stream has already is
 * answered with its first position, and the chain begins anew behind it.
 */
async function publishInOrder(
  connection: Connection,
  subject: string,
  messages: readonly Message[],
): Promise<AppendedPosition[]> {
  const positions: AppendedPosition[] = []
  for (let restarts = 0; positions.length < messages.length; restarts++) {
    if (restarts > MAX_RESTARTS)
      throw unavailable(`the order of ${subject} cannot be kept: others write to it all the time`)
    const stored = await publishChain(
      connection,
      subject,
      messages.slice(positions.length, positions.length + PIPELINE),
    )
    positions.push(...stored)
  }
  return positions
}

/** Answers the positions up to the first message whose condition failed. @throws Problem when one was not stored for another reason */
async function publishChain(
  { stream, call }: Connection,
  subject: string,
  messages: readonly Message[],
): Promise<AppendedPosition[]> {
  return call(`events could not be appended to ${subject}`, async () => {
    const answers = await Promise.allSettled(
      messages.map((message, index) => {
        const before = messages[index - 1]
        return stream.publish(subject, message.payload, {
          msgID: message.id,
          headers: message.headers(),
          ...(before === undefined ? {} : { expect: { lastMsgID: before.id } }),
        })
      }),
    )
    const positions: AppendedPosition[] = []
    for (const answer of answers) {
      if (answer.status === 'rejected' && !isBroken(answer.reason)) throw answer.reason
      if (answer.status === 'rejected') break
      positions.push({ segment: 1, position: answer.value.seq })
    }
    return positions
  })
}

const isBroken = (error: unknown): boolean => error instanceof JetStreamApiError && error.code === WRONG_LAST_MESSAGE
