import type { ProblemDefinition } from '@soma/kernel'

/** The page at `/problems/<code>`, which the `type` of every problem document names. */
export function problemPage(definition: ProblemDefinition): string {
  const { code, status, title, remedy, retryable } = definition
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>${code}</title><h1>${escapeHtml(title)}</h1>
<p><code>${code}</code>, status ${status}, ${retryable ? 'the same request may succeed later' : 'the same request will fail again'}.</p>
<p>${escapeHtml(remedy)}</p></html>`
}

const escapeHtml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
