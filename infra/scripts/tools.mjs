// The programs of the machine that some tests drive. Where one is missing and cannot be had, those tests are skipped.
import { spawn } from 'node:child_process'
import { accessSync, constants, existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** @type {Record<string, string>} program → Debian package */
const packages = {
  mosquitto_pub: 'mosquitto-clients',
  mosquitto: 'mosquitto',
  'redis-server': 'redis-server',
  openssl: 'openssl',
  faketime: 'faketime',
  strace: 'strace',
  chromium: 'chromium',
}
const servers = ['mosquitto', 'redis-server']
const UPDATE_DEADLINE_MS = 60_000
const INSTALL_DEADLINE_MS = 240_000

/** Installs what is missing with apt-get, as root on Debian and its kin; a failure is left to the skipped tests. */
export async function prepareTools() {
  const missing = Object.keys(packages).filter((program) => !isOnPath(program))
  // Where systemd runs, installing a server would start it: mosquitto on the port of `npm start`.
  const runsServices = existsSync('/run/systemd/system')
  const wanted = missing.filter((program) => !(runsServices && servers.includes(program)))
  if (wanted.length === 0 || process.getuid?.() !== 0 || !isOnPath('apt-get')) return
  console.error(`telltale: Installing ${wanted.join(', ')} …`)
  await aptGet(['update'], UPDATE_DEADLINE_MS)
  const names = wanted.map((program) => packages[program])
  await aptGet(['install', '-y', '--no-install-recommends', ...names], INSTALL_DEADLINE_MS)
}

function isOnPath(program) {
  return (process.env.PATH ?? '').split(delimiter).some((dir) => isExecutable(join(dir, program)))
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** Says nothing, asks nothing, starts no service (RUNLEVEL=1), never hangs. */
function aptGet(args, deadlineMs) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' }
  const options = ['-qq', '-o', 'Acquire::Retries=1', '-o', 'DPkg::Lock::Timeout=20']
  return new Promise((resolve) => {
    const child = spawn('apt-get', [...options, ...args], { env, stdio: 'ignore', timeout: deadlineMs })
    child.on('error', resolve)
    child.on('close', resolve)
  })
}
