import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'

/**
 * Below the range from which systems give ports to outgoing connections: a port from there may be taken by any
 * connection while the program that should listen on it is being restarted.
 */
const FIRST = 20_000
const LAST = 32_000

/** `count` different ports nobody listens on, for programs that are stopped and started again on the same ones. */
export async function quietPorts(count: number): Promise<number[]> {
  const ports = new Set<number>()
  while (ports.size < count) {
    const port = randomInt(FIRST, LAST)
    if (await isFree(port)) ports.add(port)
  }
  return [...ports]
}

export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', () => resolve(false))
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)))
  })
}
