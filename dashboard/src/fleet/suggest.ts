import type { FleetFacets } from '@telltale/api/contract'
import { fleetStatuses } from './search.ts'

export type Suggestion = {
  /** What takes the place of the last word. */
  text: string
  note: string
  /** A condition is whole and counts at once; a key waits for its value. */
  isWhole: boolean
}

const suggestedMax = 8

const keys: readonly Suggestion[] = [
  { text: 'tag:', note: 'devices with a tag', isWhole: false },
  { text: 'status:', note: 'online, silent, offline or never', isWhole: false },
  { text: 'type:', note: 'devices of a type', isWhole: false },
]

/** For the word that is being typed: the keys there are, or the values of a key with how many they leave. */
export function suggest(typed: string, facets: FleetFacets | undefined): Suggestion[] {
  const word = typed.split(/\s+/).at(-1) ?? ''
  const [, key, begun = ''] = /^(tag|status|type):(.*)$/.exec(word) ?? []
  if (key === undefined) return keys.filter(({ text }) => text.startsWith(word.toLowerCase()))
  const values = valuesOf(key, facets).filter(({ name }) => name.toLowerCase().includes(begun.toLowerCase()))
  // What begins as typed comes before what holds it somewhere; among equals the order of the server stays.
  const isBegun = (name: string) => Number(!name.toLowerCase().startsWith(begun.toLowerCase()))
  return values
    .toSorted((a, b) => isBegun(a.name) - isBegun(b.name))
    .slice(0, suggestedMax)
    .map(({ name, count }) => ({ text: `${key}:${name}`, note: count, isWhole: true }))
}

function valuesOf(key: string, facets: FleetFacets | undefined): { name: string; count: string }[] {
  if (key === 'status') {
    return fleetStatuses.map(({ status }) => ({ name: status, count: String(facets?.status[status] ?? '') }))
  }
  const found = key === 'tag' ? facets?.tags : facets?.types
  return (found ?? []).map(({ name, count }) => ({ name, count: String(count) }))
}

/** The text with the last word replaced. */
export function complete(typed: string, { text, isWhole }: Suggestion): string {
  const words = typed.split(/\s+/).slice(0, -1)
  return `${[...words, text].join(' ')}${isWhole ? ' ' : ''}`
}
