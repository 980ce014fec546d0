/** Whose functions a page's main thread was in, by CPU profile: of a bundle these are short names with their places. */
import type { CDPSession } from 'playwright-core'

export interface FunctionShare {
  /** `name file:line:column`. */
  name: string
  /** Of the time in which anything ran. */
  share: number
}

const SAMPLE_US = 500
const SHOWN = 12

interface Node {
  id: number
  callFrame: { functionName: string; url: string; lineNumber: number; columnNumber: number }
  hitCount?: number | undefined
}

/** Those that had the processor longest themselves, without what they called. */
export async function topFunctions(
  tools: CDPSession,
  work: () => Promise<unknown>,
): Promise<FunctionShare[]> {
  await tools.send('Profiler.enable')
  await tools.send('Profiler.setSamplingInterval', { interval: SAMPLE_US })
  await tools.send('Profiler.start')
  await work()
  const { profile } = await tools.send('Profiler.stop')
  await tools.send('Profiler.disable')
  return sharesOf(profile.nodes).slice(0, SHOWN)
}

export function sharesOf(nodes: readonly Node[]): FunctionShare[] {
  const hits = new Map<string, number>()
  for (const { callFrame, hitCount = 0 } of nodes) {
    if (callFrame.functionName === '(idle)' || hitCount === 0) continue
    const name = nameOf(callFrame)
    hits.set(name, (hits.get(name) ?? 0) + hitCount)
  }
  const total = [...hits.values()].reduce((all, count) => all + count, 0)
  return [...hits]
    .map(([name, count]) => ({ name, share: count / total }))
    .sort((one, other) => other.share - one.share)
}

/** `(program)` is the browser itself: style, layout and painting. */
function nameOf({ functionName, url, lineNumber, columnNumber }: Node['callFrame']): string {
  if (url === '') return functionName || '(nameless)'
  const file = url.slice(url.lastIndexOf('/') + 1)
  return `${functionName || '(nameless)'} ${file}:${lineNumber + 1}:${columnNumber + 1}`
}
