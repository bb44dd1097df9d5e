import { type Contract, type Mode, MODES, type SettingDefinition } from '@soma/kernel'
import { nearest } from './nearest.ts'

export type SettingSource = 'default' | 'mode' | 'file' | 'environment' | 'flag'

export interface ConfiguredValue {
  readonly key: string
  readonly value: unknown
  readonly source: SettingSource
  readonly environmentName: string
  readonly definition: SettingDefinition
}

export interface Configuration {
  readonly mode: Mode
  readonly values: ReadonlyMap<string, ConfiguredValue>
  /** The settings of one module by short name, frozen. */
  of(module: string): Readonly<Record<string, unknown>>
}

export interface ConfigurationSources {
  /** `server` part of `soma.yaml`, nested by module or with dotted keys. */
  readonly file?: Readonly<Record<string, unknown>>
  /** Only names that begin with `SOMA_`, and aliases of settings, are looked at. */
  readonly environment?: Readonly<Record<string, string | undefined>>
  readonly flags?: Readonly<Record<string, unknown>>
  /** `SOMA_` names that are no settings (SOMA_URL, SOMA_TOKEN …). */
  readonly otherEnvironmentNames?: readonly string[]
}

/** Several mistakes in the configuration, all at once. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError'
  readonly issues: readonly string[]
  constructor(issues: readonly string[]) {
    super(
      `the configuration has ${issues.length === 1 ? 'a mistake' : `${issues.length} mistakes`}:\n${issues.map((issue) => `  ${issue}`).join('\n')}`,
    )
    this.issues = issues
  }
}

/**
 * Reads the settings of all contracts once: flags over environment over file over mode table over default. Unknown keys, bad values and bad modes are
 * collected and thrown together, each with what was given and, for names, the nearest known ones.
 * @throws ConfigurationError
 */
export function loadConfiguration(
  contracts: readonly Pick<Contract, 'module' | 'settings'>[],
  sources: ConfigurationSources,
): Configuration {
  const issues: string[] = []
  const definitions = new Map<string, SettingDefinition>(
    contracts.flatMap(({ module, settings }) =>
      Object.entries(settings).map(([name, definition]) => [`${module}.${name}`, definition] as const),
    ),
  )
  const names = new Map<string, string>([...definitions.keys()].map((key) => [environmentName(key), key]))
  const file = flatten(sources.file ?? {}, definitions)
  const environment = new Map([...readAliases(sources, definitions), ...readEnvironment(sources, names, issues)])
  const mode = readMode(sources, issues)
  for (const [origin, given] of [
    ['soma.yaml', file],
    ['flags', new Map(Object.entries(sources.flags ?? {}).filter(([key]) => key !== 'mode'))],
  ] as const) {
    for (const key of given.keys())
      if (!definitions.has(key)) issues.push(unknown(`setting "${key}" (${origin})`, key, [...definitions.keys()]))
  }
  const values = new Map<string, ConfiguredValue>()
  for (const [key, definition] of definitions) {
    const layers: [SettingSource, unknown][] = [
      ['flag', sources.flags?.[key]],
      ['environment', environment.get(key)],
      ['file', file.get(key)],
      ['mode', definition.modes?.[mode]],
    ]
    const [source, given] = layers.find(([, value]) => value !== undefined) ?? ['default' as const, definition.default]
    const parsed = definition.type.safeParse(given)
    if (parsed.success)
      values.set(key, { key, value: parsed.data, source, environmentName: environmentName(key), definition })
    else
      issues.push(
        `setting "${key}" from ${source}: ${parsed.error.issues.map((issue) => issue.message).join('; ')} (got ${JSON.stringify(given)})`,
      )
  }
  if (issues.length > 0) throw new ConfigurationError(issues)
  return {
    mode,
    values,
    of: (module) =>
      Object.freeze(
        Object.fromEntries(
          [...values.values()]
            .filter(({ key }) => key.startsWith(`${module}.`))
            .map(({ key, value }) => [key.slice(module.length + 1), value]),
        ),
      ),
  }
}

/** `events.maxEventBytes` → `SOMA_EVENTS_MAX_EVENT_BYTES`. */
export function environmentName(key: string): string {
  return `SOMA_${key
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replaceAll(/[.-]/g, '_')
    .toUpperCase()}`
}

function readMode(sources: ConfigurationSources, issues: string[]): Mode {
  const given =
    sources.flags?.mode ??
    sources.environment?.SOMA_MODE ??
    sources.environment?.SOMAGENT_DEPLOYMENT_MODE ??
    sources.file?.mode ??
    'developer-light'
  if ((MODES as readonly unknown[]).includes(given)) return given as Mode
  issues.push(unknown(`mode "${String(given)}"`, String(given), MODES))
  return 'developer-light'
}

function readEnvironment(
  sources: ConfigurationSources,
  names: ReadonlyMap<string, string>,
  issues: string[],
): Map<string, unknown> {
  const other = new Set(['SOMA_MODE', ...(sources.otherEnvironmentNames ?? [])])
  const found = new Map<string, unknown>()
  for (const [name, text] of Object.entries(sources.environment ?? {})) {
    if (!name.startsWith('SOMA_') || text === undefined || other.has(name)) continue
    const key = names.get(name)
    if (key === undefined) issues.push(unknown(`environment variable ${name}`, name, [...names.keys(), ...other]))
    else found.set(key, fromText(text))
  }
  return found
}

function readAliases(
  { environment = {} }: ConfigurationSources,
  definitions: ReadonlyMap<string, SettingDefinition>,
): [string, unknown][] {
  return [...definitions].flatMap(([key, { environmentAliases = [] }]) => {
    const name = environmentAliases.find((alias) => environment[alias] !== undefined)
    return name === undefined ? [] : [[key, fromText(environment[name] as string)] as [string, unknown]]
  })
}

/** JSON where it is JSON (numbers, booleans, lists), else the text itself. */
function fromText(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

function flatten(
  file: Readonly<Record<string, unknown>>,
  definitions: ReadonlyMap<string, unknown>,
): Map<string, unknown> {
  const flat = new Map<string, unknown>()
  const visit = (value: unknown, path: string) => {
    if (path === 'mode') return
    const isBranch = typeof value === 'object' && value !== null && !Array.isArray(value) && !definitions.has(path)
    if (isBranch)
      for (const [name, member] of Object.entries(value)) visit(member, path === '' ? name : `${path}.${name}`)
    else flat.set(path, value)
  }
  visit(file, '')
  return flat
}

function unknown(what: string, name: string, known: readonly string[]): string {
  const near = nearest(name, known)
  return `${what} is not known${near.length === 0 ? '' : `: did you mean ${near.join(' or ')}?`}`
}
