import { canonicalJson, type Json } from '@soma/kernel'

export type State = Record<string, Json>

/** Where the SDK notes which event the stored state already contains. */
const HANDLED = '$handled'

interface Handled {
  readonly eventId: string
  readonly before: State
  /** State of the machine before the event. */
  readonly from?: string
}

/** Stored state as the handler of one event must see it. */
export interface OpenedState {
  readonly value: State
  /** True when the store already holds what this event's handler made: it crashed before its ack and runs again from the state before. */
  readonly isRepeat: boolean
  readonly from?: string
}

/** Opens what is stored for the handling of an event. A second handling of the same event begins where the first began. */
export function openState(stored: Json | undefined, eventId: string): OpenedState {
  const { [HANDLED]: handled, ...value } = structuredClone(asState(stored)) as State & { [HANDLED]?: unknown }
  const marker = handled as Handled | undefined
  if (marker?.eventId !== eventId) return { value: value as State, isRepeat: false }
  return { value: marker.before, isRepeat: true, ...(marker.from === undefined ? {} : { from: marker.from }) }
}

/** The event whose handler stored the state last, at its end. */
export const handledEventOf = (stored: Json | undefined): string | undefined =>
  (asState(stored)[HANDLED] as unknown as Handled | undefined)?.eventId

/** What is stored when a handler has returned: its state, and from where a repeat would begin. */
export const closeState = (value: State, handled: Handled): State => ({
  ...withoutMarker(value),
  [HANDLED]: handled as unknown as Json,
})

export const withoutMarker = (stored: Json | undefined): State => {
  const { [HANDLED]: _handled, ...value } = asState(stored)
  return value
}

export const isSameState = (left: Json | undefined, right: Json | undefined): boolean =>
  canonicalJson(withoutMarker(left)) === canonicalJson(withoutMarker(right))

/** Three-way merge by top-level member. Undefined when both sides changed one member differently. */
export function mergeStates(base: State, mine: State, theirs: State): State | undefined {
  const merged: State = { ...theirs }
  for (const name of new Set([...Object.keys(base), ...Object.keys(mine)])) {
    if (isEqual(base[name], mine[name])) continue
    if (!isEqual(base[name], theirs[name]) && !isEqual(mine[name], theirs[name])) return undefined
    if (mine[name] === undefined) delete merged[name]
    else merged[name] = mine[name]
  }
  return merged
}

const isEqual = (left: Json | undefined, right: Json | undefined): boolean =>
  left === undefined || right === undefined ? left === right : canonicalJson(left) === canonicalJson(right)

function asState(stored: Json | undefined): State {
  if (stored === undefined || stored === null) return {}
  if (typeof stored !== 'object' || Array.isArray(stored)) return { value: stored }
  return stored as State
}
