import type { Target } from './store.ts'

interface Node {
  levels: Map<string, Node>
  /** Client id → QoS of its subscription that ends here. */
  clients: Map<string, 1 | 2>
}

/** Subscriptions by the levels of their filters: matching walks the levels of the topic and never all subscriptions. */
export class SubscriptionTrie {
  readonly #root = newNode()
  /** Subscriptions in it. */
  size = 0

  add(filter: string, clientId: string, qos: 1 | 2): void {
    let node = this.#root
    for (const level of filter.split('/')) {
      const next = node.levels.get(level) ?? newNode()
      node.levels.set(level, next)
      node = next
    }
    if (!node.clients.has(clientId)) this.size++
    node.clients.set(clientId, qos)
  }

  remove(filter: string, clientId: string): void {
    this.#removeBelow(this.#root, filter.split('/'), clientId)
  }

  /** Each client once, with the highest QoS of its filters that match. */
  match(topic: string): Target[] {
    const found = new Map<string, 1 | 2>()
    collect(this.#root, topic.split('/'), { depth: 0, isSystem: topic.startsWith('$'), found })
    return [...found].map(([clientId, qos]) => ({ clientId, qos }))
  }

  #removeBelow(node: Node, [level, ...rest]: string[], clientId: string): void {
    if (level === undefined) {
      if (node.clients.delete(clientId)) this.size--
      return
    }
    const next = node.levels.get(level)
    if (!next) return
    this.#removeBelow(next, rest, clientId)
    if (next.clients.size === 0 && next.levels.size === 0) node.levels.delete(level)
  }
}

interface Walk {
  depth: number
  /** Wildcards at the first level do not match topics that begin with `$` ([MQTT-4.7.2-1]). */
  isSystem: boolean
  found: Map<string, 1 | 2>
}

function collect(node: Node, levels: string[], walk: Walk): void {
  const { depth, isSystem, found } = walk
  const mayBeWildcard = depth > 0 || !isSystem
  // `a/#` matches `a` as well, so this comes before the end of the topic.
  if (mayBeWildcard) note(node.levels.get('#'), found)
  const level = levels[depth]
  if (level === undefined) {
    note(node, found)
    return
  }
  const exact = node.levels.get(level)
  if (exact) collect(exact, levels, { ...walk, depth: depth + 1 })
  const any = mayBeWildcard ? node.levels.get('+') : undefined
  if (any) collect(any, levels, { ...walk, depth: depth + 1 })
}

function note(node: Node | undefined, found: Map<string, 1 | 2>): void {
  for (const [clientId, qos] of node?.clients ?? [])
    if (qos > (found.get(clientId) ?? 0)) found.set(clientId, qos)
}

function newNode(): Node {
  return { levels: new Map(), clients: new Map() }
}
