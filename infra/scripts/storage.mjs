// What `npm run storage:move`, `storage:backup` and `storage:restore` run: builds when something changed, then starts.
import { prepare } from './prepare.mjs'

if (await prepare()) await import('../dist/storage.js')
