import { cp, mkdir, readdir, readFile, rename, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Page } from 'playwright-core'

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url))

/** The API and its dashboard as built, copied, so that a test may upgrade what is served. */
export class ServedCopy {
  readonly #dir: string
  #builds = 0

  private constructor(dir: string) {
    this.#dir = dir
  }

  static async create(dir: string): Promise<ServedCopy> {
    await mkdir(join(dir, 'api'), { recursive: true })
    await cp(join(REPOSITORY, 'api', 'dist'), join(dir, 'api', 'dist'), { recursive: true })
    await cp(join(REPOSITORY, 'api', 'package.json'), join(dir, 'api', 'package.json'))
    await symlink(join(REPOSITORY, 'api', 'node_modules'), join(dir, 'api', 'node_modules'))
    await mkdir(join(dir, 'dashboard'))
    // Without the compressed forms: they would have to be made again for each build.
    const filter = (path: string) => !/\.(br|gz)$/.test(path)
    await cp(join(REPOSITORY, 'dashboard', 'dist'), buildDir(dir, 0), { recursive: true, filter })
    await serve(dir, 0)
    // By these the API knows which schema it is for.
    await mkdir(join(dir, 'infra'))
    await symlink(join(REPOSITORY, 'infra', 'migrations'), join(dir, 'infra', 'migrations'))
    return new ServedCopy(dir)
  }

  get script(): string {
    return join(this.#dir, 'api', 'dist', 'main.js')
  }

  /**
   * Another build of the same dashboard: every hashed file has another name, and the old ones are gone. It takes the
   * place of the other at once: a page may be looking for a new version at this moment.
   */
  async upgrade(): Promise<void> {
    const dist = buildDir(this.#dir, this.#builds + 1)
    await cp(buildDir(this.#dir, this.#builds), dist, { recursive: true })
    this.#builds += 1
    const assets = await readdir(join(dist, 'assets'))
    const renamed = new Map<string, string>()
    for (const name of assets)
      if (/\.(js|css)$/.test(name)) renamed.set(name, name.replace(/\.(js|css)$/, `${this.#builds}.$1`))
    const names = new RegExp([...renamed.keys()].map((name) => name.replaceAll('.', '\\.')).join('|'), 'g')
    for (const path of await texts(dist)) {
      const text = (await readFile(path, 'utf8')).replace(names, (name) => renamed.get(name) ?? name)
      await writeFile(path, text.replace(/build:"[0-9a-f]{12}"/, `build:"00000000000${this.#builds}"`))
    }
    for (const [before, after] of renamed)
      await rename(join(dist, 'assets', before), join(dist, 'assets', after))
    await serve(this.#dir, this.#builds)
  }
}

function buildDir(dir: string, build: number): string {
  return join(dir, 'dashboard', `build-${build}`)
}

async function serve(dir: string, build: number): Promise<void> {
  const next = join(dir, 'dashboard', 'next')
  await symlink(buildDir(dir, build), next)
  await rename(next, join(dir, 'dashboard', 'dist'))
}

async function texts(dist: string): Promise<string[]> {
  const entries = await readdir(dist, { recursive: true, withFileTypes: true })
  const paths = entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
  return paths.filter((path) => /\.(js|css|html)$/.test(path))
}

/** What the browser keeps of the product, whatever it is called. */
export async function keptPaths(page: Page): Promise<string[]> {
  const paths = await page.evaluate(`caches.keys()
    .then((names) => Promise.all(names.map((name) => caches.open(name).then((cache) => cache.keys()))))
    .then((lists) => lists.flat().map(({ url }) => new URL(url).pathname))`)
  return paths as string[]
}
