import { packagesOf } from '../facts/packages.ts'
import { environmentOf } from '../facts/environment.ts'
import { pathFactsOf } from '../facts/paths.ts'
import type { Block, Inline } from './block.ts'
import type { DocumentScope } from './document-scope.ts'
import type { Finding, StatementContext } from './statement.ts'

/** Inline code that names a path, a variable, a setting, a flag or a package. */
export function findNames(scope: DocumentScope): readonly Finding[] {
  const inCommands = new Set(
    scope.commands.flatMap((command) => [...command.words, ...command.assignments].map((word) => word.start)),
  )
  return scope.document.blocks.flatMap((block) =>
    block.inlines.flatMap((inline): Finding[] => {
      if (inline.type !== 'code' || inline.start === inline.end || inCommands.has(inline.start)) return []
      const found = classify(scope, block, inline)
      if (found === undefined) return []
      const sentence = scope.sentenceAt(block, inline.start)
      const context = { section: block.section, ...found.context }
      return [
        {
          kind: found.kind,
          subject: found.subject,
          start: found.start,
          end: found.start + found.subject.length,
          sentence,
          context,
        },
      ]
    }),
  )
}

interface Found extends Pick<Finding, 'kind' | 'subject' | 'start'> {
  readonly context?: StatementContext
}

function classify(scope: DocumentScope, block: Block, inline: Inline): Found | undefined {
  const { value, start } = inline
  if (/\s/.test(value.trim())) return undefined
  return (
    environmentName(scope, block, inline) ??
    (/^--[a-z][\w-]+(=\S*)?$/.test(value) ? { kind: 'flag', subject: value.replace(/=.*$/, ''), start } : undefined) ??
    settingName(scope, block, inline) ??
    packageName(scope, inline) ??
    pathName(scope, inline)
  )
}

const ENVIRONMENT_WORDS = /\benv(ironment)?\b[\s-]*(var|variables?|vars|settings?)?|\bvariables?\b|\bexport(ed|s)?\b/i

function environmentName(scope: DocumentScope, block: Block, inline: Inline): Found | undefined {
  const match = /^(\$\{?|process\.env\.)?([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*)\}?(=\S*)?$/.exec(inline.value)
  const name = match?.[2]
  if (match === null || name === undefined || name.length < 3) return undefined
  const isRead = environmentOf(scope.bundle).reads.has(name)
  const columnHeader = block.cell?.header ?? ''
  const isSaid =
    match[1] !== undefined ||
    (block.cell === undefined
      ? ENVIRONMENT_WORDS.test(scope.sentenceAt(block, inline.start))
      : /\b(env|variable)/i.test(columnHeader) && block.cell.column === 0)
  if (!isRead && !(isSaid && (name.includes('_') || match[1] !== undefined || block.cell !== undefined)))
    return undefined
  const start = inline.start + inline.value.indexOf(name)
  return {
    kind: 'env',
    subject: name,
    start,
    context: { ...siblingsOf(scope, block), ...(isSaid ? { column: columnHeader } : {}) },
  }
}

const SETTING_COLUMN = /^(settings?|options?|keys?|configuration|config( key)?|property|properties)\b/i
const SETTING_NAME = /^[a-z][A-Za-z0-9]*([._-][A-Za-z0-9]+)*$/

function settingName(scope: DocumentScope, block: Block, inline: Inline): Found | undefined {
  const { cell } = block
  if (cell === undefined || cell.column !== 0 || cell.row === 0 || !SETTING_COLUMN.test(cell.header)) return undefined
  if (!SETTING_NAME.test(inline.value) || inline.value.length < 3) return undefined
  return {
    kind: 'setting',
    subject: inline.value,
    start: inline.start,
    context: { column: cell.header, ...siblingsOf(scope, block) },
  }
}

/** The other code of the same column, so that a checker can see whether the table speaks about this folder. */
function siblingsOf(scope: DocumentScope, block: Block): StatementContext {
  const { cell } = block
  if (cell === undefined) return {}
  const column = scope.document.blocks.filter(
    (other) => other.cell?.table === cell.table && other.cell.column === cell.column && other !== block,
  )
  return {
    siblings: column
      .flatMap((other) => other.inlines.flatMap((inline) => (inline.type === 'code' ? inline.value : [])))
      .slice(0, 50),
  }
}

function packageName(scope: DocumentScope, inline: Inline): Found | undefined {
  const match = /^((?:@[a-z0-9][\w.-]*\/)?[a-z0-9][\w.-]*)(\/[\w./-]+)?$/.exec(inline.value)
  const own = packagesOf(scope.bundle).find((facts) => facts.name !== undefined && match?.[1] === facts.name)
  if (own === undefined || match === null) return undefined
  const isPath = pathFactsOf(scope.bundle).typeOf(inline.value) !== undefined
  if (isPath || (match[2] !== undefined && !inline.value.startsWith('@'))) return undefined
  return match[2] !== undefined || inline.value.startsWith('@')
    ? { kind: 'package', subject: inline.value, start: inline.start }
    : undefined
}

const EXTENSION =
  /\.(m?[jt]sx?|c[jt]s|json[c5]?|ya?ml|toml|mdx?|rst|txt|sh|bash|ps1|py|rb|go|rs|java|kt|c|h|cc|cpp|hpp|cs|php|sql|html?|s?css|less|vue|svelte|lock|xml|gradle|tf|ini|cfg|conf|proto|graphql|ipynb|cedar|rego|tpl|hbs|ejs)$/i
/** Names without a folder that are files to every reader; others (`response.json`, `Node.js`) may be code. */
const PLAIN_FILE =
  /^([\w-]+\.(md|mdx|ya?ml|toml|lock|sh|rst|sql|py|go|rs|tf|proto)|[\w-]*(config|rc|package|tsconfig|lock)[\w.-]*\.(jsonc?|m?[jt]s|cjs)|Dockerfile|Makefile|LICEN[CS]E)$/

const NOT_A_PATH =
  /^(https?:|[a-z][a-z0-9+.-]*:\/\/|www\.|@[\w-]+\/|\/|~|\$|-|#|\.{3})|[<>{}*?|"'`,;=()[\]!\\^%…]|\s|:\d*$/
const MEDIA_TYPE = /^(application|audio|font|image|message|model|multipart|text|video)\/[\w.+-]+$/

function pathName(scope: DocumentScope, inline: Inline): Found | undefined {
  const path = inline.value.replace(/[:#]L?\d+(-L?\d+)?$/, '').replace(/[.,:]$/, '')
  if (path.length < 3 || path.length > 300 || NOT_A_PATH.test(path) || MEDIA_TYPE.test(path)) return undefined
  const facts = pathFactsOf(scope.bundle)
  const bases = ['', scope.directory, scope.package?.directory ?? '']
  const isNamed = path.includes('/') || path.includes('.') || /^[A-Z]/.test(path)
  const isKnown = isNamed && bases.some((base) => facts.typeOf(`${base}/${path}`) !== undefined)
  const [front = ''] = path.replace(/^\.\//, '').split('/')
  const isInside = path.includes('/') && bases.some((base) => facts.typeOf(`${base}/${front}`) === 'folder')
  const looksLikeFile = path.includes('/')
    ? EXTENSION.test(path) || /^\.\.?\//.test(path) || path.endsWith('/')
    : PLAIN_FILE.test(path)
  return isKnown || isInside || looksLikeFile ? { kind: 'path', subject: path, start: inline.start } : undefined
}
