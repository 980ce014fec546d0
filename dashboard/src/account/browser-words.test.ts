import { describe, expect, it } from 'vitest'
import { browserWords } from './browser-words.ts'

const chrome =
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0'
const iphone =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)'

describe('browserWords', () => {
  it.each([
    [`${chrome} Safari/537.36`, 'Chrome on Windows'],
    [`${chrome} Safari/537.36 Edg/140.0.0.0`, 'Edge on Windows'],
    ['Mozilla/5.0 (X11; Linux x86_64; rv:142.0) Gecko/20100101 Firefox/142.0', 'Firefox on Linux'],
    [`${iphone} Version/18.0 Mobile/15E148 Safari/604.1`, 'Safari on iPhone'],
    [`${iphone} CriOS/140.0.0.0 Mobile/15E148 Safari/604.1`, 'Chrome on iPhone'],
    ['curl/8.5.0', 'curl'],
    ['<script>alert(1)</script>', '<script>alert(1)</script>'],
    ['x'.repeat(500), 'x'.repeat(60)],
    ['', 'Unknown program'],
    [null, 'Unknown program'],
  ])('%s', (userAgent, words) => {
    expect(browserWords(userAgent)).toBe(words)
  })
})
