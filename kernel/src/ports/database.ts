/**
 * The database as the runtime sees it. Two adapters keep one promise: PGlite in a worker (embedded) and native Postgres ≥ 15.
 * Rows come back normalised on both: `int8` as number, `timestamptz` as `Date`, `json`/`jsonb` parsed, `bytea` as `Uint8Array`,
 * `uuid` and `numeric` as string. JSON parameters are passed as strings (`JSON.stringify`) and cast in the SQL (`$1::jsonb`).
 */
export interface SqlSession {
  /** Runs one statement with `$n` parameters; answers its rows. */
  query<Row = Record<string, unknown>>(sql: string, parameters?: readonly unknown[]): Promise<Row[]>
  /** Runs one statement; answers how many rows it changed. */
  execute(sql: string, parameters?: readonly unknown[]): Promise<number>
}

/**
 * The non-owner roles of the platform. `soma_app` serves requests, `soma_worker` runs handlers and jobs of one tenant,
 * `soma_bus` relays and dispatches events of all tenants, `soma_scheduler` claims due work of all tenants (never payloads).
 */
export type DatabaseRole = 'soma_app' | 'soma_worker' | 'soma_bus' | 'soma_scheduler'

/** What row-level security reads inside one transaction. Absent text settings are set to `''`. */
export interface DatabaseScope {
  readonly role: DatabaseRole
  /** `soma.tenant_id`; absent = no tenant, and therefore no tenant's row. */
  readonly tenantId?: string
  /** `soma.space_id` */
  readonly spaceId?: string
  /** `soma.user_id` */
  readonly userId?: string
  /** `soma.principal_id` */
  readonly principalId?: string
  /** Further settings by full name, such as `soma.plan_read_all`: `on`. */
  readonly settings?: Readonly<Record<string, string>>
}

/** One numbered SQL file, applied once, forward only, as owner. `id` = `<set>/<file name>`. */
export interface Migration {
  readonly id: string
  readonly sql: string
}

export interface Database {
  readonly engine: 'pglite' | 'postgres'
  /**
   * One transaction under the scope's role and settings. Commits when `work` resolves (on disk, when durability is `power`),
   * rolls back when it throws. `work` may wait for nothing but its session: the embedded engine has one session, so a wait stops the platform.
   */
  transaction<T>(scope: DatabaseScope, work: (session: SqlSession) => Promise<T>): Promise<T>
  /** One transaction as owner (`soma_owner`): migrations, partitions, vacuum. Never for requests. */
  asOwner<T>(work: (session: SqlSession) => Promise<T>): Promise<T>
  /** One statement as owner outside any transaction (`VACUUM`, `CREATE INDEX CONCURRENTLY`). */
  maintain(sql: string): Promise<void>
  /** Applies what is missing in order, each in its own transaction; safe when two processes start at once. Answers the ids applied now. */
  migrate(migrations: readonly Migration[]): Promise<string[]>
  /** Sends to all listeners of the channel, in this and other processes. May be lost with a connection: listeners also poll. */
  notify(channel: string, payload: string): Promise<void>
  /** Answers a function that ends the subscription. */
  listen(channel: string, listener: (payload: string) => void): Promise<() => Promise<void>>
  /** Answers in ≤ 2 s or throws: used by `/ready`. */
  ping(): Promise<void>
  close(): Promise<void>
}
