// What `npm start` runs. Plain JavaScript without dependencies: it is here before anything is installed.
import { prepare } from './prepare.mjs'

if (await prepare()) await import('../dist/up.js')
