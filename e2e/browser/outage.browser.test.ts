import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openBrowser, openPage } from './browser.ts'
import { type ServedRun, serveRun } from './served-run.ts'

let run: ServedRun
let browser: Browser

beforeAll(async () => {
  browser = await openBrowser()
  // Slowed, so that there is something to interrupt.
  run = await serveRun(['--pace-ms', '2000'])
})
afterAll(async () => {
  await browser?.close()
  await run?.dispose()
})

test('a page that stays open over kill -9 and a start says that the server is away, goes on by itself, shows the second attempt, and decides', async () => {
  const { page, errors } = await openPage(browser, run.current.url)
  await page.locator('#tasks .running').first().waitFor()
  const planId = new URL(page.url()).searchParams.get('plan')
  await run.kill()
  await page.locator('#connection', { hasText: 'the server is away since' }).waitFor()
  expect(await page.locator('#tasks tr').count(), 'what was last seen stays').toBeGreaterThan(0)
  await run.restart()
  await page.locator('#connection', { hasText: 'live' }).waitFor()
  expect(await page.locator('#outages').innerText()).toMatch(/^The server was away from .* to /)
  await page.locator('#tasks td[data-label="Attempt"].again').first().waitFor()
  await run.current.events.until(({ type }) => type === 'gate.opened', 'the gate')
  await page.locator('#gate.open').waitFor()
  expect(new URL(page.url()).searchParams.get('plan')).toBe(planId)
  await run.kill()
  await page.locator('#connection', { hasText: 'the server is away since' }).waitFor()
  expect(await page.locator('#approve').isDisabled(), 'nothing is decided without a server').toBe(true)
  await run.restart()
  await page.locator('#connection', { hasText: 'live' }).waitFor()
  await page.keyboard.press('a')
  await page.keyboard.type('still here')
  await page.keyboard.press('Enter')
  await page.locator('#outcome-title', { hasText: 'What was written' }).waitFor()
  expect(await page.locator('#gate-state').innerText()).toContain('“still here”')
  expect(errors).toEqual([])
})
