import { describe, expect, test } from 'vitest'
import { parseOptions, readDuration } from './options.ts'

function parse(line: string) {
  return parseOptions(line === '' ? [] : line.split(' '))
}

describe('durations', () => {
  test.each([
    ['250ms', 250],
    ['1s', 1_000],
    ['1.5m', 90_000],
    ['2h', 7_200_000],
    ['1d', 86_400_000],
  ])('%s', (text, value) => {
    expect(readDuration(text)).toEqual({ value })
  })

  test.each(['', '5', '0s', '-1s', '1 s', '1w', 's', '1s2m', '1e3s'])('refuses "%s"', (text) => {
    expect(readDuration(text)).toHaveProperty('error')
  })
})

describe('command line', () => {
  test('has defaults for everything', () => {
    expect(parse('')).toMatchObject({
      kind: 'run',
      options: { devices: 10, intervalMs: 1_000, profile: 'mixed', seed: 1, chaos: false, print: false },
    })
  })

  test('reads every option, and passes over the -- that package managers add', () => {
    const line =
      '-- --devices 200 --interval 500ms --profile greenhouse --seed 7 --chaos --duration 5m --prefix sim ' +
      '--url mqtts://broker.example:8883 --api https://telltale.example/ --token tt_x --print'
    expect(parse(line)).toEqual({
      kind: 'run',
      options: {
        devices: 200,
        intervalMs: 500,
        profile: 'greenhouse',
        seed: 7,
        chaos: true,
        durationMs: 300_000,
        mqttUrl: 'mqtts://broker.example:8883',
        apiUrl: 'https://telltale.example',
        token: 'tt_x',
        prefix: 'sim',
        print: true,
      },
    })
  })

  test('reports all mistakes at once', () => {
    const line =
      '--devices 0 --interval 1 --profile desert --seed -3 --duration soon --url http://x --api nowhere ' +
      '--prefix .a --chaotic 5 stray'
    const parsed = parse(line)
    if (parsed.kind !== 'wrong') throw new Error('accepted')
    const about = ['--chaotic', 'stray', '--profile', '--devices', '--interval', '--seed', '--duration']
    for (const name of [...about, '--url', '--api', '--prefix']) {
      expect(parsed.errors.filter((error) => error.includes(name), name)).toHaveLength(1)
    }
    expect(parsed.errors).toHaveLength(10)
  })

  test('suggests the option that was meant, and notices a value that is missing', () => {
    expect(parse('--device 3 --seed')).toEqual({
      kind: 'wrong',
      errors: expect.arrayContaining([
        expect.stringContaining('Did you mean --devices?'),
        expect.stringContaining('--seed'),
      ]),
    })
  })

  test('--help is text, not a mistake', () => {
    expect(parse('--help')).toMatchObject({ kind: 'text', text: expect.stringContaining('--interval') })
  })
})
