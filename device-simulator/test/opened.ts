import type { Releases } from '@telltale/infra/service'
import { type Product, type Site, startProduct } from '@telltale/infra/testing/product'
import { createSharedSite } from '@telltale/infra/testing/shared-site'
import type { Browser, Page } from 'playwright-core'
import { Complaints, openBrowser, openContext } from './browser.ts'
import { type SignedIn, signIn } from './session.ts'

const PAGE_DEADLINE_MS = 10_000

/** The product without a fleet of its own, and an admin in front of it. */
export interface Opened {
  site: Site
  product: Product
  /** The same admin, as a script. */
  admin: SignedIn
  browser: Browser
  page: Page
  complaints: Complaints
}

export async function openProduct(releases: Releases): Promise<Opened> {
  const site = await createSharedSite()
  releases.add('site', () => site.remove())
  const product = startProduct(site, { args: ['--no-demo'] })
  const { password, link } = await product.block()
  const admin = await signIn(site.dashboard, { username: 'admin', password })
  const browser = await openBrowser()
  releases.add('browser', () => browser.close())
  const { page, complaints } = await openPage(browser)
  await page.goto(`${site.dashboard}/sign-in#link=${link}`)
  await page.getByRole('heading', { name: 'Fleet' }).waitFor()
  return { site, product, admin, browser, page, complaints }
}

/** In a context of its own, nobody signed in. */
export async function openPage(browser: Browser): Promise<{ page: Page; complaints: Complaints }> {
  const page = await (await openContext(browser)).newPage()
  page.setDefaultTimeout(PAGE_DEADLINE_MS)
  return { page, complaints: new Complaints(page) }
}
