import { InvalidArgumentError } from 'commander'

/** A parser of whole numbers within bounds, for a flag. */
export const integer =
  (minimum: number, maximum: number) =>
  (text: string): number => {
    const value = Number(text)
    if (text.trim() !== '' && Number.isInteger(value) && value >= minimum && value <= maximum) return value
    throw new InvalidArgumentError(`Give a whole number from ${minimum} to ${maximum}.`)
  }

/** A comma-separated list. */
export function list(text: string): string[] {
  const items = text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '')
  if (items.length === 0) throw new InvalidArgumentError('Give one at least; separate several by commas.')
  return items
}

/** Collects a flag that may be repeated. */
export const repeated = (text: string, before: readonly string[] = []): readonly string[] => [...before, text]

const UNITS_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** An instant: `10m`, `2h`, `1d` ago, or RFC 3339. Answers RFC 3339 in UTC. */
export function instant(text: string, nowMs: number = Date.now()): string {
  const [, amount, unit] = /^(\d{1,9})([smhd])$/.exec(text) ?? []
  if (amount !== undefined) return new Date(nowMs - Number(amount) * (UNITS_MS[unit as string] as number)).toISOString()
  const at = /^\d{4}-\d{2}-\d{2}/.test(text) ? new Date(text) : undefined
  if (at === undefined || Number.isNaN(at.getTime()))
    throw new InvalidArgumentError(
      'Give a time ago such as 30s, 10m, 2h or 1d, or an instant such as 2026-01-31T12:00:00Z.',
    )
  return at.toISOString()
}
