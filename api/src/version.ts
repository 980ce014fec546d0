import { readFileSync } from 'node:fs'

/** From the source tree and from `dist/main.js` alike, package.json is one folder up. */
const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))

export const version: string = manifest.version
