import { ignoringConflict } from './delegation.ts'
import type { State } from './kept-state.ts'
import type { StateKeeper } from './state-keeper.ts'

/** What a command takes to store the state in its own commit. */
export type StateBeside = { readonly state: State; readonly version: number } | Record<never, never>

/** The state at the end of a handler, which is to be stored once. */
export interface StateEnding {
  /** Stores it with a command. False: the command is still to be done; the state is stored. */
  goesWith(command: (beside: StateBeside) => Promise<unknown>): Promise<boolean>
  /** Stores it, if nothing has. */
  goesAlone(): Promise<void>
}

export function openEnding(keeper: StateKeeper): StateEnding {
  let isStored = false
  const goesAlone = async () => {
    if (!isStored) await keeper.saveEnd()
    isStored = true
  }
  return {
    async goesWith(command) {
      if (isStored) return false
      const done = await ignoringConflict(async () => {
        await keeper.saveEnd(async (state, version) => {
          await command({ state, version })
          return { version }
        })
        return true
      })
      // Refused for what the command asks, which may be refused for good: the state is worth storing without it.
      if (done === undefined) await goesAlone()
      isStored = true
      return done === true
    },
    goesAlone,
  }
}

export const NO_STATE: StateEnding = { goesWith: async () => false, goesAlone: async () => undefined }
