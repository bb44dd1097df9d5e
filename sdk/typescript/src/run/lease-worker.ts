/**
 * The thread behind `lease-guard.ts`. It asks for the leases of a process whose event loop stands still; while that turns, it does nothing.
 */
import { writeSync } from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'
import { connect } from '../clients/connect.ts'
import { loadAgentClients } from './agent-clients.ts'
import type { GuardedMember } from './lease-guard.ts'

interface Kept {
  readonly member: GuardedMember
  extendedAtMs: number
}

const TICK_MS = 250
/** The beat comes every second, and a busy loop may be late. */
const SILENT_MS = 2_000
const WARN_MS = 5_000
const beats = new Int32Array(workerData as SharedArrayBuffer)
const kept = new Map<string, Kept>()
const clientsOver = await loadAgentClients()
let heard = { beat: Atomics.load(beats, 0), atMs: performance.now() }
let hasWarned = false

parentPort?.on('message', (member: GuardedMember) => {
  if (member.deliveries.length === 0) kept.delete(member.memberId)
  else kept.set(member.memberId, { member, extendedAtMs: performance.now() })
})
setInterval(watch, TICK_MS)

function watch(): void {
  const [beat, atMs] = [Atomics.load(beats, 0), performance.now()]
  if (beat !== heard.beat) {
    heard = { beat, atMs }
    hasWarned = false
    return
  }
  const silentMs = atMs - heard.atMs
  if (silentMs < SILENT_MS) return
  if (silentMs >= WARN_MS && !hasWarned && kept.size > 0) warn()
  for (const entry of kept.values()) {
    if (atMs - entry.extendedAtMs < entry.member.leaseMs / 3) continue
    entry.extendedAtMs = atMs
    // What is lost or refused the process hears itself, when it settles.
    void extend(entry.member).catch(() => undefined)
  }
}

async function extend({ url, headers, subscriptionId, memberId, leaseMs, deliveries }: GuardedMember): Promise<void> {
  const extended = deliveries.map(({ deliveryId, attempt }) => ({ deliveryId, attempt, leaseMs }))
  await clientsOver(connect({ url, headers })()).events.deliveries.settle({
    params: { subscriptionId },
    body: { memberId, extends: extended },
  })
}

/** Straight to the descriptor: a thread's `process.stderr` passes through the loop that stands still. */
function warn(): void {
  hasWarned = true
  const held = [...kept.values()].map(
    ({ member }) => `${member.agent} (${[...new Set(member.deliveries.map(({ type }) => type))].join(', ')})`,
  )
  writeSync(
    2,
    `${new Date().toISOString()} warn a handler has kept the event loop for ${WARN_MS / 1000} s: leases are kept, but nothing else runs. In hand: ${held.join('; ')}\n`,
  )
}
