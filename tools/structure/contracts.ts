import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Contract, Operation, ProblemDefinition } from '@soma/kernel'
import type { Finding } from '../finding.ts'
import { isTest, isTypeScript, listFiles } from '../source-files.ts'
import { readWorkspaces } from '../workspaces.ts'

const OPERATION_ID = /^[a-z][a-z0-9]*(-[a-z0-9]+)*(\.[a-z][a-z0-9]*(-[a-z0-9]+)*){2}$/
const EVENT_TYPE = /^[a-z][a-z0-9]*(-[a-z0-9]+)*(\.[a-z][a-z0-9]*(-[a-z0-9]+)*)+$/
const CODE = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/
const CAPABILITY = /^[a-z][a-z-]*:[a-z][a-z-]*$/
const SETTING_NAME = /^[a-z][a-zA-Z0-9]*$/
const OPEN_CAPABILITIES = new Set(['public', 'authenticated', 'internal'])

/** Declared by the contract of the process, which is no module. */
const OF_THE_PROCESS = ['platform:read', 'platform:operate']

interface LoadedContract {
  readonly folder: string
  readonly path: string
  readonly contract: Contract
  readonly operations: readonly Operation[]
  /** Every problem that a file of the contract folder exports. */
  readonly exported: readonly ProblemDefinition[]
}

/** Names in the contracts keep the conventions, problems are declared where they can come out, and no two contracts claim one name. */
export async function checkContracts(root: string): Promise<Finding[]> {
  const loaded: LoadedContract[] = []
  const findings: Finding[] = []
  for (const { folder } of readWorkspaces(root)) {
    if (!folder.startsWith('modules/') || !existsSync(join(root, folder, 'contract/index.ts'))) continue
    const outcome = await load(root, folder)
    if ('contract' in outcome) loaded.push(outcome)
    else findings.push(outcome)
  }
  return [
    ...findings,
    ...loaded.flatMap((entry) => [...wrongNames(entry), ...wrongPaths(entry), ...undeclaredProblems(entry)]),
    ...undeclaredCapabilities(loaded),
    ...clashes(loaded),
  ]
}

async function load(root: string, folder: string): Promise<LoadedContract | Finding> {
  const path = `${folder}/contract/index.ts`
  try {
    const { operationsOf } = await import('@soma/kernel')
    const contracts = (await exportsOf(root, path)).filter(isContract)
    const contract = contracts.find(({ module }) => module === folder.slice('modules/'.length)) ?? contracts[0]
    if (contract === undefined) throw new Error('exports no contract')
    const files = listFiles(root, `${folder}/contract`).filter((file) => isTypeScript(file) && !isTest(file))
    const values = (await Promise.all(files.map((file) => exportsOf(root, file)))).flat()
    const exported = [...new Set(values.flatMap(problemsIn))]
    return { folder, path, contract, operations: operationsOf(contract), exported }
  } catch (error) {
    const message = `cannot be loaded: ${String(error).split('\n')[0]}`
    return { path, rule: 'contract', message, remedy: 'export contract({ … }) from contract/index.ts' }
  }
}

async function exportsOf(root: string, path: string): Promise<unknown[]> {
  return Object.values((await import(pathToFileURL(join(root, path)).href)) as Record<string, unknown>)
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null

const isContract = (value: unknown): value is Contract =>
  isObject(value) && typeof value.module === 'string' && isObject(value.operations)

const isProblemDefinition = (value: unknown): value is ProblemDefinition =>
  isObject(value) &&
  typeof value.code === 'string' &&
  typeof value.remedy === 'string' &&
  typeof value.create === 'function'

/** A problem, or a plain object of problems (`export const problems = { … }`). */
function problemsIn(value: unknown): ProblemDefinition[] {
  if (isProblemDefinition(value)) return [value]
  return isObject(value) && !isContract(value) ? Object.values(value).filter(isProblemDefinition) : []
}

function wrongNames({ folder, path, contract, operations }: LoadedContract): Finding[] {
  const finding = (message: string, remedy: string): Finding => ({ path, rule: 'contract-names', message, remedy })
  const expected = folder.slice('modules/'.length)
  const problems = [...operations.flatMap((operation) => operation.problems ?? []), ...(contract.problems ?? [])]
  return [
    ...(contract.module === expected ? [] : [finding(`module is "${contract.module}"`, `name it "${expected}"`)]),
    ...operations
      .filter(({ id }) => !OPERATION_ID.test(id))
      .map(({ id }) => finding(`operation id ${id}`, 'write <module>.<nouns>.<verb> in kebab-case')),
    ...operations
      .filter(({ summary }) => summary.trim() === '')
      .map(({ id }) => finding(`${id} has no summary`, 'say in one sentence what it does')),
    ...operations
      .filter(({ capability }) => !OPEN_CAPABILITIES.has(capability) && !CAPABILITY.test(capability))
      .map(({ id, capability }) =>
        finding(`${id} asks for ${capability}`, 'write <noun>:<verb>, public, authenticated or internal'),
      ),
    ...contract.events
      .filter(({ type }) => !EVENT_TYPE.test(type))
      .map(({ type }) => finding(`event ${type}`, 'write noun.verb-in-past')),
    ...problems
      .filter(({ code }) => !CODE.test(code))
      .map(({ code }) => finding(`problem ${code}`, 'write the code in kebab-case')),
    ...Object.keys(contract.settings)
      .filter((name) => !SETTING_NAME.test(name))
      .map((name) => finding(`setting ${name}`, 'write it in camelCase; the module goes before it')),
  ]
}

/** Versioned paths under the module's name, or well-known ones; the parameters in braces are those of the `params` schema. */
function wrongPaths({ path, contract, operations }: LoadedContract): Finding[] {
  const finding = (message: string, remedy: string): Finding => ({ path, rule: 'contract-paths', message, remedy })
  return operations.flatMap(({ id, path: url, params }) => {
    const isKnownPlace = url.startsWith('/v1/') || url.startsWith('/.well-known/')
    const place = isKnownPlace ? [] : [finding(`${id} has the path ${url}`, `put it under /v1/${contract.module}`)]
    const inPath = [...url.matchAll(/\{([^}]+)\}/g)].map((match) => match[1] ?? '').sort()
    const inSchema = Object.keys((params as { shape?: object } | undefined)?.shape ?? {}).sort()
    if (String(inPath) === String(inSchema)) return place
    const message = `${id} has {${inPath}} in its path and {${inSchema}} in params`
    return [...place, finding(message, 'name the same parameters in both')]
  })
}

function undeclaredCapabilities(loaded: readonly LoadedContract[]): Finding[] {
  const declared = new Set([...OF_THE_PROCESS, ...loaded.flatMap(({ contract }) => Object.keys(contract.capabilities))])
  return loaded.flatMap(({ path, operations }) =>
    operations
      .filter(({ capability }) => !OPEN_CAPABILITIES.has(capability) && !declared.has(capability))
      .map(({ id, capability }) => ({
        path,
        rule: 'undeclared-capability',
        message: `${id} asks for ${capability}, which no contract declares`,
        remedy: 'declare it in `capabilities` of the module that owns the noun',
      })),
  )
}

/** A problem of the module that no operation lists and no result or fact carries can reach a caller undeclared. */
function undeclaredProblems({ path, contract, operations, exported }: LoadedContract): Finding[] {
  const declared = new Set(
    [...operations.flatMap((operation) => operation.problems ?? []), ...(contract.problems ?? [])].map(
      ({ code }) => code,
    ),
  )
  return exported
    .filter(({ code }) => !declared.has(code))
    .map(({ code }) => ({
      path,
      rule: 'undeclared-problem',
      message: `no operation lists the problem ${code}`,
      remedy: 'list it in `problems` of the operations that raise it, or of the contract where results carry it',
    }))
}

function clashes(loaded: readonly LoadedContract[]): Finding[] {
  const operations = loaded.flatMap(({ path, operations: all }) =>
    all.map((operation) => ({ path, key: `${operation.method} ${operation.path.replaceAll(/\{[^}]+\}/g, '{}')}` })),
  )
  const events = loaded.flatMap(({ path, contract }) =>
    contract.events.map(({ type, topic }) => ({ path, key: `event ${type} on ${topic}` })),
  )
  return [...doubles(operations), ...doubles(events), ...statusClashes(loaded)]
}

function doubles(claims: readonly { path: string; key: string }[]): Finding[] {
  const first = new Map<string, string>()
  return claims.flatMap(({ path, key }) => {
    const owner = first.get(key)
    first.set(key, owner ?? path)
    if (owner === undefined) return []
    return [
      {
        path,
        rule: 'contract-clash',
        message: `${key} is declared in ${owner} already`,
        remedy: 'one owner each: rename or remove one',
      },
    ]
  })
}

function statusClashes(loaded: readonly LoadedContract[]): Finding[] {
  const statuses = new Map<string, number>()
  return loaded.flatMap(({ path, exported, operations }) =>
    [...new Set([...exported, ...operations.flatMap((operation) => operation.problems ?? [])])].flatMap(
      ({ code, status }) => {
        const known = statuses.get(code) ?? status
        statuses.set(code, known)
        if (known === status) return []
        return [
          {
            path,
            rule: 'contract-clash',
            message: `problem ${code} is ${status} here and ${known} elsewhere`,
            remedy: 'one code has one status over the platform',
          },
        ]
      },
    ),
  )
}
