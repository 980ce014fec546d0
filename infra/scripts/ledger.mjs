// What `npx pnpm ledger` runs; arguments are the ledger's own (`npx pnpm ledger --help`).
import { prepare } from './prepare.mjs'

if (await prepare()) await import('../../device-simulator/dist/ledger.js')
