import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The repository's root, from the source tree and from the bundled `dist` of any program alike. */
export function repositoryDir(): string {
  for (let dir = dirname(fileURLToPath(import.meta.url)); ; dir = dirname(dir)) {
    if (existsSync(join(dir, 'infra', 'migrations'))) return dir
    if (dir === dirname(dir)) throw new Error('infra/migrations not found above this file')
  }
}
