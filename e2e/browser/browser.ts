import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'

/** No sandbox, because tests run as root in containers; nothing leaves the machine. */
const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]
/** Of a wait in a page; only a hang reaches it. */
const PATIENCE_MS = 30_000

export const openBrowser = (): Promise<Browser> =>
  chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ARGUMENTS })

export interface OpenedPage {
  readonly page: Page
  /** What the page threw. */
  readonly errors: readonly string[]
}

/** A page of its own, in a context of its own. */
export async function openPage(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<OpenedPage> {
  const context = await browser.newContext({ viewport: { width: 1100, height: 900 }, ...options })
  context.setDefaultTimeout(PATIENCE_MS)
  const page = await context.newPage()
  const errors: string[] = []
  page.on('pageerror', ({ message }) => errors.push(message))
  await page.goto(url)
  return { page, errors }
}

/** What has the focus: its id, else `write <file>` for the box of a file, else its text; and whether a person can see that. */
export const focused = (page: Page): Promise<{ readonly what: string; readonly isVisible: boolean }> =>
  page.evaluate(() => {
    const node = document.activeElement as HTMLElement
    const { outlineStyle, outlineWidth } = getComputedStyle(node)
    const file = node.matches('#boxes input') ? `write ${(node as HTMLInputElement).value}` : ''
    return {
      what: node.id || file || (node.textContent ?? '').trim(),
      isVisible: outlineStyle !== 'none' && Number.parseFloat(outlineWidth) >= 2,
    }
  })

/** Presses Tab until something has the focus. */
export async function tabTo(page: Page, what: string): Promise<void> {
  for (let presses = 0; presses < 40; presses += 1) {
    if ((await focused(page)).what === what) return
    await page.keyboard.press('Tab')
  }
  throw new Error(`Tab never came to "${what}"`)
}
