/** Whose code a CPU profile found at work: by source file, through the bundle's source map. */
import { readFile } from 'node:fs/promises'
import { SourceMap } from 'node:module'
import { fileURLToPath } from 'node:url'

/** As V8's profiler gives it; lines and columns count from 0 and are where a function begins. */
export interface CpuProfile {
  nodes: ProfileNode[]
}

export interface ProfileNode {
  id: number
  callFrame: { functionName: string; url: string; lineNumber: number; columnNumber: number }
  hitCount?: number
  children?: number[] | undefined
}

/** Parts of the samples in which anything ran. */
export interface Profiled {
  /** By group: all of them. */
  shares: Record<string, number>
  /** By source file. */
  files: Record<string, number>
}

const BUNDLE = '/broker/dist/main.js'

/** The first that fits a source's path says where it belongs. */
const GROUPS: readonly [string, RegExp][] = [
  ['gate', /broker\/src\/gate\/(?!admission|sign-ins|recent|address|bucket)/],
  ['sign-in', /broker\/src\/(gate\/|authenticate|doorkeeper|directory)|storage\/(credentials|enrolments)/],
  ['topics and rights', /broker\/src\/(principals|contract\/topics)/],
  ['presence', /broker\/src\/(presence|liveness)|storage\/(sessions|presence|brokers)/],
  ['decode and order', /broker\/src\/(broker|publishing|accept|telemetry|order|attachment|contract\/)/],
  ['store', /broker\/src\/(telemetry-writer|batch|series-cache|latest|totals)|infra\/src\/storage\//],
  ['store: PostgreSQL client', /node_modules\/(pg|postgres-)/],
  ['sessions and routing', /broker\/src\/(sessions\/|router|cluster|wills|subscribing|aedes-client)/],
  [
    'MQTT library',
    /node_modules\/(aedes|mqtt-packet|mqemitter|qlobber|fast|retimer|bl\/|debug\/|readable-stream|process-nextick)/,
  ],
  ['rest of the broker', /broker\/|infra\/|device-simulator\/|node_modules\//],
]
/** Sockets, timers, promises: called by nobody's code but Node's own. */
const NODE = 'Node.js: sockets and streams'
const COLLECTOR = 'garbage collection'
const NATIVE = 'native, outside JavaScript'
const IDLE = 'idle'
const SPECIAL = new Map([
  ['(idle)', IDLE],
  ['(garbage collector)', COLLECTOR],
  ['(program)', NATIVE],
])
export const GROUP_NAMES = [...GROUPS.map(([name]) => name), NODE, COLLECTOR, NATIVE]

/** What Node and V8 do for a function (writing to a socket, JSON.parse) counts as that function's. */
export async function sharesOf({ nodes }: CpuProfile, mapFile: string): Promise<Profiled> {
  const sourceOf = await sourceFinder(mapFile)
  const byId = new Map(nodes.map((node) => [node.id, node]))
  const hits = new Map<string, number>()
  const walk = (node: ProfileNode, inherited: string) => {
    const source = sourceOf(node.callFrame) ?? inherited
    if (source !== IDLE) hits.set(source, (hits.get(source) ?? 0) + (node.hitCount ?? 0))
    for (const id of node.children ?? []) walk(byId.get(id) as ProfileNode, source)
  }
  walk(nodes[0] as ProfileNode, NODE)
  const total = [...hits.values()].reduce((sum, count) => sum + count, 0)
  const files = Object.fromEntries([...hits].map(([source, count]) => [source, count / total]))
  const shares = Object.fromEntries(GROUP_NAMES.map((name) => [name, 0]))
  for (const [source, share] of Object.entries(files)) {
    const group = groupOf(source)
    shares[group] = (shares[group] ?? 0) + share
  }
  return { shares, files }
}

/** A path from the repository or a package on; undefined when a frame works for whoever called it. */
async function sourceFinder(
  mapFile: string,
): Promise<(frame: ProfileNode['callFrame']) => string | undefined> {
  const map = new SourceMap(JSON.parse(await readFile(mapFile, 'utf8')))
  return ({ functionName, url, lineNumber, columnNumber }) => {
    const special = SPECIAL.get(functionName)
    if (special !== undefined) return special
    if (!url.startsWith('file:')) return undefined
    const path = fileURLToPath(url)
    if (!path.endsWith(BUNDLE)) return shorten(path)
    const entry = map.findEntry(lineNumber, columnNumber)
    // A path in the map is relative to the bundle.
    return 'originalSource' in entry ? shorten(new URL(entry.originalSource, url).pathname) : undefined
  }
}

/** pnpm's own folder names the package, too, and those that were installed beside it. */
function shorten(path: string): string {
  return path
    .replace(/^.*\/node_modules\//, 'node_modules/')
    .replace(/^.*\/(?=(broker|infra|device-simulator)\/)/, '')
}

function groupOf(source: string): string {
  return GROUPS.find(([, pattern]) => pattern.test(source))?.[0] ?? source
}
