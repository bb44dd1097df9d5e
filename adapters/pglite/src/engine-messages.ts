/** What the main thread asks the engine's worker, one at a time, answered in order. */
export type EngineRequest =
  | { readonly kind: 'begin' | 'statement'; readonly sql: string; readonly parameters: readonly (string | null)[] }
  | { readonly kind: 'script'; readonly sql: string }
  | { readonly kind: 'commit' | 'rollback' | 'syncs' | 'close' }

/** Rows travel as columns and values: cloning objects would repeat every key. */
export interface EngineResult {
  readonly columns: readonly string[]
  readonly rows: readonly (readonly unknown[])[]
  readonly changed: number
}

export interface EngineFailure {
  readonly message: string
  readonly fields: Readonly<Record<string, unknown>>
}

export type EngineMessage =
  | { readonly kind: 'ready' }
  | { readonly kind: 'done'; readonly result: EngineResult }
  | { readonly kind: 'failed'; readonly failure: EngineFailure }
  | { readonly kind: 'notification'; readonly channel: string; readonly payload: string }

export interface EngineSettings {
  readonly dataDirectory: string
  readonly durability: 'power' | 'process'
  /** A file with the initialised directory: written by the first boot of this version, read by later ones. */
  readonly templateFile: string
}

export const noRows: EngineResult = { columns: [], rows: [], changed: 0 }
