// Builds the dashboard: Vite's bundle, the worker that opens it offline, and a .br and .gz beside each text, so that
// the API compresses nothing itself.
import { createHash } from 'node:crypto'
import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'
import { build } from 'esbuild'

const TEXT = /\.(js|css|html|svg|json|webmanifest)$/
/** The files of public/ that the first screen shows. */
const LOOSE = ['/theme.js', '/mark.svg', '/mark-unlit.svg', '/manifest.webmanifest']

/** @param {string} dashboard its folder */
export async function buildDashboard(dashboard) {
  const vite = createRequire(join(dashboard, 'package.json')).resolve('vite')
  const { build: viteBuild } = await import(pathToFileURL(vite).href)
  // Beside the one that is being served: a build that fails leaves that as it is, and nobody is sent half of one.
  const next = join(dashboard, 'node_modules', `.next-${process.pid}`)
  const before = join(dashboard, 'node_modules', `.before-${process.pid}`)
  try {
    const { output } = await viteBuild({ root: dashboard, logLevel: 'warn', build: { outDir: next } })
    await buildWorker(join(dashboard, 'src', 'offline', 'service-worker.ts'), next, output)
    await compressAll(next)
    const dist = join(dashboard, 'dist')
    // Two renames: nothing is served for as short as can be.
    await rename(dist, before).catch(() => {})
    await rename(next, dist)
  } finally {
    for (const dir of [next, before]) await rm(dir, { recursive: true, force: true })
  }
}

async function buildWorker(entry, dist, output) {
  const assets = output.map(({ fileName }) => `/${fileName}`).filter((name) => name.startsWith('/assets/'))
  const first = firstScreen(output)
  const files = ['/', ...LOOSE, ...first.map((name) => `/${name}`)]
  const contents = await Promise.all(['index.html', ...LOOSE].map((name) => readFile(join(dist, name))))
  // The names of the others are hashes of what they hold.
  const hash = createHash('sha256').update(assets.toSorted().join())
  for (const content of contents) hash.update(content)
  const shell = { build: hash.digest('hex').slice(0, 12), files, assets }
  await build({
    entryPoints: [entry],
    outfile: join(dist, 'sw.js'),
    bundle: true,
    minify: true,
    format: 'iife',
    target: 'es2022',
    define: { SHELL: JSON.stringify(shell) },
    logLevel: 'warning',
  })
}

/** What a browser loads before it shows anything: no lazy part. */
function firstScreen(output) {
  const chunks = new Map(output.map((part) => [part.fileName, part]))
  const needed = new Set()
  const visit = (name) => {
    if (needed.has(name)) return
    needed.add(name)
    const { imports = [], viteMetadata } = chunks.get(name) ?? {}
    for (const other of [...imports, ...(viteMetadata?.importedCss ?? [])]) visit(other)
  }
  for (const { fileName, isEntry } of output) if (isEntry) visit(fileName)
  for (const name of chunks.keys()) if (/inter-latin-wght-normal.*\.woff2$/.test(name)) needed.add(name)
  return [...needed]
}

const brotli = promisify(brotliCompress)
const zip = promisify(gzip)

async function compressAll(dist) {
  const entries = await readdir(dist, { recursive: true, withFileTypes: true })
  const texts = entries.filter((entry) => entry.isFile() && TEXT.test(entry.name))
  await Promise.all(
    texts.map(async ({ parentPath, name }) => {
      const path = join(parentPath, name)
      const content = await readFile(path)
      const params = { [constants.BROTLI_PARAM_SIZE_HINT]: content.length }
      await writeFile(`${path}.br`, await brotli(content, { params }))
      await writeFile(`${path}.gz`, await zip(content, { level: 9 }))
    }),
  )
}
