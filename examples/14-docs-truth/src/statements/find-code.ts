import type { Block } from './block.ts'
import type { DocumentScope } from './document-scope.ts'
import type { Finding } from './statement.ts'

const SCRIPT_LANGUAGE = /^(m?[jt]sx?|c[jt]s|javascript|typescript|node)$/
const ENVIRONMENT_LANGUAGE = /^(env|dotenv|properties)$/

/** Blocks of code that are not commands: imports of the folder's own packages, and variables of `.env` samples. */
export function findCode(scope: DocumentScope): readonly Finding[] {
  return scope.document.blocks.flatMap((block) => {
    if (block.type !== 'code') return []
    if (SCRIPT_LANGUAGE.test(block.language ?? '')) return findImports(scope, block)
    return ENVIRONMENT_LANGUAGE.test(block.language ?? '') ? findVariables(scope, block) : []
  })
}

const IMPORT = /(?:\bfrom\s*|\brequire\(\s*|\bimport\(\s*|\bimport\s+)(['"])((?:@[\w.-]+\/)?[\w.-]+(?:\/[\w./-]+)?)\1/g

function findImports(scope: DocumentScope, block: Block): readonly Finding[] {
  return [...scope.rawOf(block).matchAll(IMPORT)].flatMap((match): Finding[] => {
    const specifier = match[2] ?? ''
    if (!scope.packageNames.some((name) => specifier === name || specifier.startsWith(`${name}/`))) return []
    const start = block.start + match.index + match[0].lastIndexOf(specifier)
    const context = { section: block.section, about: 'import' }
    return [{ kind: 'package', subject: specifier, start, end: start + specifier.length, sentence: match[0], context }]
  })
}

function findVariables(scope: DocumentScope, block: Block): readonly Finding[] {
  const names = [...scope.rawOf(block).matchAll(/^[ \t]*(?:export )?([A-Z][A-Z0-9_]{2,})=.*$/gm)]
  return names.map((match) => {
    const name = match[1] ?? ''
    const start = block.start + match.index + match[0].indexOf(name)
    const siblings = names.flatMap((other) => (other === match ? [] : (other[1] ?? [])))
    return {
      kind: 'env',
      subject: name,
      start,
      end: start + name.length,
      sentence: match[0].trim(),
      context: { column: '', siblings },
    }
  })
}
