import type { Bundle } from '../bundle/bundle.ts'
import { codeLines, codeFilesOf } from './code-words.ts'
import type { Place } from './place.ts'

export interface EnvironmentFacts {
  /** Variable → where code first reads it. */
  readonly reads: ReadonlyMap<string, Place>
  /** Variables that only tests or continuous integration read. */
  readonly onlyTests: ReadonlySet<string>
  /** Where code reads a variable whose name it makes up at run time; then no absence is proof. */
  readonly dynamic: Place | undefined
}

const cached = new WeakMap<Bundle, EnvironmentFacts>()

/** Which environment variables the code of a bundle reads. */
export function environmentOf(bundle: Bundle): EnvironmentFacts {
  const known = cached.get(bundle) ?? readEnvironment(bundle)
  cached.set(bundle, known)
  return known
}

const NAME = '[A-Za-z_][A-Za-z0-9_]*'
const READS = [
  `\\b(?:process|import\\.meta|Bun|Deno)\\.env\\??\\.(${NAME})`,
  `\\benv(?:ironment|iron)?\\??\\.(?:get\\(\\s*['"\`])?([A-Z][A-Z0-9_]{2,})\\b`,
  `\\benv(?:iron|ironment)?(?:\\??\\.)?\\[\\s*['"\`](${NAME})['"\`]`,
  `\\b(?:os\\.)?(?:getenv|environ\\.get|LookupEnv|Getenv|env_var|env::var(?:_os)?|System\\.getenv|ENV\\.fetch|env\\.get|requireEnv|getEnv|readEnv)\\(\\s*['"\`](${NAME})['"\`]`,
  `\\bENV\\[\\s*['"](${NAME})['"]`,
  `\\$\\{([A-Z][A-Z0-9_]{2,})(?::?[-=?+][^}]*)?\\}`,
  `\\{\\s*([A-Z][A-Z0-9_]{2,})[^}]*\\}\\s*=\\s*process\\.env\\b`,
]
const READ = new RegExp(READS.join('|'), 'g')
const DYNAMIC =
  /\b(?:process\.env|os\.environ|\benv)\[\s*(?!['"]|`[^`$]*`)|\b(?:getenv|environ\.get|Getenv|env::var)\(\s*(?!['"`)])|\bprefix(?:ed)?\w{0,40}\s{0,20}[+:].{0,200}\benv\b/i

const TEST_PATH =
  /(^|\/)(tests?|__tests__|spec|e2e|bench(marks?)?|fixtures?|\.github|\.ci|ci|scripts?|tools?)\/|\.(test|spec|bench)\.[cm]?[jt]sx?$/

export const isTestPath = (path: string): boolean => TEST_PATH.test(path)

/** Variables that the surroundings set or that other programs read. */
export const WELL_KNOWN_VARIABLES =
  /^(NODE_\w+|PATH|HOME|USER|USERNAME|SHELL|PWD|LANG|LC_\w+|TZ|TERM|CI|DEBUG|EDITOR|TMP|TEMP|TMPDIR|COLUMNS|(NO|FORCE)_COLOR|COLORTERM|(HTTPS?|NO|ALL|FTP)_PROXY|XDG_\w+|npm_\w+|NPM_\w+|YARN_\w+|PNPM_\w+|AWS_\w+|GOOGLE_\w+|GCP_\w+|AZURE_\w+|GITHUB_\w+|GITLAB_\w+|CI_\w+|DOCKER_\w+|KUBE\w*|PG[A-Z]+|POSTGRES_\w+|MYSQL_\w+|REDIS_\w+|OTEL_\w+|OPENAI_\w+|ANTHROPIC_\w+|UV_\w+|PYTHON\w*|PIP_\w+|VIRTUAL_ENV|GO(PATH|ROOT|OS|ARCH)|CARGO_\w+|RUST\w*|JAVA_\w+|LD_\w+|DYLD_\w+|SSL_\w+|SSH_\w+|GIT_\w+|LAMBDA_\w+|VERCEL_\w+|K_SERVICE|FUNCTION_\w+|VITE_\w+|NEXT_\w+|REACT_APP_\w+)$/

function readEnvironment(bundle: Bundle): EnvironmentFacts {
  const reads = new Map<string, Place>()
  const elsewhere = new Set<string>()
  for (const { place } of codeLines(bundle, new RegExp(READS.join('|')))) {
    for (const match of place.quote.matchAll(READ)) {
      const name = match.slice(1).find((group) => group !== undefined)
      if (name === undefined) continue
      const known = reads.get(name)
      if (known === undefined || (isTestPath(known.file) && !isTestPath(place.file))) reads.set(name, place)
      if (!isTestPath(place.file)) elsewhere.add(name)
    }
  }
  const dynamic = codeLines(bundle, DYNAMIC).find(({ place }) => !isTestPath(place.file))?.place
  return { reads, onlyTests: new Set([...reads.keys()].filter((name) => !elsewhere.has(name))), dynamic }
}

/** Whether the bundle has any code at all. */
export const hasCode = (bundle: Bundle): boolean =>
  codeFilesOf(bundle).some((file) => /\.(m?[jt]sx?|c[jt]s|py|go|rs|rb|java|kt|cs|php|sh|c|cc|cpp)$/.test(file.path))
