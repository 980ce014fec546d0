import type { Command } from '@telltale/api/contract'
import { describe, expect, it } from 'vitest'
import { type Found, lookUp } from './look-up.ts'

const command = { id: 'c-1', status: 'delivered' } as Command
const taken: Found = { kind: 'command', command }
const none: Found = { kind: 'none' }
const unreachable: Found = { kind: 'unreachable' }

/** Answers in this order; what it did is written down. */
function answering(answers: Found[]) {
  const steps: string[] = []
  const options = {
    whenOpen: async () => void steps.push('line'),
    find: async (id: string) => {
      steps.push(`find ${id}`)
      return answers.shift() ?? none
    },
    pause: async () => void steps.push('pause'),
    isOver: () => false,
  }
  return { options, steps }
}

describe('lookUp', () => {
  it('C-PENDING-1 a command whose answer was lost is found by its id, once there is a line again', async () => {
    const { options, steps } = answering([taken])
    expect(await lookUp('c-1', options)).toBe(command)
    expect(steps).toEqual(['line', 'find c-1'])
  })

  it('C-PENDING-2 it is said to be missing only when the server has said so twice', async () => {
    expect(await lookUp('c-1', answering([none, none]).options)).toBe(null)
    expect(await lookUp('c-1', answering([none, taken]).options)).toBe(command)
    expect(await lookUp('c-1', answering([none, unreachable, none, taken]).options)).toBe(command)
  })

  it('C-PENDING-3 as long as the server does not answer nothing is said', async () => {
    const { options, steps } = answering([unreachable, unreachable, unreachable, taken])
    expect(await lookUp('c-1', options)).toBe(command)
    expect(steps.filter((step) => step === 'line')).toHaveLength(4)
  })
})
