import type { ClientBase } from 'pg'
import { postgresProblems } from './problems.ts'

/** 15.0 as `server_version_num`: nothing older was ever tested. */
const OLDEST = 150_000

/** Raises `database-too-old`. */
export async function requireVersion(client: ClientBase): Promise<void> {
  const { rows } = await client.query<{ version: string }>("select current_setting('server_version_num') as version")
  const version = Number(rows[0]?.version)
  if (version < OLDEST)
    throw postgresProblems.tooOld.create(`The server is Postgres ${Math.floor(version / 10_000)}, and 15 is the oldest`)
}
