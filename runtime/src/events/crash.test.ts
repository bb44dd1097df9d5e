import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { createPgliteDatabase } from '@soma/adapter-pglite'
import { LOG_START, onTopic, silentLogger } from '@soma/kernel'
import { expect, it } from 'vitest'
import { openEventSpine } from '../../testing/event-spine.ts'
import { until } from '../../testing/queue.ts'
import { resetLeases } from './cursors/store.ts'

const child = fileURLToPath(new URL('../../testing/publish-until-killed.ts', import.meta.url))
/** One of each: what is on its way to the disk survives the process in either. */
const ROUNDS = ['process', 'power'] as const

/** Runs the child until it has had `count` answers, kills it in the middle of its work and answers the ids it was told of. */
async function publishAndKill(dataDirectory: string, round: number, count: number): Promise<string[]> {
  const durability = ROUNDS[round] as string
  const running = spawn(
    process.execPath,
    ['--conditions=@soma/source', '--import', 'tsx', child, dataDirectory, String(round), durability],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  const ended = once(running, 'exit')
  const answered: string[] = []
  for await (const line of createInterface({ input: running.stdout })) {
    answered.push(line)
    if (answered.length === count) running.kill('SIGKILL')
  }
  await ended
  return answered
}

it('EVT-R1 EVT-R59 what was answered before kill -9 is in the log with its order, and each effect exists once after the restart', async () => {
  const dataDirectory = await mkdtemp(join(tmpdir(), 'soma-crash-'))
  const answered: string[] = []
  for (const round of ROUNDS.keys()) answered.push(...(await publishAndKill(dataDirectory, round, 20 + round * 7)))

  const database = await createPgliteDatabase({ dataDirectory, durability: 'power', log: silentLogger })
  const spine = await openEventSpine(database)
  await resetLeases(database)
  const consumer = spine.consumer([onTopic('business-facts', '*', spine.effect)], { commitEveryMs: 5 })
  await consumer.start()
  const states = await spine.bus.partitions('business-facts')
  const total = states.reduce((sum, state) => sum + state.position, 0)
  await until(async () => (await spine.effects()).length >= total)
  await consumer.stop()

  const logged = new Set<string>()
  for (const { part } of states) {
    const records = await spine.bus.read({ topic: 'business-facts', part, after: LOG_START, limit: 100_000 })
    expect(records.map((record) => record.position)).toEqual(records.map((_, index) => index + 1))
    for (const record of records) logged.add(record.eventId)
  }
  for (const id of answered) expect(logged.has(id) && logged.has(`${id}-second`)).toBe(true)
  const effects = (await spine.effects()).map((row) => row.event_id)
  expect(effects.toSorted()).toEqual([...logged].toSorted())
  await spine.close()
  await rm(dataDirectory, { recursive: true })
}, 120_000)
