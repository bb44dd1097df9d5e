import type { Block } from './block.ts'
import type { DocumentScope } from './document-scope.ts'
import type { Finding, StatementContext } from './statement.ts'

/** A paragraph beyond this many characters is no prose; the patterns would cost quadratic time on what it is. */
const MAX_BLOCK = 20_000

/** Numbers and names in prose: versions, engines, licences, ports, and the claim that a list is complete. */
export function findNumbers(scope: DocumentScope): readonly Finding[] {
  return scope.document.blocks.flatMap((block) => {
    if (block.end - block.start > MAX_BLOCK) return []
    if (block.type === 'code') return findAddresses(scope, block)
    return [
      ...findEngines(scope, block),
      ...findVersions(scope, block),
      ...findLicences(scope, block),
      ...findPorts(scope, block),
      ...findAddresses(scope, block),
      ...findCompleteLists(scope, block),
    ]
  })
}

interface Found {
  readonly kind: Finding['kind']
  readonly subject: string
  readonly at: number
  readonly context?: StatementContext
}

function finding(scope: DocumentScope, block: Block, found: Found): Finding {
  const start = block.start + found.at
  const context = { section: block.section, ...found.context }
  return {
    kind: found.kind,
    subject: found.subject,
    start,
    end: start + found.subject.length,
    sentence: scope.sentenceAt(block, start),
    context,
  }
}

const VERSION = String.raw`v?(\d+(?:\.(?:\d+|x))*)`
const LEAST_BEFORE = String.raw`(?:>=|≥|&gt;=|at least|minimum(?: version)?(?: of| is|:)?|from|version|v)?`
const ENGINE = new RegExp(
  String.raw`\b(Node(?:\.?js)?|npm|pnpm|Yarn|Python|Go|Rust)\b[\s*_${'`'}:|(\]]*?(?:\([^)]*\))?[\s*_${'`'}:|]*(${LEAST_BEFORE})[\s*_${'`'}]*${VERSION}(?![\w.]*\d|\.?\w*@|%)[\s*_${'`'}]*(\+|or (?:later|newer|higher|above|greater)|and (?:later|newer|higher|above|up)|\(or (?:later|newer|higher)\)|LTS)?`,
  'gi',
)

function findEngines(scope: DocumentScope, block: Block): readonly Finding[] {
  return [...scope.rawOf(block).matchAll(ENGINE)].flatMap((match): Finding[] => {
    const [all, tool = '', before = '', version = '', after = ''] = match
    const isLeast = /≥|>=|&gt;|least|minimum/i.test(before) || /\+|later|newer|higher|above|greater|up/i.test(after)
    if (/^(go|rust)$/i.test(tool) && !/^(Go|Rust)$/.test(tool)) return []
    const at = match.index + all.indexOf(version, all.toLowerCase().indexOf(tool.toLowerCase()) + tool.length)
    const about = /^node/i.test(tool) ? 'node' : tool.toLowerCase()
    return [
      finding(scope, block, {
        kind: 'engine',
        subject: version,
        at,
        context: { about, bound: isLeast ? 'least' : 'mention' },
      }),
    ]
  })
}

const OWN_VERSION = new RegExp(
  String.raw`\b(?:current|latest|this|present)\s+(?:stable\s+|released?\s+)?version(?:\s+(?:is|of [\w@/.-]+ is))?\s*:?[\s*_${'`'}]*${VERSION}`,
  'gi',
)

function findVersions(scope: DocumentScope, block: Block): readonly Finding[] {
  const raw = scope.rawOf(block)
  const own = [...raw.matchAll(OWN_VERSION)].map((match) =>
    finding(scope, block, {
      kind: 'version',
      subject: match[1] ?? '',
      at: match.index + match[0].lastIndexOf(match[1] ?? ''),
      context: { about: scope.package?.name ?? '' },
    }),
  )
  return [...own, ...findDependencyVersions(scope, block, raw)]
}

/** `fastify 5.1`, `fastify@5.1.0`, `fastify` (5.1), and a table row with the name in one cell and the version in another. */
function findDependencyVersions(scope: DocumentScope, block: Block, raw: string): readonly Finding[] {
  const dependencies = scope.package?.dependencies ?? new Map<string, string>()
  const found: Finding[] = []
  for (const match of raw.matchAll(
    /(?<![\w.@/-])((?:@[\w.-]+\/)?[A-Za-z][\w.-]*)[`*_\s@|(]{1,4}v?(\d+(?:\.(?:\d+|x))*)(?![\w-])/g,
  )) {
    const name = [...dependencies.keys()].find((key) => key === match[1] || key === match[1]?.toLowerCase())
    const version = match[2] ?? ''
    if (
      name === undefined ||
      name === scope.package?.name ||
      (!version.includes('.') &&
        block.cell === undefined &&
        !/\b(use[sd]?|using|built (on|with)|based on|powered by|runs on)\b/i.test(raw))
    )
      continue
    found.push(
      finding(scope, block, {
        kind: 'version',
        subject: version,
        at: match.index + match[0].lastIndexOf(version),
        context: { about: name },
      }),
    )
  }
  return block.cell === undefined ? found : [...found, ...findVersionCell(scope, block, raw)]
}

function findVersionCell(scope: DocumentScope, block: Block, raw: string): readonly Finding[] {
  const match = /^[\s`*]*[\^~]?v?(\d+(?:\.\d+){0,2})[\s`*]*$/.exec(raw)
  const version = match?.[1]
  if (version === undefined || !/\bversion\b|\bpinned\b/i.test(block.cell?.header ?? '')) return []
  const names = [...(scope.package?.dependencies.keys() ?? [])]
  const first = /^\|?[\s`*]*([@\w./-]+)[\s`*]*\|/.exec(block.cell?.rowText ?? '')?.[1]
  const name = names.find((key) => key === first || key === first?.toLowerCase())
  return name === undefined
    ? []
    : [
        finding(scope, block, {
          kind: 'version',
          subject: version,
          at: raw.indexOf(version),
          context: { about: name, column: block.cell?.header ?? '' },
        }),
      ]
}

const LICENCES = String.raw`MIT|ISC|Apache(?:[- ]?(?:License[, ]*)?(?:Version )?2(?:\.0)?)?|BSD[- ][023][- ]Clause|(?:[AL])?GPL(?:[- ]?v?[23](?:\.[01])?(?:-only|-or-later)?)?|MPL[- ]2\.0|Unlicense|CC0(?:-1\.0)?|0BSD|BlueOak-1\.0\.0`
const LICENCE_SENTENCE = new RegExp(
  String.raw`\b(?:[Ll]icen[sc]ed under(?: the)?(?: terms of the)?|[Rr]eleased under(?: the)?|[Dd]istributed under(?: the)?|[Pp]ublished under(?: the)?|under the|[Ll]icen[sc]e:?(?: is)?)[\s*_${'`'}:[]*(${LICENCES})\b|\b(${LICENCES})[\s\]*_${'`'}]*(?:-[Ll]icensed|[Ll]icensed|[Ll]icen[sc]e\b)`,
  'g',
)
const LICENCE_ALONE = new RegExp(String.raw`^[\s[*_${'`'}]*(${LICENCES})\b`)

function findLicences(scope: DocumentScope, block: Block): readonly Finding[] {
  if (block.type === 'heading') return []
  const raw = scope.rawOf(block)
  const isLicenceSection = /^licen[sc]e$/i.test(block.section.at(-1) ?? '')
  const isFirst =
    scope.document.blocks.find((other) => other.type !== 'heading' && other.section === block.section) === block
  if (isLicenceSection && !isFirst) return []
  const alone = isLicenceSection ? LICENCE_ALONE.exec(raw) : null
  const matches = alone === null ? [...raw.matchAll(LICENCE_SENTENCE)] : [alone]
  return matches.slice(0, 1).map((match) => {
    const licence = match[1] ?? match[2] ?? ''
    const context = isLicenceSection ? { about: 'section' } : {}
    return finding(scope, block, {
      kind: 'licence',
      subject: licence,
      at: match.index + match[0].indexOf(licence),
      context,
    })
  })
}

function findPorts(scope: DocumentScope, block: Block): readonly Finding[] {
  return [
    ...scope
      .rawOf(block)
      .matchAll(/\bports?\b[\s*_`:=(]*(?:is |number |defaults? to )?[\s*_`]*(\d{2,5})\b(?![%:]|\.\d)/gi),
  ].map((match) =>
    finding(scope, block, {
      kind: 'port',
      subject: match[1] ?? '',
      at: match.index + match[0].lastIndexOf(match[1] ?? ''),
      context: { bound: 'mention' },
    }),
  )
}

const ADDRESS = /\b(?:localhost|127\.0\.0\.1|0\.0\.0\.0):(\d{2,5})\b/g

/** `localhost:4000` in prose, or in a command of a block. */
function findAddresses(scope: DocumentScope, block: Block): readonly Finding[] {
  const texts =
    block.type === 'code'
      ? scope.commands
          .filter((command) => command.block === block && /^[\w./-]+$/.test(command.words[0]?.text ?? ''))
          .flatMap((command) => command.words.slice(1))
      : [{ text: scope.rawOf(block), start: block.start }]
  const bound = block.type === 'code' ? 'least' : 'mention'
  return texts.flatMap(({ text, start }) =>
    [...text.matchAll(ADDRESS)].map((match) => {
      const port = match[1] ?? ''
      const at = start - block.start + match.index + match[0].length - port.length
      return finding(scope, block, { kind: 'port', subject: port, at, context: { about: 'address', bound } })
    }),
  )
}

const COMPLETE_LIST =
  /\b(?:all|every|the complete list of|the full list of)(?: the| of the| supported| available)* environment variables?\b[^.!?\n]*?\b(?:are|is) (?:listed|documented|described|shown|named)\b/gi

function findCompleteLists(scope: DocumentScope, block: Block): readonly Finding[] {
  if (block.type !== 'prose') return []
  return [...scope.rawOf(block).matchAll(COMPLETE_LIST)].map((match) =>
    finding(scope, block, { kind: 'env', subject: match[0], at: match.index, context: { about: 'complete list' } }),
  )
}
