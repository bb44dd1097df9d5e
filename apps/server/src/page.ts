import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { FastifyInstance } from 'fastify'

/** The plain page at `/`: plan, tasks, timeline and gate. One static file over the public API; it may load and call nothing but this server, and nothing that it shows can become markup or script. */
export async function servePage(app: FastifyInstance): Promise<void> {
  const html = await readFile(new URL('../page/index.html', import.meta.url), 'utf8')
  const policy = policyOf(html)
  app.get('/', (_request, reply) =>
    reply
      .type('text/html; charset=utf-8')
      .header('content-security-policy', policy)
      .header('x-content-type-options', 'nosniff')
      .header('referrer-policy', 'no-referrer')
      .header('cache-control', 'no-cache')
      .send(html),
  )
}

/** Style and script are allowed by their digests alone. Trusted types without a policy: the browser refuses every way to turn text into markup. */
function policyOf(html: string): string {
  const style = digestOf(/<style>([\s\S]*?)<\/style>/.exec(html)?.[1] ?? '')
  const script = digestOf(/<script type="module">([\s\S]*?)<\/script>/.exec(html)?.[1] ?? '')
  return [
    "default-src 'none'",
    "connect-src 'self'",
    'img-src data:',
    `script-src ${script}`,
    `style-src ${style}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; ')
}

const digestOf = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`
