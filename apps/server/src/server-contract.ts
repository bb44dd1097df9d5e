import { contract, type SettingValues, setting } from '@soma/kernel'
import * as z from 'zod'

/** Settings of the process itself. No operations: what a process answers beside its modules (health, metrics, OpenAPI) is the runtime's. */
export const serverContract = contract({
  module: 'server',
  summary: 'How one process of the platform runs.',
  operations: {},
  events: [],
  capabilities: {
    'platform:read': 'see processes, metrics and readiness',
    'platform:operate': 'drain, rebuild and maintain',
  },
  settings: {
    host: setting({
      type: z.string().min(1),
      default: '127.0.0.1',
      summary: 'Address to listen on. Developer modes refuse anything but loopback.',
    }),
    port: setting({
      type: z.number().int().min(0).max(65_535),
      default: 4000,
      summary: 'Port to listen on; 0 takes a free one.',
    }),
    dataDirectory: setting({
      type: z.string().min(1),
      default: '.soma',
      summary: 'Where the embedded database, bundles and server.json live. `memory` keeps nothing.',
    }),
    databaseUrl: setting({
      type: z.string(),
      default: '',
      summary: 'postgres://… for native Postgres ≥ 15; empty runs the embedded database.',
      sensitive: true,
    }),
    databasePool: setting({
      type: z.number().int().min(2).max(200),
      default: 20,
      summary: 'Connections to native Postgres.',
    }),
    moduleUrls: setting({
      type: z.record(z.string(), z.url()),
      default: {},
      summary: 'Where modules run that this process does not host: {"governance": "http://…"}.',
    }),
    clusterSecret: setting({
      type: z.string(),
      default: '',
      summary: 'Lets processes of one platform join each other. Needed as soon as modules run apart.',
      sensitive: true,
    }),
    publicUrl: setting({
      type: z.url(),
      default: 'http://127.0.0.1:4000',
      summary:
        'Address of the installation as clients know it; issuer of its access tokens. The same on every process.',
    }),
    region: setting({ type: z.string().min(1).max(64), default: 'local', summary: 'Stamped on every event.' }),
    graceMs: setting({
      type: z.number().int().min(0).max(600_000),
      default: 10_000,
      summary: 'How long a stop waits for work in hand.',
      unit: 'ms',
    }),
    allowInsecureListen: setting({
      type: z.boolean(),
      default: false,
      summary: 'Lets developer modes listen beyond loopback. Never on a network you do not own.',
    }),
    otlpEndpoint: setting({
      type: z.union([z.literal(''), z.url()]),
      default: '',
      summary:
        'OTLP over HTTP to send traces to, such as http://127.0.0.1:4318/v1/traces. Empty: no traces, nothing is sent anywhere.',
    }),
    logLevel: setting({
      type: z.enum(['silent', 'error', 'warn', 'info', 'debug']),
      default: 'info',
      summary: 'Least severe line that is written.',
      modes: { 'developer-light': 'warn', test: 'error', 'test-debug': 'debug', 'production-debug': 'debug' },
    }),
  },
})

export type ServerSettings = SettingValues<typeof serverContract>
