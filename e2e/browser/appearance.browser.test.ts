import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import axe, { type AxeResults } from 'axe-core'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { writeFileIn } from '../first-run/small-folder.ts'
import { openBrowser, openPage } from './browser.ts'
import { type PlanAtGate, type ServedRun, serveRun } from './served-run.ts'

const MARKUP = '<img src=x onerror="window.hacked=1">'
/** A folder whose name, file names and sentences are markup. */
function writeHostileFolder(folder: string): void {
  writeFileIn(
    folder,
    'README.md',
    `# ${MARKUP}\n\nStart it with \`npm run gone\`. <script>window.hacked=1</script>${MARKUP}\n`,
  )
  writeFileIn(folder, 'package.json', '{"name":"hostile","scripts":{"start":"node ."}}\n')
  writeFileSync(join(folder, '<img src=x onerror=window.hacked=1>.md'), 'Start it with `npm run lost`.\n')
}

let run: ServedRun
let open: PlanAtGate
let hostile: PlanAtGate
let browser: Browser

beforeAll(async () => {
  browser = await openBrowser()
  run = await serveRun()
  open = await run.first()
  hostile = await run.plan('<img src=x onerror=window.hacked=1>', writeHostileFolder)
  const params = { gateId: (await run.plan('decided')).gateId as never }
  const { gates } = run.current.clients.governance
  const { payloadHash } = await gates.get({ params })
  await gates.decide({ params, body: { decision: 'approve', payloadHash, reason: 'read it' } })
})
afterAll(async () => {
  await browser?.close()
  await run?.dispose()
})

interface State {
  readonly name: string
  readonly path: () => string
  readonly ready: string
  readonly arrange?: (page: Page) => Promise<void>
}
const STATES: readonly State[] = [
  {
    name: 'the open gate with all evidence',
    path: () => `/?plan=${open.planId}`,
    ready: '#gate.open',
    arrange: async (page) => {
      for (const summary of await page.locator('#evidence summary').all()) await summary.click()
      await page.locator('#all').check()
    },
  },
  { name: 'hostile names and sentences', path: () => `/?plan=${hostile.planId}`, ready: '#gate.open' },
  { name: 'a decided plan', path: () => '/', ready: '#outcome:not([hidden])' },
  { name: 'a plan that is not there', path: () => '/?plan=plan_00000000000000000000000000', ready: '#trouble.trouble' },
]
const ofStates = STATES.flatMap((state) =>
  (['light', 'dark'] as const).map((colorScheme) => ({ ...state, colorScheme })),
)

async function show(state: State, options: Parameters<typeof openPage>[2]): Promise<Page> {
  const { page } = await openPage(browser, new URL(state.path(), run.current.url).href, options)
  await page.locator(state.ready).waitFor()
  await state.arrange?.(page)
  return page
}

test.each(ofStates)('axe finds no violation in $name, $colorScheme', async ({ colorScheme, ...state }) => {
  const page = await show(state, { colorScheme })
  await page.evaluate(axe.source)
  const { violations } = (await page.evaluate('axe.run()')) as AxeResults
  expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`)).toEqual([])
})

test.each(STATES)('$name fits into 360 pixels without scrolling sideways', async (state) => {
  const page = await show(state, { viewport: { width: 360, height: 740 } })
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360)
})

test('markup in the names of folders and documents and in quoted sentences is shown as text', async () => {
  const page = await show(STATES[1] as State, {})
  await page.locator('#evidence summary').first().click()
  const shown = await page.locator('#content').innerText()
  expect(shown).toContain('<script>window.hacked=1</script>')
  expect(shown).toContain(MARKUP)
  expect(await page.locator('#title').innerText()).toContain('<img src=x onerror=window.hacked=1>')
  expect(await page.locator('img, main script').count()).toBe(0)
  expect(await page.evaluate('window.hacked')).toBeUndefined()
})

test('the policy of the page refuses markup from text, inline scripts and styles, and calls to other servers', async () => {
  const { page } = await openPage(browser, run.current.url)
  const policy = (await fetch(run.current.url)).headers.get('content-security-policy') ?? ''
  expect(policy).not.toContain('unsafe')
  const refused = await page.evaluate(async () => {
    const violations: string[] = []
    document.addEventListener('securitypolicyviolation', ({ effectiveDirective }) =>
      violations.push(effectiveDirective),
    )
    const attempt = (work: () => void) => {
      try {
        work()
      } catch (error) {
        violations.push((error as Error).name)
      }
    }
    attempt(() => (document.body.innerHTML = '<p>gone</p>'))
    attempt(() => document.body.setAttribute('style', 'color: red'))
    attempt(() => document.body.append(Object.assign(document.createElement('script'), { text: 'window.hacked=1' })))
    await fetch('http://127.0.0.2:9/').catch(() => undefined)
    await new Promise((resolve) => setTimeout(resolve))
    return violations
  })
  expect(refused).toEqual(
    expect.arrayContaining(['TypeError', 'require-trusted-types-for', 'style-src-attr', 'connect-src']),
  )
  expect(await page.evaluate('window.hacked')).toBeUndefined()
})
