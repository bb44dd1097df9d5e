import type { BuiltContext, SectionKind, Trust } from '../../contract/index.ts'
import { trustLevel, trustOfLevel } from '../items/trust.ts'
import { estimateTokens } from '../lexical/estimate-tokens.ts'
import { CLOSED_FENCE, citedLines, openFence } from './fence.ts'
import { cutToTokens } from './cut-to-tokens.ts'
import { createDuplicateFinder } from './near-duplicates.ts'

/** Something that may go into a context. */
export interface Entry {
  readonly itemId?: string
  readonly workingKey?: string
  readonly trust?: Trust
  /** What it is and where it comes from. */
  readonly about: string
  readonly text: string
  readonly language: string
}

type Dropped = BuiltContext['dropped'][number]
type Block = BuiltContext['blocks'][number]

const SEPARATOR = '\n\n'
/** What is left of a text that is cut is no shorter. */
const SHORTEST_TOKENS = 32

/**
 * Puts blocks together. Each is granted what the text may have with it, so what one leaves the next one has. Tokens of pieces are rounded up one by one and never less
 * than those of the whole.
 */
export function createContextText(budget: number) {
  const blocks: Block[] = []
  const citations: BuiltContext['citations'] = []
  const dropped: Dropped[] = []
  const isDuplicate = createDuplicateFinder()
  let used = 0

  const drop = ({ itemId }: Entry, why: Dropped['why']): void => {
    if (itemId !== undefined) dropped.push({ itemId, why })
  }

  /** The entry as it fits into so many tokens; undefined where it does not. Escaping makes texts longer, so what is cut is measured as it will stand. */
  function fitting(entry: Entry, n: number, room: number): { lines: string; isCut: boolean } | undefined {
    const whole = citedLines(n, entry.about, entry.text)
    if (cost(whole) <= room) return { lines: whole, isCut: false }
    for (
      let most = room - cost(citedLines(n, entry.about, ''));
      most >= SHORTEST_TOKENS;
      most = Math.floor(most * 0.7)
    ) {
      const text = cutToTokens(entry.text, most)
      const lines = citedLines(n, entry.about, text)
      if (text !== '' && cost(lines) <= room) return { lines, isCut: true }
    }
    return undefined
  }

  return {
    /** `granted`: how many tokens all of the text may have with this block. */
    add(kind: SectionKind, entries: readonly Entry[], granted: number): void {
      const frame = cost(`${openFence(kind)}\n${CLOSED_FENCE}${SEPARATOR}`)
      const room = Math.min(granted, budget) - used - frame
      const lines: string[] = []
      const itemIds: string[] = []
      let spent = 0
      for (const entry of entries) {
        if (room - spent < SHORTEST_TOKENS) {
          drop(entry, 'budget')
          continue
        }
        if (entry.itemId !== undefined && isDuplicate(entry.text, entry.language)) {
          drop(entry, 'duplicate')
          continue
        }
        const n = citations.length + 1
        const fits = fitting(entry, n, room - spent)
        if (fits === undefined) {
          drop(entry, 'budget')
          continue
        }
        if (fits.isCut) drop(entry, 'cut')
        spent += cost(fits.lines)
        lines.push(fits.lines)
        if (entry.itemId !== undefined) itemIds.push(entry.itemId)
        const { itemId, workingKey, trust } = entry
        citations.push({
          n,
          ...(itemId === undefined ? {} : { itemId }),
          ...(workingKey === undefined ? {} : { workingKey }),
          ...(trust === undefined ? {} : { trust }),
        })
      }
      if (lines.length === 0) return
      const text = [openFence(kind), ...lines, CLOSED_FENCE].join('\n')
      used += spent + frame
      blocks.push({ kind, text, tokens: estimateTokens(text), itemIds })
    },
    dropped: () => dropped,
    built(stable: readonly SectionKind[]): Omit<BuiltContext, 'dropped' | 'degraded'> {
      const text = textOf(blocks)
      const levels = citations.flatMap(({ trust }) => (trust === undefined ? [] : [trustLevel(trust)]))
      return {
        ...{ blocks, text, tokens: estimateTokens(text), citations },
        stableTokens: estimateTokens(textOf(blocks.filter(({ kind }) => stable.includes(kind)))),
        ...(levels.length === 0 ? {} : { minTrust: trustOfLevel(Math.min(...levels)) }),
      }
    },
  }
}

const cost = (text: string): number => estimateTokens(`${text}\n`)
const textOf = (blocks: readonly Block[]): string => blocks.map(({ text }) => text).join(SEPARATOR)
