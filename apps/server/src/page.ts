import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { FastifyInstance } from 'fastify'

/** The plain page at `/`: plan, tasks, timeline and gate. One static file over the public API; it may load and call nothing but this server. */
export async function servePage(app: FastifyInstance): Promise<void> {
  const html = await readFile(new URL('../page/index.html', import.meta.url), 'utf8')
  const script = /<script type="module">([\s\S]*?)<\/script>/.exec(html)?.[1] ?? ''
  const digest = createHash('sha256').update(script).digest('base64')
  const policy = `default-src 'none'; connect-src 'self'; script-src 'sha256-${digest}'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`
  app.get('/', (_request, reply) =>
    reply
      .type('text/html; charset=utf-8')
      .header('content-security-policy', policy)
      .header('x-content-type-options', 'nosniff')
      .header('referrer-policy', 'no-referrer')
      .send(html),
  )
}
