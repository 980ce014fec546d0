import type { Deps } from '../deps.ts'
import { asProblemError } from '../errors.ts'
import { unavailable } from '../system/database-watch.ts'
import { authenticate, hashOfProof, type Principal, type Proof } from './authenticate.ts'

type Needed = Pick<Deps, 'pool' | 'sessions' | 'database'>

/**
 * Who asks. While the database is away nobody can be looked up, and nobody can be revoked: whoever was fine when it was
 * last heard stays so, which keeps live streams going.
 * @throws ProblemError database_unavailable when nobody knows
 */
export async function identify(
  { pool, sessions, database }: Needed,
  proof: Proof,
): Promise<Principal | undefined> {
  try {
    const principal = await database.orAway(() => authenticate(pool, proof))
    if (principal) sessions.confirm(principal)
    return principal
  } catch (error) {
    if (asProblemError(error).code !== 'database_unavailable') throw error
    const hash = hashOfProof(proof)
    const principal = hash && sessions.recall(hash, database.lastHeardMs)
    if (!principal) throw unavailable()
    return principal
  }
}
