// What `npm test` runs: every static check, then every test. One failure keeps none of the others from running.
// `npm test -- broker presence` runs only the test files whose path contains one of the words, without the checks.
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { prepare, root } from './prepare.mjs'
import { prepareTools } from './tools.mjs'

const CHECK_DEADLINE_MS = 180_000
/** Three times what they take on two cores, half of what CI may take. */
const TESTS_DEADLINE_MS = 2_700_000

const bin = (name) => join(root, 'node_modules', '.bin', name)
/** @type {[what: string, command: string, args: string[]][]} */
const checks = [
  ['biome', bin('biome'), ['check', '--error-on-warnings', '.']],
  ['types', bin('tsc'), ['-p', 'tsconfig.json']],
  ['types of the dashboard', bin('tsc'), ['-p', 'dashboard/tsconfig.json']],
  ['knip', bin('knip'), []],
  ['repository checks', process.execPath, ['infra/scripts/checks.mjs']],
]

const filters = process.argv.slice(2)
const folder = mkdtempSync(join(tmpdir(), 'telltale-tests-'))
const resultsFile = join(folder, 'results.json')
const skippedFile = join(folder, 'skipped.txt')

const total = { passed: 0, failed: 0, skipped: 0 }
let reasons = []
if (await prepare()) {
  await prepareTools()
  await Promise.all((filters.length > 0 ? [] : checks).map(runCheck))
  await runTests()
  reasons = [...new Set(readLines(skippedFile))]
} else {
  total.failed++
}
rmSync(folder, { recursive: true, force: true })
report()

/** They run at once: what one prints is shown when it is done. */
async function runCheck([what, command, args]) {
  const output = []
  const code = await run(command, args, { deadlineMs: CHECK_DEADLINE_MS, output })
  console.log(`\n▸ ${what}`)
  process.stdout.write(Buffer.concat(output))
  if (code === 0) total.passed++
  else total.failed++
}

async function runTests() {
  if (filters.length === 0) console.log('\n▸ tests')
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${resultsFile}`]
  const code = await run(bin('vitest'), ['run', ...reporters, ...filters], {
    deadlineMs: TESTS_DEADLINE_MS,
    env: { TELLTALE_SKIPPED_REPORT: skippedFile },
  })
  const counted = countTests()
  total.passed += counted.passed
  total.skipped += counted.skipped
  // A crash, an unhandled rejection or a leak fails the run without failing a test.
  total.failed += counted.failed === 0 && code !== 0 ? 1 : counted.failed
}

function countTests() {
  const counted = { passed: 0, failed: 0, skipped: 0 }
  for (const { status, assertionResults } of readResults()) {
    for (const test of assertionResults) {
      if (test.status === 'passed') counted.passed++
      else if (test.status === 'failed') counted.failed++
      else counted.skipped++
    }
    // A file that could not be loaded, or whose beforeAll or afterAll failed, has no failed test of its own.
    const hasFailed = assertionResults.some((test) => test.status === 'failed')
    if (status === 'failed' && !hasFailed) counted.failed++
  }
  return counted
}

function readResults() {
  try {
    return JSON.parse(readFileSync(resultsFile, 'utf8')).testResults
  } catch {
    return []
  }
}

function readLines(file) {
  try {
    return readFileSync(file, 'utf8').split('\n').filter(Boolean)
  } catch {
    return []
  }
}

/**
 * @param output where to put what it prints; without, it is printed at once
 * @returns {Promise<number>} the exit code; 1 when it could not run or took too long
 */
function run(command, args, { deadlineMs, env = {}, output = undefined }) {
  return new Promise((resolve) => {
    const stdio = output ? ['ignore', 'pipe', 'pipe'] : 'inherit'
    const child = spawn(command, args, { cwd: root, env: { ...process.env, ...env }, stdio })
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => output.push(chunk))
    const timer = setTimeout(() => {
      console.error(`telltale: ended after ${deadlineMs / 1_000} s`)
      child.kill('SIGTERM')
      setTimeout(() => child.kill('SIGKILL'), 10_000).unref()
    }, deadlineMs)
    const end = (code) => {
      clearTimeout(timer)
      resolve(code ?? 1)
    }
    child.on('error', (error) => {
      console.error(`telltale: cannot run ${command}: ${error.message}`)
      end(1)
    })
    child.on('close', end)
  })
}

/** The reasons of skipped tests, and on the last line the counts, for people and for CI. */
function report() {
  console.log('')
  for (const reason of reasons) console.log(reason)
  const { passed, failed, skipped } = total
  console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`)
  process.exitCode = failed > 0 ? 1 : 0
}
