import { contract, defineModule, type EventDefinition, type EventHandler } from '@soma/kernel'

interface Own {
  /** Default `witness`. */
  readonly module?: string
  readonly events?: readonly EventDefinition[]
}

/** A module that does nothing but handle: what a scenario wants to see, by the group `module:<name>`. */
export const aWitness = (handlers: readonly EventHandler[], { module = 'witness', events = [] }: Own = {}) =>
  defineModule({
    contract: contract({ module, summary: 'What was seen?', operations: {}, events, capabilities: {}, settings: {} }),
    uses: {},
    create: () => ({ operations: {}, handlers }),
  })
