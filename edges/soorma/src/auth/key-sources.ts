import type { Clock, Logger } from '@soma/kernel'
import * as z from 'zod'
import type { SoormaSettings } from '../contract.ts'
import type { RsaKey } from './jwt.ts'

const keySet = z.looseObject({ keys: z.array(z.looseObject({ kid: z.string() })) })
const discovery = z.looseObject({ issuer: z.string().min(1) })

/** Where keys and the issuer of other issuers' tokens come from, by configuration. */
export interface KeySources {
  /** False where no key of another issuer is configured at all: then the own keys are the key set. */
  readonly hasAny: boolean
  /** The configured key set by `kid`; undefined where none is configured or it can't be had now, which is the same to a token. */
  configured(): Promise<ReadonlyMap<string, RsaKey> | undefined>
  /** Keys in PEM, for when that set is empty or away. */
  readonly fixed: ReadonlyMap<string, RsaKey>
  /** The `iss` that tokens must have; undefined where none is configured. */
  issuer(): Promise<string | undefined>
}

export interface KeySourceOptions {
  readonly settings: SoormaSettings
  readonly clock: Clock
  readonly log: Logger
  /** Default: the platform's fetch. */
  readonly fetch?: typeof fetch
}

export function createKeySources(options: KeySourceOptions): KeySources {
  const { settings } = options
  const fetchedKeys = createFetched(settings.jwksUrl, keySet, options)
  const fetchedDiscovery = createFetched(settings.openidConfigurationUrl, discovery, options)
  const fixed = new Map([
    ...Object.entries(settings.jwtPublicKeys),
    ...(settings.jwtPublicKeyPem === '' ? [] : [[settings.jwtPublicKeyId, settings.jwtPublicKeyPem] as const]),
  ])
  return {
    fixed,
    hasAny: fixed.size > 0 || settings.jwks !== null || settings.jwksUrl !== '',
    configured: async () => {
      const set = settings.jwks === null ? await fetchedKeys() : keySet.safeParse(settings.jwks).data
      return set === undefined || set.keys.length === 0 ? undefined : new Map(set.keys.map((key) => [key.kid, key]))
    },
    issuer: async () => {
      if (settings.jwtIssuer !== '') return settings.jwtIssuer
      return (settings.openidConfiguration ?? (await fetchedDiscovery()))?.issuer
    },
  }
}

/** How long a document that could not be had is not asked for again: a stranger's tokens must not make requests. */
const RETRY_MS = 5000

/** A document of another issuer, fetched at most once in the time that it is believed. Undefined without a URL, and while it can't be had. */
function createFetched<Document>(
  url: string,
  schema: z.ZodType<Document>,
  { settings, clock, log, fetch: fetchIt = fetch }: KeySourceOptions,
): () => Promise<Document | undefined> {
  let known: { readonly until: number; readonly document: Promise<Document | undefined> } | undefined
  const load = async (): Promise<Document | undefined> => {
    try {
      const response = await fetchIt(url, { signal: AbortSignal.timeout(settings.fetchTimeoutMs), redirect: 'error' })
      if (!response.ok) throw new Error(`it answered ${response.status}`)
      return schema.parse(await response.json())
    } catch (error) {
      log.warn("an issuer's document cannot be had", { url, error })
      known = { until: clock.now().getTime() + RETRY_MS, document: Promise.resolve(undefined) }
      return undefined
    }
  }
  return async () => {
    if (url === '') return undefined
    if (known === undefined || known.until <= clock.now().getTime())
      known = { until: clock.now().getTime() + settings.jwksCacheSeconds * 1000, document: load() }
    return known.document
  }
}
