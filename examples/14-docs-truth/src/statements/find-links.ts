import type { DocumentScope } from './document-scope.ts'
import type { Finding } from './statement.ts'

/** Addresses that lead to no file and no site; those of this machine are statements about a port. */
const NOT_A_PLACE = /^(data|javascript|tel):|^https?:\/\/(localhost|127\.0\.0\.1|0\.0\.0\.0)\b/i

/** Links, images and anchors: one statement each. Outside links too, so that the report can say that they were not tried. */
export function findLinks(scope: DocumentScope): readonly Finding[] {
  return scope.document.blocks.flatMap((block) =>
    block.inlines.flatMap((inline): Finding[] => {
      if (inline.type === 'code' || inline.value.trim() === '' || NOT_A_PLACE.test(inline.value)) return []
      const sentence = scope.sentenceAt(block, inline.start)
      const span = { start: inline.start, end: inline.end, sentence }
      if (/^[a-z][a-z0-9+.-]*:|^\/\//i.test(inline.value)) {
        return [{ kind: 'link', subject: inline.value, ...span, context: { about: 'outside' } }]
      }
      return [
        {
          kind: inline.value.includes('#') ? 'anchor' : 'link',
          subject: inline.value,
          ...span,
          context: { section: block.section },
        },
      ]
    }),
  )
}
