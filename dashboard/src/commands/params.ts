export type ParamsRead = { ok: true; params: unknown } | { ok: false; message: string }

/** Empty means none. An error says where, because nobody counts characters. */
export function readParams(text: string): ParamsRead {
  if (text.trim() === '') return { ok: true, params: undefined }
  try {
    return { ok: true, params: JSON.parse(text) as unknown }
  } catch {
    const before = text.slice(0, culprit(text)).split('\n')
    const column = (before.at(-1)?.length ?? 0) + 1
    return { ok: false, message: `Not JSON at line ${before.length}, column ${column}.` }
  }
}

const scalar =
  /"(?:[^"\\\p{Cc}]|\\(?:["\\/bfnrt]|u[\da-fA-F]{4}))*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/uy
const quoted = /"(?:[^"\\\p{Cc}]|\\(?:["\\/bfnrt]|u[\da-fA-F]{4}))*"/uy

/** Where the JSON of RFC 8259 ends. Engines disagree on how, and whether, their errors say it. */
function culprit(text: string): number {
  const scanner = { text, at: 0 }
  if (value(scanner)) blank(scanner)
  return scanner.at
}

type Scanner = { text: string; at: number }

function value(scanner: Scanner): boolean {
  blank(scanner)
  if (take(scanner, '{')) return members(scanner, { close: '}', one: member })
  if (take(scanner, '[')) return members(scanner, { close: ']', one: value })
  return match(scanner, scalar)
}

function member(scanner: Scanner): boolean {
  blank(scanner)
  if (!match(scanner, quoted)) return false
  blank(scanner)
  return take(scanner, ':') && value(scanner)
}

type Members = { close: string; one: (scanner: Scanner) => boolean }

function members(scanner: Scanner, { close, one }: Members): boolean {
  blank(scanner)
  if (take(scanner, close)) return true
  while (one(scanner)) {
    blank(scanner)
    if (take(scanner, close)) return true
    if (!take(scanner, ',')) return false
  }
  return false
}

function take(scanner: Scanner, sign: string): boolean {
  if (scanner.text[scanner.at] !== sign) return false
  scanner.at += 1
  return true
}

function match(scanner: Scanner, pattern: RegExp): boolean {
  pattern.lastIndex = scanner.at
  const found = pattern.exec(scanner.text)
  if (found === null) return false
  scanner.at += found[0].length
  return true
}

function blank(scanner: Scanner): void {
  match(scanner, /[ \t\r\n]*/y)
}
