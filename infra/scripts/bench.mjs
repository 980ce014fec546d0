// What `npm run bench` runs; arguments are the benchmark's own (`npm run bench -- --help`).
import { prepare } from './prepare.mjs'

if (await prepare()) await import('../../device-simulator/dist/bench.js')
