// Rules of this repository that no linter knows: import arrows, documents that stay true, sizes, topics in one place.
// Prints every problem found and exits 1, or one line when there is none. No dependencies.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..')
const packages = ['infra', 'broker', 'api', 'dashboard', 'device-simulator']
const LINES_MAX = 300
/** The formatter keeps code at 110; comments, SQL and texts, which it leaves alone, have a little more room. */
const COLUMNS_MAX = 120

/** Starts another program from its bundle; imports nothing of it. */
const STARTERS = new Set(['infra/scripts/bench.mjs', 'infra/scripts/ledger.mjs'])
/** Why a file outside the grammar may write a topic. Tests write what a device would write. */
const TOPIC_LITERALS = {
  'broker/src/contract/topics.ts': 'the grammar itself',
  'infra/src/first-minutes.ts': 'the line to paste; infra imports no sibling',
  'dashboard/src/connect/snippets.ts': 'snippets to paste; the dashboard imports types only',
}

const problems = []
const report = (where, what) => problems.push(`${where}: ${what}`)
const read = (file) => readFileSync(join(root, file), 'utf8')
const columns = (line) => [...line].length
const files = packages.flatMap(listFiles)
const code = files.filter((file) => /\.(ts|tsx|mjs)$/.test(file))

checkImports()
checkDocumentedPaths()
checkRuleIds()
checkSizes()
checkTopics()
checkSettings()
checkTopLevel()

for (const problem of problems) console.error(problem)
if (problems.length === 0) console.log(`repository checks: ${files.length} files, nothing found`)
process.exitCode = problems.length === 0 ? 0 : 1

// ── Imports go one way (docs/ARCHITECTURE.md) ─────────────────────────────────────────────────────

function checkImports() {
  for (const file of code)
    for (const { specifier, isType } of importsOf(read(file))) {
      const why = specifier.startsWith('.')
        ? crossing(file, specifier)
        : (wrongArrow(file, specifier, isType) ?? wrongInContract(file, specifier))
      if (why) report(file, `imports ${specifier}: ${why}`)
    }
}

function importsOf(text) {
  const statements = text.matchAll(/^\s*(?:import|export)\s+(type\s)?[^'"`]*?\bfrom\s+['"]([^'"]+)['"]/gm)
  const bare = text.matchAll(/^\s*import\s+()['"]([^'"]+)['"]/gm)
  const dynamic = text.matchAll(/\bimport\(()['"]([^'"]+)['"]\)/g)
  return [...statements, ...bare, ...dynamic].map(([, type, specifier]) => ({
    specifier,
    isType: Boolean(type),
  }))
}

function crossing(file, specifier) {
  const target = normalize(join(dirname(file), specifier))
  if (packageOf(target) !== packageOf(file))
    return STARTERS.has(file) ? undefined : 'a relative import may not leave its package'
  const contract = contractOf(file)
  if (contract && !target.startsWith(contract)) return 'a contract imports nothing outside itself'
  return undefined
}

function wrongArrow(file, specifier, isType) {
  const [scope, name, door] = specifier.split('/')
  if (scope !== '@telltale') return undefined
  const target = `${name}/${door}`
  const isTest = /\.test\.ts$|^[^/]+\/(test|bench)\//.test(file)
  switch (packageOf(file)) {
    case 'infra':
      return 'infra imports no sibling'
    case 'broker':
      return name === 'infra' ? undefined : 'broker may import infra only'
    case 'api':
      return name === 'infra' || target === 'broker/contract'
        ? undefined
        : 'api may import infra and broker/contract only'
    case 'dashboard':
      return target === 'api/contract' && isType
        ? undefined
        : 'dashboard may import types from api/contract only'
    default:
      return target === 'broker/contract' || (isTest && name === 'infra')
        ? undefined
        : 'device-simulator may import broker/contract, and infra in tests and benchmarks'
  }
}

function wrongInContract(file, specifier) {
  const contract = contractOf(file)
  if (!contract || (contract.startsWith('api/') && /^typebox(\/|$)/.test(specifier))) return undefined
  return 'a contract must run in a browser: it imports nothing outside itself'
}

function contractOf(file) {
  if (file.endsWith('.test.ts')) return undefined
  return ['broker/src/contract/', 'api/src/contract/'].find((dir) => file.startsWith(dir))
}

// ── Every path the entry documents name exists ────────────────────────────────────────────────────

function checkDocumentedPaths() {
  for (const file of ['README.md', 'docs/ARCHITECTURE.md'])
    for (const [, name] of (readDocument(file) ?? '').matchAll(/`([^`\n]+)`/g))
      if (looksLikePath(name) && !existsSync(join(root, name))) report(file, `\`${name}\` does not exist`)
  const documents = ['README.md', ...listFiles('docs').filter((name) => name.endsWith('.md'))]
  for (const file of documents)
    for (const [, target] of (readDocument(file) ?? '').matchAll(/\]\(([^)#\s]+)[^)]*\)/g))
      if (!/^[a-z]+:/.test(target) && !existsSync(join(root, dirname(file), target)))
        report(file, `the link to ${target} leads nowhere`)
}

/** `broker/src/` or `infra/src/up.ts`; not a topic, a route, an address or a pattern. */
function looksLikePath(name) {
  return /^[A-Za-z.][\w./-]*$/.test(name) && (/\/.*\.\w+$/.test(name) || name.endsWith('/'))
}

function readDocument(file) {
  if (existsSync(join(root, file))) return read(file)
  report(file, 'is missing')
  return undefined
}

// ── The specification and the tests hold the same rule ids ────────────────────────────────────────

function checkRuleIds() {
  const ruleId = '[MTPCLDUSOR]-[A-Z][A-Z0-9]*-\\d+'
  const tested = new Map()
  for (const file of code.filter((name) => name.endsWith('.test.ts')))
    for (const [, id] of read(file).matchAll(new RegExp(`['"\`](${ruleId})\\b`, 'g'))) tested.set(id, file)
  const promised = new Map()
  for (const document of ['docs/SPEC.md', 'docs/SPEC-MQTT.md'])
    for (const [, id] of (readDocument(document) ?? '').matchAll(new RegExp(`^\\| (${ruleId}) \\|`, 'gm'))) {
      if (promised.has(id)) report(document, `${id} is there twice`)
      promised.set(id, document)
    }
  for (const [id, file] of tested)
    if (!promised.has(id))
      report(file, `${id} is tested but not promised in docs/SPEC.md or docs/SPEC-MQTT.md`)
  for (const [id, document] of promised)
    if (!tested.has(id)) report(document, `${id} is promised but no test names it`)
  // Statements of the standard name the promises that cover them.
  for (const [, id] of (readDocument('docs/SPEC-MQTT.md') ?? '').matchAll(/\b(M-[A-Z][A-Z0-9]*-\d+)\b/g))
    if (!promised.has(id)) report('docs/SPEC-MQTT.md', `${id} is named but not promised`)
}

// ── Sizes ─────────────────────────────────────────────────────────────────────────────────────────

/** A file that must be longer carries its reason in a comment with the words below. */
function checkSizes() {
  for (const file of files.filter((name) => /\.(ts|tsx|css|sql|mjs)$/.test(name))) {
    const text = read(file)
    const lines = text.split('\n')
    if (lines.length - 1 > LINES_MAX && !text.includes(`longer than ${LINES_MAX} lines because`))
      report(file, `${lines.length - 1} lines; at most ${LINES_MAX}`)
    for (const [i, line] of lines.entries())
      if (columns(line) > COLUMNS_MAX && isTooWide(line))
        report(`${file}:${i + 1}`, `${columns(line)} columns; at most ${COLUMNS_MAX}`)
  }
}

/** Not when one literal is the reason: the formatter leaves it whole too. */
function isTooWide(line) {
  if (/^\s*(\/\/|\/\*|\*|--)/.test(line)) return true
  const withoutLiterals = line.replaceAll(/'[^']*'|"[^"]*"|`[^`]*`|\/\S{20,}\/[a-z]*/g, "''")
  return columns(withoutLiterals) > COLUMNS_MAX || withoutLiterals === line
}

// ── Topics are written in one file ────────────────────────────────────────────────────────────────

function checkTopics() {
  for (const file of code) {
    if (file in TOPIC_LITERALS || file === 'infra/scripts/checks.mjs') continue
    if (/\.test\.ts$|^[^/]+\/test\//.test(file)) continue
    for (const [i, line] of read(file).split('\n').entries()) {
      if (/^\s*(\/\/|\/\*|\*)/.test(line)) continue
      if (/['"`][^'"`]*((?<![/\w])devices\/|\$telltale\/)/.test(line))
        report(`${file}:${i + 1}`, 'a topic is written here; use broker/src/contract/topics.ts')
    }
  }
  for (const file of Object.keys(TOPIC_LITERALS))
    if (!files.includes(file))
      report('infra/scripts/checks.mjs', `TOPIC_LITERALS names ${file}, which is gone`)
}

// ── Settings ──────────────────────────────────────────────────────────────────────────────────────

function checkSettings() {
  const operating = readDocument('docs/OPERATING.md') ?? ''
  for (const [, name] of read('infra/src/settings.ts').matchAll(/^ {2}(TELLTALE_\w+):/gm))
    if (!operating.includes(`\`${name}\``)) report('docs/OPERATING.md', `does not name ${name}`)
}

// ── The top level ─────────────────────────────────────────────────────────────────────────────────

function checkTopLevel() {
  const documents = ['README.md', 'LICENSE', 'docs']
  const manifests = ['package.json', 'pnpm-workspace.yaml', 'pnpm-lock.yaml']
  const configs = ['biome.json', 'knip.json', 'tsconfig.base.json', 'tsconfig.json', 'vitest.config.ts']
  const allowed = [...packages, ...documents, ...manifests, ...configs, '.ci', '.gitignore', '.npmrc']
  // Not in the repository: what programs, tests and editors leave (.gitignore).
  const left = ['.git', 'node_modules', 'data', 'artefacts', '.DS_Store', '.vscode', '.idea']
  const found = readdirSync(root).filter((name) => !left.includes(name) && !name.endsWith('.log'))
  for (const name of found) if (!allowed.includes(name)) report(name, 'does not belong on the top level')
  for (const name of allowed) if (!found.includes(name)) report(name, 'is missing on the top level')
}

// ── Files ─────────────────────────────────────────────────────────────────────────────────────────

function listFiles(dir) {
  return readdirSync(join(root, dir), { withFileTypes: true }).flatMap((entry) => {
    const path = join(dir, entry.name)
    if (entry.isDirectory())
      return ['node_modules', 'dist', 'data'].includes(entry.name) ? [] : listFiles(path)
    return [relative(root, join(root, path))]
  })
}

function packageOf(file) {
  return file.split('/')[0]
}
