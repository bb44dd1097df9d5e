import { contract, type SettingValues, setting } from '@soma/kernel'
import * as z from 'zod'

const port = z.number().int().min(0).max(65_535)
const milliseconds = (minimum: number, maximum: number) => z.number().int().min(minimum).max(maximum)
/** JSON Web Keys as their issuer publishes them. */
const keySet = z.looseObject({ keys: z.array(z.record(z.string(), z.json())) })
const LOCAL = { 'developer-light': true, 'developer-full': true, test: true, 'test-debug': true }
const DEVELOPER_KEY = 'dev-identity-admin'
const DEVELOPER_MEMORY_KEY = 'dev-memory-admin'

/** Settings alone: what this edge answers is declared in its routes, in its own dialect. */
export const soormaContract = contract({
  module: 'soorma',
  summary: 'How do agents written for Soorma Core 0.9.1 run here?',
  operations: {},
  events: [],
  capabilities: {},
  settings: {
    enabled: setting({ type: z.boolean(), default: false, summary: 'Whether /soorma is served.', modes: LOCAL }),
    legacyPorts: setting({
      type: z.union([z.tuple([]), z.tuple([port, port, port, port, port])]),
      default: [],
      summary:
        'Ports of registry, events, memory, tracker and identity, served at their root as the original does: [8081, 8082, 8083, 8084, 8085]. Empty: none.',
    }),
    legacyHost: setting({
      type: z.string().min(1),
      default: '127.0.0.1',
      summary: 'Address of the legacy ports. Production refuses anything but loopback.',
    }),
    delivery: setting({
      type: z.enum(['at-least-once', 'at-most-once']),
      default: 'at-least-once',
      summary:
        'Whether an event that a stream sent goes to its group again when the connection breaks within 2 s, or is gone, as with the original.',
    }),
    validation: setting({
      type: z.enum(['warn', 'strict']),
      default: 'warn',
      summary:
        'Whether events of types that nobody registered, or whose data does not fit, are taken as the original does, or refused.',
    }),
    groupLingerMs: setting({
      type: milliseconds(0, 31_536_000_000),
      default: 60_000,
      summary: 'How long a group is kept after its last stream ended; 0 keeps it for ever.',
      unit: 'ms',
    }),
    heartbeatMs: setting({
      type: milliseconds(10, 3_600_000),
      default: 15_000,
      summary: 'How long a stream is silent before it sends a heartbeat.',
      unit: 'ms',
    }),
    agentTtlSeconds: setting({
      type: z.number().int().min(1).max(3600),
      default: 300,
      summary: 'How long an agent lives after its last sign of life.',
      unit: 's',
      environmentAliases: ['AGENT_TTL_SECONDS'],
    }),
    allowedOrigins: setting({
      type: z.array(z.url()),
      default: [],
      summary: 'Origins of web pages that may call it, beside those of this machine.',
    }),
    justInTimeTenants: setting({
      type: z.boolean(),
      default: false,
      summary: 'Whether a tenant exists as soon as a valid token of a trusted issuer names it.',
      modes: LOCAL,
    }),
    superuserKey: setting({
      type: z.string(),
      default: '',
      summary: 'What makes tenants by onboarding, as X-Identity-Admin-Key. Empty: nobody.',
      sensitive: true,
      environmentAliases: ['IDENTITY_SUPERUSER_API_KEY', 'IDENTITY_ADMIN_API_KEY'],
      modes: {
        'developer-light': DEVELOPER_KEY,
        'developer-full': DEVELOPER_KEY,
        test: DEVELOPER_KEY,
        'test-debug': DEVELOPER_KEY,
      },
    }),
    memoryAdminKey: setting({
      type: z.string(),
      default: '',
      summary: 'What erases memory beside a token, as X-Memory-Admin-Key. Empty: nobody.',
      sensitive: true,
      environmentAliases: ['MEMORY_ADMIN_API_KEY'],
      modes: {
        'developer-light': DEVELOPER_MEMORY_KEY,
        'developer-full': DEVELOPER_MEMORY_KEY,
        test: DEVELOPER_MEMORY_KEY,
        'test-debug': DEVELOPER_MEMORY_KEY,
      },
    }),
    workingTtlMs: setting({
      type: milliseconds(1000, 31_536_000_000),
      default: 2_592_000_000,
      summary: 'How long working memory of plans that Soma does not know is kept after its last change.',
      unit: 'ms',
    }),
    jwtSecret: setting({
      type: z.union([z.literal(''), z.string().min(16)]),
      default: '',
      summary: 'Verifies HS256 tokens, outside production alone. Empty: none are accepted.',
      sensitive: true,
      environmentAliases: ['SOORMA_AUTH_JWT_SECRET'],
    }),
    jwtIssuer: setting({
      type: z.string(),
      default: '',
      summary:
        'The `iss` that tokens of other issuers must have. Empty: unchecked; production refuses such tokens then.',
      environmentAliases: ['SOORMA_AUTH_JWT_ISSUER'],
    }),
    jwtAudience: setting({
      type: z.string(),
      default: '',
      summary:
        'The `aud` that tokens of other issuers must have. Empty: unchecked; production refuses such tokens then.',
      environmentAliases: ['SOORMA_AUTH_JWT_AUDIENCE'],
    }),
    jwtPublicKeys: setting({
      type: z.record(z.string(), z.string()),
      default: {},
      summary: 'RSA public keys in PEM by `kid`, for when the key set is empty or cannot be had.',
      environmentAliases: ['SOORMA_AUTH_JWT_PUBLIC_KEYS_JSON'],
    }),
    jwtPublicKeyPem: setting({
      type: z.string(),
      default: '',
      summary: 'One such key alone.',
      environmentAliases: ['SOORMA_AUTH_JWT_PUBLIC_KEY_PEM'],
    }),
    jwtPublicKeyId: setting({
      type: z.string().min(1),
      default: 'default-rs256',
      summary: 'Its `kid`.',
      environmentAliases: ['SOORMA_AUTH_JWT_PUBLIC_KEY_ID'],
    }),
    jwksUrl: setting({
      type: z.union([z.literal(''), z.url()]),
      default: '',
      summary: 'Where another issuer publishes its key set.',
      environmentAliases: ['SOORMA_AUTH_JWKS_URL'],
    }),
    jwks: setting({
      type: keySet.nullable(),
      default: null,
      summary: 'The key set itself; it is preferred to jwksUrl.',
      environmentAliases: ['SOORMA_AUTH_JWKS_JSON'],
    }),
    jwksCacheSeconds: setting({
      type: z.number().int().min(1).max(86_400),
      default: 300,
      summary: 'How long a key set that was fetched is believed.',
      unit: 's',
      environmentAliases: ['SOORMA_AUTH_JWKS_CACHE_TTL_SECONDS'],
    }),
    openidConfigurationUrl: setting({
      type: z.union([z.literal(''), z.url()]),
      default: '',
      summary: 'Where the issuer is read from when jwtIssuer is empty.',
      environmentAliases: ['SOORMA_AUTH_OPENID_CONFIGURATION_URL'],
    }),
    openidConfiguration: setting({
      type: z.looseObject({ issuer: z.string() }).nullable(),
      default: null,
      summary: 'That document itself; it is preferred to openidConfigurationUrl.',
      environmentAliases: ['SOORMA_AUTH_OPENID_CONFIGURATION_JSON'],
    }),
    fetchTimeoutMs: setting({
      type: milliseconds(1, 60_000),
      default: 2000,
      summary: 'How long a key set or that document may take to come.',
      unit: 'ms',
    }),
  },
})

export type SoormaSettings = SettingValues<typeof soormaContract>
