/** How much a change asks of the version: nothing, patch, minor or major. */
export const CHANGE_LEVELS = ['none', 'patch', 'minor', 'major'] as const
export type ChangeLevel = (typeof CHANGE_LEVELS)[number]

/** The role of the data: what a consumer of a request must accept, a producer of a reply or fact must keep to. */
export type DataKind = 'request' | 'reply' | 'fact'

/**
 * What a change does. `text`: says the same otherwise. `additive`: old readers and writers go on. `relaxed`: more documents are valid, which breaks
 * those who read them, so it is additive on a request alone. `narrowed`: fewer documents are valid, or nobody can tell.
 */
type Effect = 'text' | 'additive' | 'relaxed' | 'narrowed'

/** Every change that is told apart: the normative table of compatibility (REG-R15). */
export const SCHEMA_CHANGES = {
  'text-changed': { effect: 'text', what: 'title, description, examples, `deprecated` or an `x-` note changed' },
  'property-added': { effect: 'additive', what: 'optional property added' },
  'properties-opened': { effect: 'additive', what: '`additionalProperties` false → true or a schema' },
  'open-enum-value-added': { effect: 'additive', what: 'value added to an enum that has `x-open-enum: true`' },
  'enum-opened': { effect: 'additive', what: '`x-open-enum: true` added' },
  'constraint-relaxed': {
    effect: 'relaxed',
    what: 'constraint relaxed: type widened, bound or pattern or format lifted',
  },
  'enum-value-added': { effect: 'relaxed', what: 'enum value added' },
  'branch-added': { effect: 'relaxed', what: 'branch added to `anyOf` or to a `oneOf` with a discriminator' },
  'required-removed': { effect: 'relaxed', what: 'required → optional' },
  'required-added': { effect: 'narrowed', what: 'optional → required, or required property added' },
  'property-removed': { effect: 'narrowed', what: 'property removed' },
  'property-renamed': { effect: 'narrowed', what: 'property renamed' },
  retyped: { effect: 'narrowed', what: 'type changed or narrowed' },
  'constraint-tightened': { effect: 'narrowed', what: 'constraint tightened: bound, pattern, dependency, `false`' },
  'enum-value-removed': { effect: 'narrowed', what: 'enum value removed, or an open enum closed' },
  'branch-removed': { effect: 'narrowed', what: 'branch removed from `anyOf` or `oneOf`' },
  'properties-closed': { effect: 'narrowed', what: '`additionalProperties` true → false or a schema' },
  'default-changed': { effect: 'narrowed', what: 'default added, changed or removed' },
  'format-added': { effect: 'narrowed', what: 'format or content encoding added or changed' },
  'topic-changed': { effect: 'narrowed', what: 'topic of a type, or of its reply, changed' },
  'response-type-changed': { effect: 'narrowed', what: 'response type changed' },
  'kind-changed': { effect: 'narrowed', what: 'kind (request, reply, fact) changed' },
  'event-removed': { effect: 'narrowed', what: 'event or schema removed' },
  undecidable: {
    effect: 'narrowed',
    what: 'changed inside `not`, `if`, a `oneOf` without discriminator, or a `$ref` of unknown effect',
  },
} as const satisfies Readonly<Record<string, { effect: Effect; what: string }>>
export type SchemaChangeName = keyof typeof SCHEMA_CHANGES

const LEVEL_OF: Readonly<Record<Effect, ChangeLevel>> = {
  text: 'patch',
  additive: 'minor',
  relaxed: 'major',
  narrowed: 'major',
}

/** The level of a change for data of a kind; without a kind the strictest of all. */
export function levelOf(change: SchemaChangeName, kind: DataKind | undefined): ChangeLevel {
  const { effect } = SCHEMA_CHANGES[change]
  return effect === 'relaxed' && kind === 'request' ? 'minor' : LEVEL_OF[effect]
}

export const highestLevel = (levels: readonly ChangeLevel[]): ChangeLevel =>
  CHANGE_LEVELS[Math.max(0, ...levels.map((level) => CHANGE_LEVELS.indexOf(level)))] as ChangeLevel

/** One difference between two schemas. */
export interface SchemaChange {
  /** Where it stands in the schema: JSON pointer. */
  readonly pointer: string
  readonly change: SchemaChangeName
  readonly level: ChangeLevel
  readonly why: string
  /** A document that the old schema accepts and the new one refuses. */
  readonly counterexample?: unknown
}

export interface SchemaReport {
  /** The highest level of its changes. */
  readonly level: ChangeLevel
  readonly changes: readonly SchemaChange[]
}

export const reportOf = (changes: readonly SchemaChange[]): SchemaReport => ({
  level: highestLevel(changes.map(({ level }) => level)),
  changes,
})
