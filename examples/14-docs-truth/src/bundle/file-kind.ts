import type { FileKind } from './bundle.ts'

const DOCUMENT_EXTENSION = /\.(md|markdown|mdown|mdx|rst)$/i
const TEXT_DOCUMENT = /^(readme|install|contributing|usage|hacking|getting[-_]started|quick[-_]?start)[^/]*$/i
const RECORD =
  /^(change-?log|changes|history|news|release[-_ ]?notes?|releases?|migrat(ion|ing)|upgrad(e|ing)|authors|contributors|sponsors|code[-_]of[-_]conduct)\b/i
const RECORD_FOLDER =
  /(^|\/)(changelogs?|release-notes|releases|decisions|adrs?|rfcs?|proposals|blog|_posts|archive|\.changeset)\//i
const TEST_FOLDER =
  /(^|\/)(tests?|__tests__|specs?_fixtures|fixtures?|__fixtures__|testdata|snapshots|__snapshots__)\//i
const TEMPLATE = /(^|\/)(\.github\/|templates?\/)/i
const MANIFEST =
  /^(package\.json|pyproject\.toml|setup\.cfg|cargo\.toml|go\.mod|composer\.json|gemfile|pom\.xml|makefile|gnumakefile|justfile|dockerfile|\.nvmrc|\.node-version|\.python-version|\.tool-versions|licen[cs]e(\.(md|txt))?|copying)$/i
const DATA =
  /\.(lock|map|min\.js|min\.css|svg|csv|tsv|snap|log)$|(^|\/)(package-lock|npm-shrinkwrap)\.json$|(^|\/)pnpm-lock\.yaml$/i

const DOCUMENT_FOLDER = /(^|\/)docs?\//i

/** What a file is, by its path alone. */
export function fileKind(path: string): FileKind {
  const name = path.slice(path.lastIndexOf('/') + 1)
  if (MANIFEST.test(name)) return 'manifest'
  if (isProse(path, name)) return isRecord(path, name) ? 'record' : 'document'
  return DATA.test(path) ? 'data' : 'source'
}

function isProse(path: string, name: string): boolean {
  if (DOCUMENT_EXTENSION.test(name)) return true
  const isText = /\.txt$/i.test(name) || !name.includes('.')
  return isText && (TEXT_DOCUMENT.test(name) || (DOCUMENT_FOLDER.test(path) && /\.txt$/i.test(name)))
}

const isRecord = (path: string, name: string): boolean =>
  RECORD.test(name) || RECORD_FOLDER.test(path) || TEST_FOLDER.test(path) || TEMPLATE.test(path)

/** Order in which files are taken when a folder is over its limits: documents first, then what proves the most. */
export const KIND_ORDER: Readonly<Record<FileKind, number>> = {
  document: 0,
  manifest: 1,
  source: 2,
  record: 3,
  data: 4,
}
