const names: Record<string, string> = {
  ArrowUp: '↑',
  ArrowDown: '↓',
  ArrowLeft: '←',
  ArrowRight: '→',
  Escape: 'Esc',
}

/** As it is printed on the keyboard in front of the person. */
export function keyName(key: string): string {
  const [, plain] = /^Mod\+(.+)$/.exec(key) ?? []
  if (plain === undefined) return names[key] ?? key
  const isApple = /Mac|iPhone|iPad/.test(navigator.userAgent)
  return `${isApple ? '⌘' : 'Ctrl'} ${plain.toUpperCase()}`
}
