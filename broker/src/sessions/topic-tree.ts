interface Node<T> {
  children: Map<string, Node<T>>
  values: Set<T>
}

/**
 * Values by topic filter, found by topic name as MQTT 3.1.1 §4.7 says: `+` is one level, also an empty one; `#` is
 * the rest and its parent; no wildcard at the first level matches a `$` topic. A look-up costs as much as the filters
 * that could match, however many there are.
 */
export class TopicTree<T> {
  readonly #root: Node<T> = newNode()

  add(filter: string, value: T): void {
    let node = this.#root
    for (const level of filter.split('/')) {
      let child = node.children.get(level)
      if (!child) {
        child = newNode()
        node.children.set(level, child)
      }
      node = child
    }
    node.values.add(value)
  }

  /** Branches that hold nothing any more go with the value. */
  remove(filter: string, value: T): void {
    const path: { parent: Node<T>; level: string }[] = []
    let node = this.#root
    for (const level of filter.split('/')) {
      const child = node.children.get(level)
      if (!child) return
      path.push({ parent: node, level })
      node = child
    }
    node.values.delete(value)
    for (let step = path.pop(); step && isEmpty(node); step = path.pop()) {
      step.parent.children.delete(step.level)
      node = step.parent
    }
  }

  /** Values of all matching filters; one that stands under several filters is there several times. */
  match(topic: string): T[] {
    const found: T[] = []
    collect(this.#root, topic.split('/'), 0, found)
    return found
  }
}

function newNode<T>(): Node<T> {
  return { children: new Map(), values: new Set() }
}

function isEmpty({ children, values }: Node<unknown>): boolean {
  return children.size === 0 && values.size === 0
}

function collect<T>(node: Node<T>, levels: string[], at: number, found: T[]): void {
  const level = levels[at]
  const mayBeWild = at > 0 || !level?.startsWith('$')
  const rest = mayBeWild ? node.children.get('#') : undefined
  if (rest) found.push(...rest.values)
  if (level === undefined) {
    found.push(...node.values)
    return
  }
  const exact = node.children.get(level)
  if (exact) collect(exact, levels, at + 1, found)
  const any = mayBeWild ? node.children.get('+') : undefined
  // A topic name has no wildcards, so that `exact` and `any` are never the same node.
  if (any && any !== exact) collect(any, levels, at + 1, found)
}
