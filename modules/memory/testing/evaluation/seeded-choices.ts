export interface Choices {
  /** From 0, less than `count`. */
  below: (count: number) => number
  one: <T>(items: readonly T[]) => T
  /** So many different ones. */
  some: <T>(items: readonly T[], count: number) => T[]
}

/** The same choices for the same seed on every machine: mulberry32 (Tommy Ettinger, public domain). */
export function seededChoices(seed: number): Choices {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b_79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (count: number): number => Math.floor(next() * count)
  return {
    below,
    one: (items) => items[below(items.length)] as (typeof items)[number],
    some: (items, count) => {
      const left = [...items]
      return Array.from({ length: Math.min(count, left.length) }, () => left.splice(below(left.length), 1)[0]).filter(
        (item) => item !== undefined,
      )
    },
  }
}
