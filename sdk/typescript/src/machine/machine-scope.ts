import type { Json } from '@soma/kernel'

/** What conditions and templates may look at. */
export interface MachineScope {
  readonly goal: { readonly data: unknown }
  readonly results: Readonly<Record<string, Json>>
  readonly state: Readonly<Record<string, Json>>
}
