/** The machine's own Chromium, as the tests and the bench of the dashboard open it. */
import { execFileSync } from 'node:child_process'
import { type Browser, chromium } from 'playwright-core'

/** Nothing but the page itself may use the network or the graphics card. */
const ARGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** playwright-core brings no browser. */
export function openBrowser(): Promise<Browser> {
  const executablePath = execFileSync('sh', ['-c', 'command -v chromium']).toString().trim()
  return chromium.launch({ executablePath, args: ARGS })
}
