import { isProblem, type Json } from '@soma/kernel'
import { mergeStates, type State, withoutMarker } from './kept-state.ts'

/** More conflicts in a row mean that somebody writes in a loop. */
const MAXIMUM_CONFLICTS = 10

/**
 * Writes a state compare-and-set. On a conflict it reads again and, if others changed other members only, writes the union.
 * @throws Problem `version-conflict` when both changed one member.
 */
export async function saveMerged<Saved>(options: {
  readonly version: number
  /** As it was read. */
  readonly base: State
  readonly mine: State
  /** Writes; `state` is what to store, given to `close` first. */
  readonly put: (state: State, version: number) => Promise<Saved>
  readonly reload: () => Promise<{ version: number; state: Json | undefined }>
  readonly close: (state: State) => State
}): Promise<{ saved: Saved; state: State }> {
  let { base, mine, version } = options
  for (let conflicts = 0; ; conflicts++) {
    try {
      return { saved: await options.put(options.close(mine), version), state: mine }
    } catch (error) {
      if (!isProblem(error) || error.code !== 'version-conflict' || conflicts === MAXIMUM_CONFLICTS) throw error
      const now = await options.reload()
      const theirs = withoutMarker(now.state)
      const merged = mergeStates(base, mine, theirs)
      if (merged === undefined) throw error
      base = theirs
      mine = merged
      version = now.version
    }
  }
}
