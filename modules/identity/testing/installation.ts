import { type Client, type Context, type Mode, NO_CONSTITUTION, newTraceparent } from '@soma/kernel'
import { type Bench, type BenchOptions, openBench } from '@soma/governance/testing'
import { identityContract, type Presented, type Proven, toContext } from '../contract/index.ts'
import { identityModule } from '../src/module.ts'
import type { IdentityPorts } from '../src/ports.ts'
import { identityPorts } from './ports.ts'

/** Identity alone on a real embedded database. */
export interface Installation {
  readonly bench: Bench
  readonly identity: Client<typeof identityContract>
  /** Proves a request as the HTTP binding would, from this machine unless it says otherwise. */
  verify(presented?: Partial<Presented>): Promise<Proven>
  /** The context of a request with this credential. */
  as(secret: string): Promise<Context>
  /** The first administrators, made with the setup code. */
  bootstrap(slug?: string): Promise<{ admin: Context; operator: Context; tenantId: string; key: string }>
}

export interface InstallationOptions
  extends Partial<Pick<BenchOptions, 'database' | 'clock' | 'settings' | 'beforeCommit'>> {
  readonly mode?: Mode
  readonly ports?: Partial<IdentityPorts>
}

export async function openInstallation({
  mode = 'production',
  ports,
  ...options
}: InstallationOptions = {}): Promise<Installation> {
  const codes: string[] = []
  const writeSetupCode = async (code: string) => {
    codes.push(code)
    return 'setup-code'
  }
  const bench = await openBench({
    modules: [{ definition: identityModule, ports: identityPorts({ writeSetupCode, ...ports }) }],
    mode,
    ...options,
  })
  const identity = bench.client(identityContract)
  const platform = moduleCaller()
  const verify = async (presented: Partial<Presented> = {}): Promise<Proven> =>
    identity.credentials.verify(platform, {
      body: { remoteAddress: '127.0.0.1', host: 'localhost:7777', ...presented },
    })
  const as = async (secret: string): Promise<Context> =>
    toContext(await verify({ authorization: `Bearer ${secret}` }), newTraceparent())
  return {
    bench,
    identity,
    verify,
    as,
    bootstrap: async (slug = 'acme') => {
      const body = { setupCode: codes[0] ?? '', email: 'first@acme.test', tenant: { slug, displayName: 'Acme' } }
      const made = await identity.bootstrap.create(nobody(), { body })
      return {
        admin: await as(made.key.secret),
        operator: await as(made.platformKey.secret),
        tenantId: made.tenant.tenantId,
        key: made.key.secret,
      }
    },
  }
}

/** A module of the platform, as `internal` operations want it. */
export const moduleCaller = (): Context => ({
  tenantId: 'platform',
  spaceId: '',
  principal: { id: 'module:server', kind: 'service', roles: [], capabilities: [] },
  actors: [],
  method: 'module',
  region: 'local',
  constitutionHash: NO_CONSTITUTION,
  traceparent: newTraceparent(),
})

/** A request without a credential. */
export const nobody = (): Context => ({
  ...moduleCaller(),
  tenantId: '',
  principal: { id: '', kind: 'guest', roles: [], capabilities: [] },
  method: 'none',
})
