/** The process of a crowd: a plan in, answers out, gone with the bench. */
import { type CrowdPlan, serveCrowd } from './crowd.ts'

process.once('disconnect', () => process.exit(1))
serveCrowd(JSON.parse(process.argv[2] ?? '') as CrowdPlan)
