import type { Json } from '@soma/kernel'
import { closeState, isSameState, openState, type State, withoutMarker } from './kept-state.ts'
import { saveMerged } from './save-merged.ts'

/** The state of a task or plan in the hands of one handling. */
export interface StateKeeper {
  /** The handler's own to change. */
  readonly state: State
  /** True when an earlier run of this very handling has stored its end already. */
  readonly isRepeat: boolean
  /** State of the machine before this event. */
  readonly from: string | undefined
  version(): number
  isChanged(): boolean
  /** Takes up what an earlier run has stored that this one was not told of. For what must not be done twice: events promise to tell, but for a dispatcher that has moved. */
  look(): Promise<void>
  /** Stores one member at once, and nothing else that the handler has changed. */
  note(name: string, value: Json): Promise<void>
  /** Stores the state as a checkpoint: a later run begins from it. */
  save(): Promise<void>
  /** Stores the state as the end of this handling: a repeat of it begins from the state before. By `put` it is stored with something else, in one commit. */
  saveEnd(put?: PutState): Promise<void>
  /** What `saveEnd` would store, for commands that store it themselves. */
  end(): State
}

export interface StoredState {
  readonly version: number
  readonly state?: Json | undefined
}

/** Writes a state over the version it was read at; answers the version it stands at. @throws Problem `version-conflict` */
export type PutState = (state: State, version: number) => Promise<{ version: number }>

export function createStateKeeper(
  stored: StoredState,
  options: {
    readonly eventId: string
    readonly from?: string | undefined
    readonly put: PutState
    readonly reload: () => Promise<StoredState>
  },
): StateKeeper {
  const opened = openState(stored.state, options.eventId)
  const state = opened.value
  const from = opened.from ?? options.from
  let before = structuredClone(state)
  let base = opened.isRepeat ? withoutMarker(stored.state) : structuredClone(state)
  let version = stored.version
  let hasLooked = false

  const end = (value: State): State =>
    closeState(value, { eventId: options.eventId, before, ...(from === undefined ? {} : { from }) })
  const write = async (mine: State, close: (value: State) => State, put = options.put): Promise<State> => {
    const { saved, state: written } = await saveMerged({
      version,
      base,
      mine: structuredClone(mine),
      put,
      reload: async () => {
        const now = await options.reload()
        return { version: now.version, state: now.state }
      },
      close,
    })
    version = saved.version
    base = written
    return written
  }
  const writeAll = async (close: (value: State) => State, put?: PutState): Promise<void> => {
    const written = await write(state, close, put)
    for (const name of Object.keys(state)) delete state[name]
    Object.assign(state, structuredClone(written))
  }
  return {
    state,
    isRepeat: opened.isRepeat,
    from,
    version: () => version,
    isChanged: () => !isSameState(base, state),
    async look() {
      if (hasLooked || version > 0) return
      hasLooked = true
      const now = await options.reload()
      version = now.version
      const theirs = openState(now.state, options.eventId).value
      base = structuredClone(theirs)
      before = structuredClone(theirs)
      Object.assign(state, { ...theirs, ...state })
    },
    async note(name, value) {
      state[name] = value
      before = structuredClone(await write({ ...before, [name]: value }, withoutMarker))
    },
    async save() {
      await writeAll(withoutMarker)
      before = structuredClone(state)
    },
    saveEnd: (put) => writeAll(end, put),
    end: () => end(state),
  }
}
