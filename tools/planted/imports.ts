/** A file with one import that the house forbids, or, where `isAllowed`, one that it allows in the same kind of place. */
export interface PlantedImport {
  readonly path: string
  readonly specifier: string
  readonly isAllowed?: true
}

/** Row by row the table of ARCHITECTURE.md section 2. */
export const PLANTED_IMPORTS: readonly PlantedImport[] = [
  { path: 'kernel/src/node-in-kernel.ts', specifier: 'node:fs' },
  { path: 'kernel/src/module-in-kernel.ts', specifier: '@soma/plans/contract' },
  { path: 'kernel/src/library-in-kernel.ts', specifier: 'pino' },
  { path: 'kernel/src/zod-in-kernel.ts', specifier: 'zod', isAllowed: true },
  { path: 'runtime/src/module-in-runtime.ts', specifier: '@soma/events' },
  { path: 'runtime/src/contract-in-runtime.ts', specifier: '@soma/events/contract' },
  { path: 'runtime/src/adapter-in-runtime.ts', specifier: '@soma/adapter-pglite' },
  { path: 'runtime/src/technology-in-runtime.ts', specifier: 'pg' },
  { path: 'runtime/src/node-in-runtime.ts', specifier: 'node:fs/promises', isAllowed: true },
  { path: 'runtime/src/fastify-in-runtime.ts', specifier: 'fastify', isAllowed: true },
  { path: 'runtime/src/adapter-in-test.test.ts', specifier: '@soma/adapter-pglite', isAllowed: true },
  { path: 'runtime/src/module-in-test.test.ts', specifier: '@soma/events' },
  { path: 'adapters/sample/src/module-in-adapter.ts', specifier: '@soma/events/contract' },
  { path: 'adapters/sample/src/adapter-in-adapter.ts', specifier: '@soma/adapter-jose' },
  { path: 'adapters/sample/src/runtime-in-adapter.ts', specifier: '@soma/runtime' },
  { path: 'adapters/sample/src/technology-in-adapter.ts', specifier: 'pg', isAllowed: true },
  { path: 'modules/sample/contract/node-in-contract.ts', specifier: 'node:crypto' },
  { path: 'modules/sample/contract/module-in-contract.ts', specifier: '@soma/plans' },
  { path: 'modules/sample/contract/library-in-contract.ts', specifier: 'yaml' },
  { path: 'modules/sample/contract/contract-in-contract.ts', specifier: '@soma/plans/contract', isAllowed: true },
  { path: 'modules/sample/src/module-in-module.ts', specifier: '@soma/plans' },
  { path: 'modules/sample/src/testing-in-module.ts', specifier: '@soma/plans/testing' },
  { path: 'modules/sample/src/adapter-in-module.ts', specifier: '@soma/adapter-jose' },
  { path: 'modules/sample/src/runtime-in-module.ts', specifier: '@soma/runtime' },
  { path: 'modules/sample/src/technology-in-module.ts', specifier: 'pg' },
  { path: 'modules/sample/src/server-in-module.ts', specifier: 'fastify' },
  { path: 'modules/sample/src/contract-in-module.ts', specifier: '@soma/plans/contract', isAllowed: true },
  { path: 'modules/sample/src/module-in-test.test.ts', specifier: '@soma/plans', isAllowed: true },
  { path: 'modules/sample/src/app-in-test.test.ts', specifier: '@soma/server' },
  { path: 'sdk/typescript/src/module-in-sdk.ts', specifier: '@soma/plans' },
  { path: 'sdk/typescript/src/adapter-in-sdk.ts', specifier: '@soma/adapter-pglite' },
  { path: 'sdk/typescript/src/contract-in-sdk.ts', specifier: '@soma/plans/contract', isAllowed: true },
  { path: 'apps/cli/src/module-in-cli.ts', specifier: '@soma/plans' },
  { path: 'apps/cli/src/adapter-in-cli.ts', specifier: '@soma/adapter-postgres' },
  { path: 'apps/cli/src/server-in-cli.ts', specifier: '@soma/server', isAllowed: true },
  { path: 'apps/server/src/module-in-server.ts', specifier: '@soma/plans', isAllowed: true },
  { path: 'apps/server/src/testing-in-server.ts', specifier: '@soma/plans/testing' },
  { path: 'examples/01-sample/src/clients-in-example.ts', specifier: '@soma/sdk/clients' },
  { path: 'examples/01-sample/src/module-in-example.ts', specifier: '@soma/plans' },
  { path: 'examples/01-sample/src/contract-in-example.ts', specifier: '@soma/plans/contract' },
  { path: 'examples/01-sample/src/kernel-in-example.ts', specifier: '@soma/kernel' },
  { path: 'examples/01-sample/src/adapter-in-example.ts', specifier: '@soma/adapter-pglite' },
  { path: 'examples/01-sample/src/sdk-in-example.ts', specifier: '@soma/sdk', isAllowed: true },
]

/** Re-exports are used, so that no other rule speaks. */
export function plantImports(): Record<string, string> {
  return Object.fromEntries(
    PLANTED_IMPORTS.map(({ path, specifier }) => [path, `export * as planted from '${specifier}'\n`]),
  )
}
