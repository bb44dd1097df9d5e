import type { Context, Contract, Logger, Metrics } from '@soma/kernel'
import type { BoundOperation } from '../call/bind.ts'
import type { Execute } from '../call/execute.ts'
import type { IdempotencyStore } from './idempotency.ts'
import type { RequestCredentials } from './read-request.ts'

export interface HttpServerOptions {
  readonly operations: readonly BoundOperation[]
  /** Of the whole platform as far as this process knows it: the OpenAPI document and the problem pages. */
  readonly contracts: readonly Contract[]
  readonly version: string
  readonly execute: Execute
  /** Proves the caller. Answers a context with method `none` when there is no credential; throws `unauthenticated` for a bad one. */
  readonly authenticate: (credentials: RequestCredentials) => Promise<Context>
  readonly idempotency: IdempotencyStore
  readonly ready: () => Promise<ReadyReport>
  readonly log: Logger
  readonly metrics: Metrics
  /** Aborts when the process drains: streams end with a `drain` frame, requests in hand finish, further ones on open connections are refused. */
  readonly drain: AbortSignal
}

export interface ReadyReport {
  /** `degraded` answers 200 like `ready`: everything is served, something behind it is away. */
  readonly status: 'ready' | 'degraded' | 'not-ready' | 'draining'
  readonly checks: readonly {
    readonly name: string
    readonly ok: boolean
    readonly detail?: string
    readonly ms: number
  }[]
}
