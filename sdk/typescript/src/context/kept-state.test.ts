import { describe, expect, it } from 'vitest'
import { problem } from '@soma/kernel'
import { closeState, isSameState, mergeStates, openState } from './kept-state.ts'
import { createStateKeeper } from './state-keeper.ts'

const conflict = problem({ code: 'version-conflict', status: 412, title: 'x', remedy: 'x', retryable: false })

/** A row that is written compare-and-set. */
function aRow(state: Record<string, unknown>) {
  const row = { version: 1, state }
  return {
    row,
    put: async (next: object, version: number) => {
      if (version !== row.version) throw conflict.create(`at ${row.version}`)
      row.version += 1
      row.state = structuredClone(next) as Record<string, unknown>
      return { version: row.version }
    },
    reload: async () => structuredClone(row) as never,
  }
}

describe('kept state', () => {
  it('begins a second handling of one event where the first began', () => {
    const stored = closeState({ count: 2 }, { eventId: 'evt-1', before: { count: 1 }, from: 'search' })
    expect(openState(stored, 'evt-1')).toEqual({ value: { count: 1 }, isRepeat: true, from: 'search' })
    expect(openState(stored, 'evt-2')).toEqual({ value: { count: 2 }, isRepeat: false })
    expect(isSameState(stored, { count: 2 })).toBe(true)
  })

  it('merges what two sides changed apart, and refuses what both changed', () => {
    expect(mergeStates({ a: 1, b: 1 }, { a: 2, b: 1 }, { a: 1, b: 3, c: 4 })).toEqual({ a: 2, b: 3, c: 4 })
    expect(mergeStates({ a: 1, b: 1 }, { b: 1 }, { a: 1, b: 1 })).toEqual({ b: 1 })
    expect(mergeStates({ a: 1 }, { a: 2 }, { a: 2 })).toEqual({ a: 2 })
    expect(mergeStates({ a: 1 }, { a: 2 }, { a: 3 })).toBeUndefined()
  })

  it('saves over a conflict when only others members changed, else throws version-conflict', async () => {
    const { row, put, reload } = aRow({ mine: 1, theirs: 1 })
    const keeper = createStateKeeper(structuredClone(row) as never, { eventId: 'evt-1', put, reload })
    await put({ mine: 1, theirs: 2 }, 1)
    keeper.state.mine = 5
    await keeper.save()
    expect(row.state).toEqual({ mine: 5, theirs: 2 })
    expect(keeper.state).toEqual({ mine: 5, theirs: 2 })
    await put({ mine: 7, theirs: 2 }, row.version)
    keeper.state.mine = 6
    await expect(keeper.save()).rejects.toMatchObject({ code: 'version-conflict' })
  })

  it('notes one member without storing what else was changed', async () => {
    const { row, put, reload } = aRow({ count: 1 })
    const keeper = createStateKeeper(structuredClone(row) as never, { eventId: 'evt-1', put, reload })
    keeper.state.count = 2
    await keeper.note('once', 'x')
    expect(row.state).toEqual({ count: 1, once: 'x' })
    await keeper.saveEnd()
    expect(row.state).toMatchObject({ count: 2, once: 'x' })
    expect(openState(row.state as never, 'evt-1').value).toEqual({ count: 1, once: 'x' })
  })
})
