/** The broker built without its gate: a module is replaced while bundling, so the product has no switch for it. */
import { mkdtemp, readFile, rm, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Releases } from '@telltale/infra/service'

/** The same from bench/ and from the bundle in dist/. */
export const REPOSITORY = fileURLToPath(new URL('../../', import.meta.url))
const REPLACED = /(^|\/)gate\/gates\.ts$/

/** As infra/scripts/build.mjs bundles it but for that module; the path of its main file. */
export async function buildWithoutGate(releases: Releases): Promise<string> {
  const root = REPOSITORY
  const { build } = createRequire(join(root, 'package.json'))('esbuild') as typeof import('esbuild')
  const brokerDir = join(root, 'broker')
  const { dependencies } = JSON.parse(await readFile(join(brokerDir, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>
  }
  const folder = await mkdtemp(join(tmpdir(), 'telltale-bench-'))
  releases.add('broker without its gate', () => rm(folder, { recursive: true, force: true }))
  await symlink(join(brokerDir, 'node_modules'), join(folder, 'node_modules'))
  const outfile = join(folder, 'main.mjs')
  let replaced = 0
  await build({
    absWorkingDir: brokerDir,
    entryPoints: ['src/main.ts'],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node20.19',
    format: 'esm',
    sourcemap: true,
    external: [...Object.keys(dependencies).filter((name) => !name.startsWith('@telltale/')), 'pg-native'],
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
    },
    logLevel: 'warning',
    plugins: [
      {
        name: 'without the gate',
        setup: ({ onResolve }) => {
          onResolve({ filter: REPLACED }, () => {
            replaced++
            return { path: join(root, 'device-simulator', 'bench', 'open-gates.ts') }
          })
        },
      },
    ],
  })
  if (replaced === 0) throw new Error('broker/src/gate/gates.ts was not found: nothing would be compared')
  return outfile
}
