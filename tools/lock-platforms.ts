/**
 * `npm run lockfile`: gives every optional platform package that a locked package names an entry in package-lock.json.
 *
 * npm leaves out the packages of other platforms when the registry at hand does not carry them, and `npm ci` then refuses the
 * lockfile everywhere. An entry needs version, os and cpu only: npm skips it where it does not fit and looks it up where it does.
 * Run it after each `npm install`; `--check` fails where an entry is missing.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Finding, reportFindings } from './finding.ts'

interface LockEntry {
  readonly version?: string
  readonly dev?: boolean
  readonly os?: readonly string[]
  readonly cpu?: readonly string[]
  readonly optional?: boolean
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

interface Lockfile {
  readonly packages: Readonly<Record<string, LockEntry>>
}

/** The words by which package names tell their platform; `openharmony` is what Node calls it too. */
const SYSTEMS = ['android', 'darwin', 'freebsd', 'linux', 'openharmony', 'win32', 'aix', 'netbsd', 'openbsd', 'sunos']
const PROCESSORS = ['arm64', 'arm', 'x64', 'ia32', 'ppc64', 'riscv64', 's390x', 'loong64', 'mips64el']

/** Lock path → entry of each platform package that is named and not locked. */
export function missingPlatforms({ packages }: Lockfile): Record<string, LockEntry> {
  const missing = Object.entries(packages).flatMap(([owner, entry]) =>
    Object.entries(entry.optionalDependencies ?? {})
      .filter(([name]) => !(`node_modules/${name}` in packages) && !(`${owner}/node_modules/${name}` in packages))
      .map(([name, version]) => [`node_modules/${name}`, platformEntry(name, version, entry.dev === true)] as const),
  )
  return Object.fromEntries(missing.filter(([, entry]) => entry.os !== undefined))
}

function platformEntry(name: string, version: string, isDevelopment: boolean): LockEntry {
  const words = name.split(/[/-]/)
  const os = SYSTEMS.filter((system) => words.includes(system))
  const cpu = PROCESSORS.filter((processor) => words.includes(processor))
  const libc = words.some((word) => word.startsWith('musl')) ? ['musl'] : words.includes('gnu') ? ['glibc'] : undefined
  return {
    version,
    ...(cpu.length > 0 ? { cpu } : {}),
    ...(isDevelopment ? { dev: true } : {}),
    ...(os.includes('linux') && libc !== undefined ? { libc } : {}),
    optional: true,
    ...(os.length > 0 ? { os } : {}),
  }
}

/** The lockfile with the missing entries, sorted as npm sorts them. */
export function withPlatforms<Lock extends Lockfile>(lock: Lock): Lock {
  const packages = { ...lock.packages, ...missingPlatforms(lock) }
  const sorted = Object.entries(packages).sort(([a], [b]) => a.localeCompare(b, 'en'))
  return { ...lock, packages: Object.fromEntries(sorted) }
}

function run(root: string, isCheck: boolean): void {
  const path = join(root, 'package-lock.json')
  const lock = JSON.parse(readFileSync(path, 'utf8')) as Lockfile
  const missing = Object.keys(missingPlatforms(lock))
  if (!isCheck) {
    if (missing.length > 0) writeFileSync(path, `${JSON.stringify(withPlatforms(lock), null, 2)}\n`)
    console.log(`${missing.length} platform packages added to package-lock.json`)
    return
  }
  const findings = missing.map(
    (name): Finding => ({
      path: 'package-lock.json',
      rule: 'lockfile',
      message: `${name} is missing, npm ci would refuse`,
      remedy: 'run npm run lockfile',
    }),
  )
  reportFindings(findings, 'package-lock.json names every platform')
}

if (process.argv[1] === fileURLToPath(import.meta.url)) run(process.cwd(), process.argv.includes('--check'))
