import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { focused, openBrowser, openPage, tabTo } from './browser.ts'
import { type PlanAtGate, type ServedRun, serveRun } from './served-run.ts'

let run: ServedRun
let first: PlanAtGate
let browser: Browser

beforeAll(async () => {
  browser = await openBrowser()
  run = await serveRun()
  first = await run.first()
})
afterAll(async () => {
  await browser?.close()
  await run?.dispose()
})

const gateShown = (page: Page) => page.locator('#gate.open').waitFor()
const ended = (page: Page, title: string) => page.locator('#outcome-title', { hasText: title }).waitFor()
const text = async (page: Page, selector: string) => (await page.locator(selector).innerText()).trim()
const digestOf = (name: string) =>
  createHash('sha256')
    .update(readFileSync(join(first.folder, 'soma-report', name)))
    .digest('hex')

test('A, a reason and Enter approve: the files are there, and who decided, when, why and what was written is shown', async () => {
  const { page, errors } = await openPage(browser, run.current.url)
  await gateShown(page)
  expect(await text(page, '#evidence summary >> nth=0')).toBe('report.md: 25 of 125 statements are false')
  expect(await text(page, '#facts')).toContain('statements: 97 true, 25 false, 3 unchecked')
  expect(await text(page, '#tasks')).toContain('40 true · 7 false · 3 unchecked')
  await page.keyboard.press('a')
  expect((await focused(page)).what).toBe('reason')
  await page.keyboard.type('read it, and it is right')
  await page.keyboard.press('Enter')
  await ended(page, 'What was written')
  expect(first.report()).toEqual(['fixes.patch', 'report.json', 'report.md'])
  expect(await text(page, '#gate-state')).toMatch(/approved by developer at .*: “read it, and it is right”\.$/)
  expect(await text(page, '#outcome-text')).toMatch(/^wrote .*report\.md.*\. Folder: .*soma-report$/)
  const listed = await text(page, '#gate-files')
  for (const name of first.report()) expect(listed).toMatch(new RegExp(`${name} .*, approved sha256 ${digestOf(name)}`))
  expect((await focused(page)).what, 'the focus does not fall off the page').toBe('gate-title')
  expect(errors).toEqual([])
})

test('R, a reason and Enter reject: the gate is decided, and nothing is written', async () => {
  const plan = await run.plan('rejected')
  const { page } = await openPage(browser, plan.url)
  await gateShown(page)
  await page.keyboard.press('r')
  expect(await text(page, '#keys')).toContain('REJECTS')
  await page.keyboard.type('not yet')
  await page.keyboard.press('Enter')
  await page.locator('#gate-state', { hasText: 'rejected by developer' }).waitFor()
  expect(await text(page, '#gate-state')).toMatch(/: “not yet”\.$/)
  expect(await text(page, '#gate-files')).toMatch(/report\.md \(.* bytes\), not written/)
  await ended(page, 'Nothing was written')
  expect(await text(page, '#outcome-text')).toContain('the gate was rejected')
  expect(plan.report()).toEqual([])
})

test('a file is left out by Tab and Space, and the others are written', async () => {
  const plan = await run.plan('two-of-three')
  const { page } = await openPage(browser, plan.url)
  await gateShown(page)
  await tabTo(page, 'write fixes.patch')
  await page.keyboard.press('Space')
  expect(await text(page, '#approve')).toBe('Approve: write 2 of 3 files')
  await page.keyboard.press('a')
  await page.keyboard.type('the patch by hand')
  await page.keyboard.press('Enter')
  await ended(page, 'What was written')
  expect(plan.report()).toEqual(['report.json', 'report.md'])
  expect(await text(page, '#gate-files')).toContain('fixes.patch: left out by the decision')
})

test('Tab goes through the page in the order of reading, and the focus is always seen', async () => {
  const plan = await run.plan('order')
  const { page } = await openPage(browser, plan.url)
  await gateShown(page)
  const order: string[] = []
  for (let presses = 0; presses < 11; presses += 1) {
    await page.keyboard.press('Tab')
    const { what, isVisible } = await focused(page)
    expect(isVisible, `the focus on "${what}" is seen`).toBe(true)
    order.push(what)
  }
  expect(order).toEqual([
    'To the plan',
    'plans',
    'report.md: 25 of 125 statements are false',
    'fixes.patch',
    'write report.md',
    'write report.json',
    'write fixes.patch',
    'reason',
    'approve',
    'reject',
    'all',
  ])
})

test('evidence opens with Enter and is scrolled with the keyboard', async () => {
  const plan = await run.plan('evidence')
  const { page } = await openPage(browser, plan.url)
  await gateShown(page)
  await tabTo(page, 'report.md: 25 of 125 statements are false')
  await page.keyboard.press('Enter')
  expect(await text(page, '#evidence pre >> nth=0')).toContain('# Are your docs true?')
  await page.keyboard.press('Tab')
  await page.keyboard.press('End')
  await page.waitForFunction(() => (document.querySelector('#evidence pre')?.scrollTop ?? 0) > 0)
})

test('a decision without a reason is not sent, and the page asks for it', async () => {
  const plan = await run.plan('no-reason')
  const { page } = await openPage(browser, plan.url)
  await gateShown(page)
  await page.keyboard.press('a')
  await page.keyboard.press('Enter')
  expect(await text(page, '#mistake')).toContain('Say why first')
  const gate = await run.current.clients.governance.gates.get({ params: { gateId: plan.gateId as never } })
  expect(gate.status).toBe('open')
})

test('who decides second sees whose decision stood, and that the own reason was not kept', async () => {
  const plan = await run.plan('race')
  const { page } = await openPage(browser, plan.url)
  await gateShown(page)
  const { gates } = run.current.clients.governance
  const params = { gateId: plan.gateId as never }
  await page.route('**/decide', async (route) => {
    const { payloadHash } = await gates.get({ params })
    await gates.decide({ params, body: { decision: 'reject', payloadHash, reason: 'I was faster' } })
    await route.continue()
  })
  await page.keyboard.press('a')
  await page.keyboard.type('looks good')
  await page.keyboard.press('Enter')
  await page.locator('#mistake', { hasText: 'The gate is decided already' }).waitFor()
  expect(await text(page, '#mistake')).toContain('Your reason was not kept: “looks good”')
  expect(await text(page, '#gate-state')).toMatch(/rejected by .*“I was faster”/)
  expect(plan.report()).toEqual([])
})

test('a payload that changed meanwhile is shown again, and the reason typed is kept', async () => {
  const plan = await run.plan('changed')
  const { gates } = run.current.clients.governance
  const opened = await gates.open({
    body: {
      kind: 'review',
      title: 'Two must agree',
      subject: { planId: plan.planId as never },
      payload: { files: [{ name: 'one.md' }, { name: 'two.md' }] },
      editSchema: {},
      requirements: [{ deciders: [], quorum: 2, humans: 0, excludeRequester: false }],
    },
  })
  const { page } = await openPage(browser, plan.url)
  await page.locator('#gate-title', { hasText: 'Two must agree' }).waitFor()
  await page.route('**/decide', async (route) => {
    const edits = { files: [{ name: 'one.md' }] }
    const body = { decision: 'approve', payloadHash: opened.payloadHash, reason: 'one is enough', edits } as const
    await gates.decide({ params: { gateId: opened.gateId }, body })
    await route.continue()
  })
  await page.keyboard.press('a')
  await page.keyboard.type('both please')
  await page.keyboard.press('Enter')
  await page.locator('#mistake', { hasText: 'The payload is not the one you saw' }).waitFor()
  await page.locator('#approve', { hasText: 'write 1 file' }).waitFor()
  expect(await page.locator('#reason').inputValue()).toBe('both please')
})

test('a gate that nobody decided in time says so', async () => {
  const plan = await run.plan('late')
  const dueAt = new Date(Date.now() + 1_500).toISOString()
  const body = {
    kind: 'review',
    title: 'Too late',
    subject: { planId: plan.planId as never },
    payload: {},
    dueAt,
  } as const
  await run.current.clients.governance.gates.decide({
    params: { gateId: plan.gateId as never },
    // A plan that is rejected would take its other gates along.
    body: { decision: 'approve', payloadHash: await hashOf(plan), reason: 'the other one counts' },
  })
  await run.current.clients.governance.gates.open({ body })
  const { page } = await openPage(browser, plan.url)
  await page.locator('#gate-state', { hasText: 'expired: nobody decided before' }).waitFor()
  expect(await page.locator('#decide').isVisible()).toBe(false)
})

const hashOf = async ({ gateId }: PlanAtGate) =>
  (await run.current.clients.governance.gates.get({ params: { gateId: gateId as never } })).payloadHash

test('of several plans the newest is shown, another is chosen, and each has an address', async () => {
  const older = await run.plan('older')
  const { page } = await openPage(browser, older.url)
  await gateShown(page)
  const newer = await run.plan('newer')
  await page.locator('#show-newer', { hasText: 'A newer plan has started' }).waitFor()
  expect(await text(page, '#title'), 'the page does not jump').toContain('older')
  await tabTo(page, 'show-newer')
  await page.keyboard.press('Enter')
  await page.locator('#title', { hasText: 'newer' }).waitFor()
  expect(new URL(page.url()).searchParams.get('plan')).toBe(newer.planId)
  await page.goBack()
  await page.locator('#title', { hasText: 'older' }).waitFor()
})

test('a plan that somebody cancelled says why, and that nothing was written', async () => {
  const plan = await run.plan('cancelled')
  const { page } = await openPage(browser, plan.url)
  await gateShown(page)
  const params = { planId: plan.planId as never }
  await run.current.clients.plans.plans.cancel({ params, body: { reason: 'the folder moved' } })
  await ended(page, 'Nothing was written')
  expect(await text(page, '#outcome-text')).toBe('The plan was ended: the folder moved. Nothing was written.')
  expect(await page.locator('#decide').isVisible(), 'nothing is left to decide').toBe(false)
})
