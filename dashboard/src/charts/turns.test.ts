import { expect, it } from 'vitest'
import { Turns } from './turns.ts'

function table(costMs: number) {
  let now = 0
  const drawn: string[] = []
  const turns = new Turns(() => now)
  const chart = (name: string) => () => {
    drawn.push(name)
    now += costMs
  }
  return { turns, chart, take: () => drawn.splice(0) }
}

it('L-TURNS-1: cheap charts are drawn in one frame, dear ones one in each, in the order they asked', () => {
  const cheap = table(1)
  for (const name of ['a', 'b', 'c']) cheap.turns.ask(cheap.chart(name))
  cheap.turns.run()
  expect(cheap.take()).toEqual(['a', 'b', 'c'])
  const dear = table(40)
  for (const name of ['a', 'b', 'c']) dear.turns.ask(dear.chart(name))
  const frames = [1, 2, 3, 4].map(() => {
    dear.turns.run()
    return dear.take()
  })
  expect(frames).toEqual([['a'], ['b'], ['c'], []])
})

it('L-TURNS-2: a chart that asks again while it waits is drawn once, and one that left not at all', () => {
  const { turns, chart, take } = table(1)
  const [a, b] = [chart('a'), chart('b')]
  turns.ask(a)
  turns.ask(b)
  turns.ask(a)
  turns.drop(b)
  turns.run()
  expect(take()).toEqual(['a'])
})
