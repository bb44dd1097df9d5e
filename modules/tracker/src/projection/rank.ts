/**
 * Which of two facts of one entity says how it is now. A later generation wins; in one generation an end wins over everything, the first end over later ones,
 * and of others the higher version. A total order, so the result does not depend on the order in which facts come (TRK-R2, R3).
 */
export interface Rank {
  readonly generation: number
  readonly version: number
  readonly ended: boolean
}

const ENDED = new Set(['completed', 'failed', 'cancelled'])

export const hasEnded = (status: string): boolean => ENDED.has(status)

/** Version of the first end of each generation, of the last hundred that ended: a row does not grow with each retry. */
export type Ends = Readonly<Record<string, number>>
const KEPT_ENDS = 100

export function noteEnd(ends: Ends, fact: Rank): Ends {
  const first = ends[fact.generation]
  if (!fact.ended || (first !== undefined && first <= fact.version)) return ends
  const all: Record<string, number> = { ...ends, [fact.generation]: fact.version }
  const kept = Object.entries(all)
    .sort(([one], [other]) => Number(other) - Number(one))
    .slice(0, KEPT_ENDS)
  return Object.fromEntries(kept)
}

export function outranks(fact: Rank, known: Rank): boolean {
  if (fact.generation !== known.generation) return fact.generation > known.generation
  if (fact.ended !== known.ended) return fact.ended
  return fact.ended ? fact.version < known.version : fact.version > known.version
}
