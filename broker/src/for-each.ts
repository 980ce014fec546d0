import { setImmediate as nextTurn } from 'node:timers/promises'

const AT_ONCE = 64

/** Does it for many at once, but never for so many that nobody else gets a turn. */
export async function forEach<T>(items: T[], work: (item: T) => Promise<unknown>): Promise<void> {
  for (let at = 0; at < items.length; at += AT_ONCE) {
    await Promise.all(items.slice(at, at + AT_ONCE).map(work))
    await nextTurn()
  }
}
