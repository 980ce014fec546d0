// Installs and builds when something changed since the last time; a second start finds nothing to do.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..')
const workspaces = ['infra', 'broker', 'api', 'dashboard', 'device-simulator']
// Through npx, not corepack: corepack's signature check fails on registry mirrors.
const pnpm = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).packageManager

/** @returns {Promise<boolean>} false after saying what is wrong and setting the exit code */
export async function prepare() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  if (major < 20 || (major === 20 && minor < 19)) {
    console.error(`telltale: Node ${process.versions.node} is too old; 20.19 or newer is needed`)
    process.exitCode = 1
    return false
  }
  const manifests = [
    'package.json',
    'pnpm-lock.yaml',
    ...workspaces.map((name) => join(name, 'package.json')),
  ]
  // Of all tests the ledger alone is a program.
  const built = [...workspaces, join('device-simulator', 'test', 'ledger')]
  const sources = built.flatMap((name) => listFiles(join(root, name)))
  return (
    (await once('installed', hashContents(manifests), 'Installing', install)) &&
    (await once('built', hashTimes(sources), 'Building', () =>
      run(process.execPath, ['infra/scripts/build.mjs']),
    ))
  )
}

/** @returns {Promise<number>} the exit code */
export function install() {
  return run('npx', ['-y', pnpm, 'install', '--frozen-lockfile', '--reporter=append-only'])
}

async function once(what, state, verb, work) {
  const stamp = join(root, 'node_modules', `.telltale-${what}`)
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === state) return true
  console.error(`telltale: ${verb} …`)
  const code = await work()
  if (code !== 0) {
    console.error(`telltale: ${verb.toLowerCase()} failed (exit code ${code})`)
    process.exitCode = 1
    return false
  }
  mkdirSync(dirname(stamp), { recursive: true })
  writeFileSync(stamp, state)
  return true
}

/** Runs quietly; what it printed is shown only when it fails. */
function run(command, args) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
    const output = []
    child.stdout.on('data', (chunk) => output.push(chunk))
    child.stderr.on('data', (chunk) => output.push(chunk))
    child.on('error', (error) => {
      console.error(`telltale: cannot run ${command}: ${error.message}`)
      resolve(1)
    })
    child.on('close', (code) => {
      if (code !== 0) process.stderr.write(Buffer.concat(output))
      resolve(code ?? 1)
    })
  })
}

function listFiles(dir) {
  return readdirSync(dir, { withFileTypes: true }).flatMap((entry) => {
    if (['node_modules', 'dist', 'test'].includes(entry.name)) return []
    const path = join(dir, entry.name)
    return entry.isDirectory() ? listFiles(path) : [path]
  })
}

function hashContents(files) {
  const hash = createHash('sha256')
  for (const file of files) hash.update(readFileSync(join(root, file)))
  return hash.digest('hex')
}

function hashTimes(files) {
  const hash = createHash('sha256')
  for (const file of files) hash.update(`${file} ${statSync(file).mtimeMs}\n`)
  return hash.digest('hex')
}
