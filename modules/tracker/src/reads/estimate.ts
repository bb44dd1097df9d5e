/** An open task as an estimate sees it. */
export interface OpenTask {
  readonly id: string
  /** The task that waits for its end. */
  readonly parentId: string | undefined
  /** How long it has run, or waited in the queue. */
  readonly elapsedMs: number
  /** Sorted: how long such tasks took from request to end, or of a running one from start to end. */
  readonly pastMs: readonly number[]
}

export interface Estimate {
  readonly p10Ms: number
  readonly p50Ms: number
  readonly p90Ms: number
}

const ROUNDS = 1000

/**
 * Draws the rest of every open task from what such tasks took, and takes the longest chain of a task and those it waits for; open tasks of one parent run side by side.
 * A task that has run for a while takes a past that took longer; when none did, it takes as long again as the longest was exceeded. The same seed draws the same.
 */
export function estimateRest(tasks: readonly OpenTask[], seed: string): Estimate {
  const draw = createDraws(seed)
  const below = new Map<string | undefined, OpenTask[]>()
  const ids = new Set(tasks.map(({ id }) => id))
  for (const task of tasks) {
    const parent = task.parentId !== undefined && ids.has(task.parentId) ? task.parentId : undefined
    below.set(parent, [...(below.get(parent) ?? []), task])
  }
  const restOf = (task: OpenTask, depth: number): number =>
    drawRest(task, draw) + (depth > tasks.length ? 0 : longest(task.id, depth + 1))
  const longest = (parent: string | undefined, depth: number): number =>
    Math.max(0, ...(below.get(parent) ?? []).map((task) => restOf(task, depth)))
  const ends = Array.from({ length: ROUNDS }, () => longest(undefined, 0)).sort((one, other) => one - other)
  const at = (share: number) => Math.round(ends[Math.floor(share * (ROUNDS - 1))] as number)
  return { p10Ms: at(0.1), p50Ms: at(0.5), p90Ms: at(0.9) }
}

function drawRest({ pastMs, elapsedMs }: OpenTask, draw: () => number): number {
  const first = pastMs.findIndex((ms) => ms > elapsedMs)
  if (first === -1) return elapsedMs - (pastMs.at(-1) ?? 0)
  // Between two neighbours, so that few samples are no few possible ends.
  const place = first + draw() * (pastMs.length - first)
  const [low, high] = [Math.floor(place), Math.min(pastMs.length - 1, Math.floor(place) + 1)]
  const from = Math.max(pastMs[low] as number, elapsedMs)
  return from + (place - low) * ((pastMs[high] as number) - from) - elapsedMs
}

/** Numbers from 0 to below 1 by a text (FNV-1a, then mulberry32). */
function createDraws(seed: string): () => number {
  let state = 2166136261
  for (let index = 0; index < seed.length; index++) state = Math.imul(state ^ seed.charCodeAt(index), 16777619)
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}
