interface Node<Key, Value> {
  children: Map<string, Node<Key, Value>>
  values: Map<Key, Value>
}

/**
 * Values by topic filter and key, found by topic name as MQTT 3.1.1 §4.7 says: `+` is one level, also an empty one;
 * `#` is the rest and its parent; no wildcard at the first level matches a `$` topic. A look-up costs as much as the
 * filters that could match, however many there are.
 */
export class TopicTree<Key, Value> {
  readonly #root: Node<Key, Value> = newNode()
  /** Of all filters together. */
  size = 0

  /** Replaces the value of this key under this filter, if there is one. */
  set(filter: string, key: Key, value: Value): void {
    let node = this.#root
    for (const level of filter.split('/')) {
      let child = node.children.get(level)
      if (!child) {
        child = newNode()
        node.children.set(level, child)
      }
      node = child
    }
    if (!node.values.has(key)) this.size++
    node.values.set(key, value)
  }

  /** Branches that hold nothing any more go with the value. */
  delete(filter: string, key: Key): void {
    const path: { parent: Node<Key, Value>; level: string }[] = []
    let node = this.#root
    for (const level of filter.split('/')) {
      const child = node.children.get(level)
      if (!child) return
      path.push({ parent: node, level })
      node = child
    }
    if (node.values.delete(key)) this.size--
    for (let step = path.pop(); step && isEmpty(node); step = path.pop()) {
      step.parent.children.delete(step.level)
      node = step.parent
    }
  }

  /** Values of all matching filters; one whose key stands under several of them is there several times. */
  match(topic: string): Value[] {
    const found: Value[] = []
    if (this.size > 0) collect(this.#root, topic.split('/'), 0, found)
    return found
  }
}

function newNode<Key, Value>(): Node<Key, Value> {
  return { children: new Map(), values: new Map() }
}

function isEmpty({ children, values }: Node<unknown, unknown>): boolean {
  return children.size === 0 && values.size === 0
}

function collect<Key, Value>(node: Node<Key, Value>, levels: string[], at: number, found: Value[]): void {
  const level = levels[at]
  const mayBeWild = at > 0 || !level?.startsWith('$')
  const rest = mayBeWild ? node.children.get('#') : undefined
  if (rest) found.push(...rest.values.values())
  if (level === undefined) {
    found.push(...node.values.values())
    return
  }
  const exact = node.children.get(level)
  if (exact) collect(exact, levels, at + 1, found)
  const any = mayBeWild ? node.children.get('+') : undefined
  // A topic name has no wildcards, so that `exact` and `any` are never the same node.
  if (any && any !== exact) collect(any, levels, at + 1, found)
}
