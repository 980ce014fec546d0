import { processesOf } from '@telltale/infra/testing/processes'
import { createSite, type Product, type Site, startProduct } from '@telltale/infra/testing/product'
import { firstProcessLauncher, namespacesMissing } from '@telltale/infra/testing/tools'
import { waitFor } from '@telltale/infra/testing/wait'
import { afterAll, beforeAll, describe, expect, it, onTestFailed } from 'vitest'
import { signIn } from './session.ts'

let site: Site
let product: Product

/** The pid, as seen from outside, of the process whose command line begins and goes on like that. */
async function find(command: RegExp): Promise<number | undefined> {
  return (await processesOf(site.dataDir)).find((running) => command.test(running.command))?.pid
}

/** Its children rewrite their command lines; only the server itself names its folder. */
const findServer = () => find(/\/postgres -D /)
/** The launcher's line names the script too, after itself. */
const findProduct = () => find(/^\S*node\S* \S+start\.mjs/)

describe.skipIf(namespacesMissing())('as the first process of a container, which reaps nobody', () => {
  beforeAll(async () => {
    site = await createSite()
    product = startProduct(site, { launcher: firstProcessLauncher, args: ['--no-demo'] })
  })
  afterAll(() => site?.remove())

  it('O-START-12 a killed embedded PostgreSQL, left a zombie, comes back', async () => {
    onTestFailed(() => console.error(product.output()))
    const { password } = await product.block()
    const user = await signIn(site.dashboard, { username: 'admin', password })
    const killed = await waitFor('the server', findServer)
    process.kill(killed, 'SIGKILL')
    await waitFor('another server', async () => {
      const pid = await findServer()
      return pid !== undefined && pid !== killed
    })
    await waitFor('an answer', () =>
      user.get('/fleet').then(
        () => true,
        () => false,
      ),
    )
    // The launcher hands no signal on: the product gets it itself.
    process.kill(await waitFor('the product', findProduct), 'SIGINT')
    expect(await product.exitCode()).toBe(0)
  })
})
