import type { Bundle } from '../bundle/bundle.ts'
import { linesOf } from '../bundle/bundle.ts'
import { loosely } from '../facts/code-words.ts'
import { onlyNearest } from '../facts/nearest.ts'
import { directoryOf, normalise, pathFactsOf } from '../facts/paths.ts'
import { placeOfLine, placeOfOffset } from '../facts/place.ts'
import { parsedDocument } from '../statements/parsed-documents.ts'
import type { Statement } from '../statements/statement.ts'
import { isMadeLater, nearbyNames, onlyCandidate, relativePath, resolvePath } from './resolve-path.ts'
import { contradicted, holds, line, undecided, type Verdict } from './verdict.ts'

/** Checks a link or an image address. Outside addresses are never fetched. */
export function checkLink(bundle: Bundle, statement: Statement): Verdict {
  if (statement.context.about === 'outside')
    return undecided(statement, 'needs network', 'The address leads outside the folder.')
  const { path, fragment } = partsOf(statement.subject)
  if (path === undefined) return undecided(statement, 'ambiguous', 'The address holds a placeholder.')
  const target = path === '' ? statement.file : targetOf(bundle, statement, path)
  if (typeof target !== 'string') return target
  if (fragment === undefined)
    return holds(statement, `The folder has ${target === '' ? 'itself' : target}.`, [
      { type: 'name', path: target, isThere: true },
    ])
  return checkAnchor(bundle, statement, { target, fragment })
}

interface Address {
  readonly path: string | undefined
  readonly fragment: string | undefined
}

function partsOf(address: string): Address {
  const hash = address.indexOf('#')
  const path = decode((hash < 0 ? address : address.slice(0, hash)).replace(/\?.*$/, ''))
  const fragment = hash < 0 ? undefined : decode(address.slice(hash + 1))
  const isPlaceholder = /[{}<>$*]|^\.{3}|^(url|link|todo|tbd)$/i.test(path ?? '{')
  return { path: isPlaceholder ? undefined : path, fragment }
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

const ROUTE_ENDINGS = ['.md', '.mdx', '.rst', '.html', '/index.md', '/index.mdx', '/README.md', '/index.html']

/** The file a link leads to, or the verdict that it leads nowhere or cannot be told. */
function targetOf(bundle: Bundle, statement: Statement, path: string): string | Verdict {
  const facts = pathFactsOf(bundle)
  const isAbsolute = path.startsWith('/')
  const bases = isAbsolute ? [''] : [directoryOf(statement.file)]
  const resolution = resolvePath(bundle, path, bases)
  if (resolution.type === 'found') return resolution.path
  if (resolution.type === 'outside')
    return undecided(statement, 'not a statement about this folder', 'The link leaves the folder.')
  if (resolution.type === 'closed')
    return undecided(statement, 'ambiguous', `${resolution.path} lies in a folder that was not read.`)
  const stem = resolution.path.replace(/\.html?$/, '')
  const route = ROUTE_ENDINGS.map((ending) => `${stem}${ending}`).find(
    (candidate) => facts.typeOf(candidate) === 'file',
  )
  if (route !== undefined) return route
  const hasParent =
    path.endsWith('.md') &&
    directoryOf(resolution.path) !== '' &&
    facts.typeOf(directoryOf(resolution.path)) === 'folder'
  if (isAbsolute && !hasParent) return undecided(statement, 'ambiguous', 'The link starts at the top of a web site.')
  return missingTarget(bundle, statement, { path, resolved: resolution.path })
}

const KNOWN_NAME =
  /(^|\/)(licen[cs]e|contributing|changelog|readme|security|notice|authors|code_of_conduct|governance|makefile|dockerfile)(\.\w+)?$/i
const SITE_SETTINGS =
  /(^|\/)(docusaurus\.config\.[cm]?[jt]s|mkdocs\.ya?ml|_config\.ya?ml|\.vitepress\/.*|\.vuepress\/.*|astro\.config\.[cm]?[jt]s|book\.toml|conf\.py|_sidebar\.md|sidebars?\.[jt]s|typedoc\.json|antora\.yml|hugo\.toml|gatsby-config\.[jt]s)$/i

function missingTarget(
  bundle: Bundle,
  statement: Statement,
  missing: { readonly path: string; readonly resolved: string },
): Verdict {
  const { path, resolved } = missing
  if (isMadeLater(bundle, resolved)) return undecided(statement, 'ambiguous', `${resolved} is made later.`)
  const definition = linesOf(bundle, statement.file).findIndex((text) => text.startsWith(`[${path}]:`))
  if (definition >= 0)
    return contradicted(statement, {
      reason: `The folder has no ${resolved}; ${path} is a reference.`,
      evidence: [
        { type: 'name', path: resolved, isThere: false },
        line(placeOfLine(bundle, statement.file, definition + 1)),
      ],
      suggestion: `Write the reference in square brackets: [${path}].`,
    })
  const hasEnding = /\.[A-Za-z0-9]{1,5}$/.test(path) || KNOWN_NAME.test(path)
  const isSite = bundle.list().some((file) => SITE_SETTINGS.test(file.path))
  const isRoute = !hasEnding && (isSite || !(path.startsWith('.') || path.endsWith('/') || path.includes('/')))
  if (isRoute || (isSite && !/\.\w+$/.test(path)))
    return undecided(statement, 'ambiguous', `${path} may be a route of a web site.`)
  if (isSite && /\.html?$/.test(path))
    return undecided(statement, 'ambiguous', `${path} may be a page of the built web site.`)
  const candidate = onlyCandidate(bundle, resolved)
  const replacement = candidate === undefined ? undefined : addressOf(statement, candidate)
  return contradicted(statement, {
    reason: `The folder has no ${resolved}.`,
    evidence: [
      { type: 'name', path: resolved, isThere: false, nearby: nearbyNames(bundle, resolved) },
      ...(candidate === undefined || pathFactsOf(bundle).typeOf(candidate) !== 'file'
        ? []
        : [{ type: 'name' as const, path: candidate, isThere: true }]),
    ],
    replacement,
    suggestion: 'Point the link at a file that exists, or remove it.',
  })
}

function addressOf(statement: Statement, candidate: string): string {
  const hash = statement.subject.indexOf('#')
  const path = relativePath(directoryOf(statement.file), candidate)
  const isDotted = statement.subject.startsWith('./') && !path.startsWith('.')
  return `${isDotted ? './' : ''}${path.replaceAll(' ', '%20')}${hash < 0 ? '' : statement.subject.slice(hash)}`
}

interface Target {
  readonly target: string
  readonly fragment: string
}

function checkAnchor(bundle: Bundle, statement: Statement, { target, fragment }: Target): Verdict {
  if (fragment === '' || fragment === 'top')
    return holds(statement, `The folder has ${target}.`, [{ type: 'name', path: target, isThere: true }])
  const lines = /^L(\d+)(?:C\d+)?(?:-L?(\d+)(?:C\d+)?)?$/.exec(fragment)
  if (lines !== null && bundle.read(target) !== undefined)
    return checkLineAnchor(bundle, statement, { target, last: Number(lines[2] ?? lines[1]) })
  const document = parsedDocument(bundle, documentBehind(bundle, target))
  if (
    document.text === '' ||
    !/\.(md|markdown|mdx)$|(^|\/)[^.]+$/i.test(documentBehind(bundle, target)) ||
    /^[/:!]/.test(fragment)
  ) {
    return undecided(statement, 'ambiguous', `The anchors of ${target} cannot be told from its text.`)
  }
  const wanted = fragment.replace(/^user-content-/, '')
  const file = documentBehind(bundle, target)
  const found = document.anchors.find((anchor) => anchor.slug === wanted)
  if (found !== undefined)
    return holds(statement, `${file} has the anchor.`, [line(placeOfOffset(bundle, file, found.start))])
  if (
    /^[a-z][A-Za-z]+-[\w-]+$/.test(wanted) &&
    document.text.includes('ALL-CONTRIBUTORS-LIST') &&
    file === statement.file
  ) {
    return undecided(statement, 'ambiguous', 'The list of contributors uses such anchors as marks.')
  }
  const similar = document.anchors.find(
    (anchor) => isOtherSpelling(anchor.slug, wanted) || isOtherSpelling(anchor.slug, wanted.replace(/-\d+$/, '')),
  )
  if (similar !== undefined)
    return undecided(
      statement,
      'ambiguous',
      `${file} has the heading #${similar.slug}, which other web sites spell as #${wanted}.`,
    )
  return missingAnchor(bundle, statement, { file, wanted })
}

/**
 * Whether another renderer may give the heading this anchor: GitLab collapses hyphens, VitePress puts one for every sign. None
 * drops a hyphen between two words.
 */
function isOtherSpelling(slug: string, wanted: string): boolean {
  if (loosely(slug) !== loosely(wanted)) return false
  const ends = boundaries(wanted)
  return [...boundaries(slug)].every((end) => ends.has(end))
}

/** After how many letters and digits a word of the slug ends. */
function boundaries(slug: string): ReadonlySet<number> {
  const ends = new Set<number>()
  let length = 0
  for (const word of slug.toLowerCase().split(/[^a-z0-9]+/)) {
    length += word.length
    ends.add(length)
  }
  return ends
}

/** A link to a folder shows its README. */
function documentBehind(bundle: Bundle, target: string): string {
  if (pathFactsOf(bundle).typeOf(target) !== 'folder') return target
  const readme = pathFactsOf(bundle)
    .namesIn(target)
    .find((name) => /^readme\.md$/i.test(name))
  return readme === undefined ? target : normalise(`${target}/${readme}`)
}

function missingAnchor(
  bundle: Bundle,
  statement: Statement,
  missing: { readonly file: string; readonly wanted: string },
): Verdict {
  const { file, wanted } = missing
  const { anchors } = parsedDocument(bundle, file)
  const nearest = onlyNearest(wanted, [...new Set(anchors.map((anchor) => anchor.slug))])
  const place = anchors.find((anchor) => anchor.slug === nearest) ?? anchors[0]
  const hash = statement.subject.indexOf('#')
  return contradicted(statement, {
    reason: `${file} has no heading or anchor #${wanted}.`,
    evidence: [{ type: 'absent-anchor', file, anchor: wanted }, line(placeOfOffset(bundle, file, place?.start ?? 0))],
    replacement: nearest === undefined ? undefined : `${statement.subject.slice(0, hash + 1)}${nearest}`,
    suggestion: `Point the link at one of the ${anchors.length} anchors of ${file}.`,
  })
}

function checkLineAnchor(
  bundle: Bundle,
  statement: Statement,
  wanted: { readonly target: string; readonly last: number },
): Verdict {
  const { target, last } = wanted
  const count = linesOf(bundle, target).length
  if (last <= count) return holds(statement, `${target} has ${count} lines.`, [line(placeOfLine(bundle, target, last))])
  return contradicted(statement, {
    reason: `${target} has ${count} lines, not ${last}.`,
    evidence: [line(placeOfLine(bundle, target, count))],
    suggestion: 'Point the link at a line that exists.',
  })
}
