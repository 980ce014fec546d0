import { expect, it } from 'vitest'
import { causeOf, problemCauses } from './problems.ts'

it.each(Object.entries(problemCauses))('O-DIAG-6 %s says what happened and what to do', (code, cause) => {
  expect(code).toMatch(/^[a-z]+[a-z0-9_]*$/)
  const sentences = cause.split(/(?<=\.) (?=[A-Z])/)
  expect(sentences.length).toBeGreaterThanOrEqual(2)
  for (const sentence of sentences) expect(sentence).toMatch(/^[A-Z].{10,}\.$/)
  expect(causeOf(code)).toBe(cause)
})

it('O-DIAG-6 a code of a newer broker gets a sentence too', () => {
  expect(causeOf('from_the_future')).toMatch(/Update the API\.$/)
  expect(causeOf('constructor')).toMatch(/Update the API\.$/)
})
