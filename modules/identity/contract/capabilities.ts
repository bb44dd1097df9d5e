/** Capabilities of one row of the catalogue: `noun:verb verb …`, as the specification writes them. */
interface CatalogueRow {
  readonly of: string
  readonly all: readonly string[]
  /** In tenant `platform` only. */
  readonly platform?: readonly string[]
  /** Beside every `read`. */
  readonly operator?: readonly string[]
  readonly agent?: readonly string[]
  readonly user?: readonly string[]
}

/**
 * The whole catalogue and who holds it (docs/spec/identity.md, Data). What a role holds only for its own rows is listed here too: that it is
 * only for its own rows is checked by the module that owns them.
 */
export const CATALOGUE: readonly CatalogueRow[] = [
  {
    of: 'identity',
    all: [
      'tenant:read configure',
      'principal:read manage act-for',
      'role:read manage',
      'key:manage',
      'identity-provider:manage',
      'consent:read',
      'step-up:skip',
    ],
    platform: ['tenant:manage', 'signing-key:manage'],
  },
  {
    of: 'settings, server, edges',
    all: ['setting:read write publish', 'secret:read write use', 'flag:read manage', 'edge:expose'],
    platform: ['mode:manage', 'platform:read operate debug'],
    agent: ['secret:use'],
  },
  {
    of: 'governance',
    all: [
      'constitution:read propose approve activate',
      'policy:read write activate',
      'decision:read ask simulate',
      'relation:read write',
      'gate:read open decide manage',
      'budget:read use write grant',
      'ledger:read adjust',
      'audit:read export manage',
      'moderation:check manage bypass',
      'kill:use',
      'break-glass:use',
    ],
    operator: ['decision:ask simulate', 'gate:open decide manage', 'budget:use grant', 'kill:use', 'break-glass:use'],
    agent: ['decision:ask', 'gate:read open', 'budget:read use'],
    user: ['gate:read decide'],
  },
  {
    of: 'events, registry, tracker',
    all: [
      'event:read read-own publish subscribe manage',
      'subscription:manage',
      'delivery:read replay purge',
      'agent:read register manage',
      'event-definition:read write',
      'schema:read write',
      'discovery:read',
      'sight:read',
    ],
    platform: ['topic:manage'],
    operator: ['event:publish', 'subscription:manage', 'delivery:replay', 'agent:manage'],
    agent: [
      'event:read-own publish subscribe',
      'agent:read register',
      'event-definition:read write',
      'schema:read write',
      'discovery:read',
    ],
    user: ['event:read-own'],
  },
  {
    of: 'plans, catalog',
    all: [
      'plan:read read-all run control',
      'task:update',
      'schedule:manage',
      'workspace:manage',
      'artifact:read write',
      'catalog:read manage',
      'capsule:write install',
      'persona:read write',
      'package:publish review rate',
      'training:manage',
    ],
    operator: [
      'plan:run control',
      'task:update',
      'schedule:manage',
      'workspace:manage',
      'artifact:write',
      'capsule:write',
      'persona:write',
      'package:review rate',
    ],
    agent: ['plan:read run', 'task:update', 'artifact:read write', 'catalog:read'],
    user: ['plan:read run', 'artifact:read write', 'catalog:read', 'package:rate'],
  },
  {
    of: 'models, tools',
    all: [
      'model:read invoke choose batch',
      'provider:manage',
      'profile:manage',
      'price:manage',
      'usage:read',
      'benchmark:run',
      'tool:read execute manage',
      'connection:read manage',
      'effect:settle',
      'egress:manage',
    ],
    operator: ['model:invoke choose batch', 'benchmark:run', 'tool:execute', 'effect:settle'],
    agent: ['model:read invoke', 'tool:read execute'],
    user: ['tool:read execute'],
  },
  {
    of: 'memory',
    all: ['memory:read write publish forget export import review inspect manage', 'procedure:activate', 'vector:use'],
    operator: ['memory:write publish forget export review', 'vector:use'],
    agent: ['memory:read write publish forget export', 'vector:use'],
    user: ['memory:read write forget export'],
  },
  {
    of: 'conversation, notifications',
    all: [
      'session:read write manage inspect answer export',
      'attachment:read write quarantine',
      'voice:use read enrol',
      'notification:read subscribe write manage',
      'notification-rule:manage',
      'alert:write',
    ],
    operator: [
      'session:write manage inspect export',
      'attachment:write quarantine',
      'voice:use',
      'notification:write manage subscribe',
      'alert:write',
    ],
    agent: ['session:read write answer', 'attachment:read write', 'voice:read', 'notification:write'],
    user: ['session:read write export', 'attachment:read write', 'voice:use read enrol', 'notification:read subscribe'],
  },
]

/** `memory:read write` as `memory:read` and `memory:write`. */
export const expand = (entries: readonly string[]): string[] =>
  entries.flatMap((entry) => {
    const [noun, verbs] = entry.split(':') as [string, string]
    return verbs.split(' ').map((verb) => `${noun}:${verb}`)
  })

/** Every capability that a tenant's role may hold. */
export const TENANT_CAPABILITIES: readonly string[] = CATALOGUE.flatMap((row) => expand(row.all))
/** Those that exist in tenant `platform` only, and for the developer of permissive access. */
export const PLATFORM_CAPABILITIES: readonly string[] = CATALOGUE.flatMap((row) => expand(row.platform ?? []))

/** An agent keeps these of its own while it acts for a user who lacks them (IDN-R38). */
export const INFRASTRUCTURE_CAPABILITIES: readonly string[] = expand([
  'event:publish subscribe',
  'agent:register read',
  'event-definition:read',
  'schema:read',
  'discovery:read',
  'task:update',
  'session:answer',
  'model:read invoke',
  'decision:ask',
  'gate:open',
  'budget:use',
])

const KNOWN = new Set([...TENANT_CAPABILITIES, ...PLATFORM_CAPABILITIES])
const NOUNS = new Set([...KNOWN].map((capability) => capability.split(':')[0]))

/** True for a capability of the catalogue, or all of one noun (`memory:*`). `*:*` is none. */
export const isCapability = (text: string): boolean =>
  KNOWN.has(text) || (text.endsWith(':*') && NOUNS.has(text.slice(0, -2)))

/** Wildcards spelled out; `memory:*` never reaches beyond the tenant's capabilities. */
export const expandCapabilities = (capabilities: readonly string[]): string[] => [
  ...new Set(
    capabilities.flatMap((capability) =>
      capability.endsWith(':*')
        ? TENANT_CAPABILITIES.filter((known) => known.startsWith(capability.slice(0, -1)))
        : [capability],
    ),
  ),
]
