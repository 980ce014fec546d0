import { describe, expect, it } from 'vitest'
import { readPress, type Shortcut, Shortcuts } from './shortcuts.ts'

/** A registry with these keys, and what they did. */
function keyboard(...keys: string[]) {
  const done: string[] = []
  const shortcuts = new Shortcuts()
  const known = (list: readonly string[], by = ''): Shortcut[] =>
    list.map((key) => ({ keys: key, label: key, group: 'Here', run: () => done.push(`${by}${key}`) }))
  shortcuts.add(known(keys))
  let atMs = 0
  const press = (key: string, { mod = false, afterMs = 100 } = {}) => {
    atMs += afterMs
    return shortcuts.press({ key, mod, atMs })
  }
  return { shortcuts, known, done, press }
}

const nowhere = { closest: () => null }
const inside = (selector: RegExp) => ({
  closest: (asked: string) => (asked.split(', ').some((part) => selector.test(part)) ? {} : null),
})
const plain = { ctrlKey: false, metaKey: false, altKey: false, defaultPrevented: false, isComposing: false }

describe('shortcuts', () => {
  it('O-KEYS-1 a key does what it is for, once, and other keys are left alone', () => {
    const { done, press } = keyboard('?', 'j')
    expect([press('?'), press('k'), press('j')]).toEqual([true, false, true])
    expect(done).toEqual(['?', 'j'])
  })

  it('O-KEYS-2 two keys after each other are one shortcut, unless they are too slow', () => {
    const { done, press } = keyboard('g f', 'f')
    press('g')
    press('f')
    expect(done).toEqual(['g f'])
    press('g')
    press('f', { afterMs: 5_000 })
    expect(done).toEqual(['g f', 'f'])
  })

  it('O-KEYS-3 a sequence that nobody knows ends, and its last key counts by itself', () => {
    const { done, press } = keyboard('g f', 'j')
    expect([press('g'), press('j')]).toEqual([true, true])
    expect(done).toEqual(['j'])
    expect([press('g'), press('x'), press('f')]).toEqual([true, false, false])
  })

  it('O-KEYS-4 a page takes a key over for as long as it is shown', () => {
    const { shortcuts, known, done, press } = keyboard('/')
    const remove = shortcuts.add(known(['/', 'j'], 'page '))
    press('/')
    expect(shortcuts.all().map(({ keys }) => keys)).toEqual(['/', 'j'])
    remove()
    press('/')
    expect(done).toEqual(['page /', '/'])
    expect(shortcuts.all()).toHaveLength(1)
  })

  it('O-KEYS-5 one that is only shown does nothing, and hides none that works', () => {
    const { shortcuts, done, press } = keyboard('Space')
    shortcuts.add([{ keys: 'ArrowUp', label: 'Earlier', group: 'Charts' }])
    expect([press('ArrowUp'), press(' ')]).toEqual([false, true])
    expect(done).toEqual(['Space'])
  })

  it.each([
    { case: 'in a field', event: { ...plain, key: 'j', target: inside(/^input$/) } },
    { case: 'in text that can be edited', event: { ...plain, key: 'j', target: inside(/contenteditable/) } },
    { case: 'with Alt', event: { ...plain, key: 'j', altKey: true, target: nowhere } },
    {
      case: 'that something else has used',
      event: { ...plain, key: 'j', defaultPrevented: true, target: nowhere },
    },
    { case: 'that composes a letter', event: { ...plain, key: 'j', isComposing: true, target: nowhere } },
    { case: 'that presses a button', event: { ...plain, key: ' ', target: inside(/^button$/) } },
  ])('O-KEYS-6 a press $case is not for a shortcut', ({ event }) => {
    expect(readPress(event, false)).toBeNull()
  })

  it('O-KEYS-7 while a dialog is open no shortcut works', () => {
    expect(readPress({ ...plain, key: 'k', ctrlKey: true, target: nowhere }, true)).toBeNull()
  })

  it('O-KEYS-8 with Ctrl or ⌘ only such shortcuts are meant, and these in fields too', () => {
    const { done, press } = keyboard('k', 'Mod+k')
    for (const modifier of [{ ctrlKey: true }, { metaKey: true }]) {
      const read = readPress({ ...plain, ...modifier, key: 'k', target: inside(/^input$/) }, false)
      expect(read).toEqual({ key: 'k', mod: true })
    }
    press('K', { mod: true })
    expect(done).toEqual(['Mod+k'])
  })
})
