import { type Bundle, lineAt } from '../bundle/bundle.ts'
import { quoteAround } from '../facts/place.ts'
import { refusal } from '../refusal.ts'
import type { ParsedDocument } from './block.ts'
import { createDocumentScope, type DocumentScope } from './document-scope.ts'
import { documentsOf, parsedDocument } from './parsed-documents.ts'
import { findCode } from './find-code.ts'
import { findLinks } from './find-links.ts'
import { findNames } from './find-names.ts'
import { findNumbers } from './find-numbers.ts'
import { findShell } from './find-shell.ts'
import type { Finding, Statement } from './statement.ts'

export interface Extraction {
  /** By document (those nearest the top first), then by place. */
  readonly statements: readonly Statement[]
  /** Checkable statements beyond `maxStatements`. */
  readonly leftOut: number
  readonly documents: readonly string[]
}

const FINDERS: readonly ((scope: DocumentScope) => readonly Finding[])[] = [
  findLinks,
  findShell,
  findCode,
  findNames,
  findNumbers,
]

/**
 * Every checkable statement of the bundle's documents, in stable order with stable keys. Records of the past (changelogs,
 * decisions) and test material are not read. `maxStatements` is 1 to 10 000 (2 000); else it raises `input-invalid`.
 */
export function extractStatements(bundle: Bundle, options: { readonly maxStatements?: number } = {}): Extraction {
  const { maxStatements = 2_000 } = options
  if (!Number.isInteger(maxStatements) || maxStatements < 1 || maxStatements > 10_000) {
    throw refusal('input-invalid', `maxStatements is ${maxStatements}, not a whole number from 1 to 10000.`)
  }
  const documents = documentsOf(bundle).map((file) => file.path)
  const all = documents.flatMap((file) => statementsOf(bundle, file))
  return { statements: all.slice(0, maxStatements), leftOut: Math.max(all.length - maxStatements, 0), documents }
}

function statementsOf(bundle: Bundle, file: string): readonly Statement[] {
  const document = parsedDocument(bundle, file)
  const scope = createDocumentScope(bundle, file, document)
  const findings = FINDERS.flatMap((find) => find(scope)).toSorted(
    (left, right) => left.start - right.start || left.end - right.end,
  )
  const keys = new Set<string>()
  return findings.flatMap((finding) => {
    const statement = placed(file, document, finding)
    if (keys.has(statement.key)) return []
    keys.add(statement.key)
    return [statement]
  })
}

function placed(file: string, document: ParsedDocument, finding: Finding): Statement {
  const { kind, subject, start, end, sentence, context = {} } = finding
  const line = lineAt(document.text, start)
  const column = start - document.text.lastIndexOf('\n', start - 1)
  const key = `${kind}:${file}:${line}:${column}`
  return { key, kind, file, line, quote: quoteAround(document.text, start), subject, start, end, sentence, context }
}
