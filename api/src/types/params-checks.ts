import { compileParamsSchema, type ParamsCheck } from './params-validator.ts'

const CHECKS_MAX = 1_000
/**
 * A compiled schema takes some 16 KiB, or 70 times its text if that is more. These are 96 of the largest schemas and
 * 110 MB, of the 512 MB the API may take; with fewer, types in use at once would be compiled for each command.
 */
const CHARACTERS_MAX = 1536 * 1024

/**
 * Compiled schemas, those used last. By their text, so that no type that was replaced, here or by another API, is
 * checked by its former self.
 */
export class ParamsChecks {
  readonly #checks = new Map<string, ParamsCheck>()
  #characters = 0

  /** @param schema as JSON */
  of(schema: string): ParamsCheck {
    const check = this.#checks.get(schema) ?? compileParamsSchema(JSON.parse(schema))
    // What is in use goes to the end: the first is the one not used for longest.
    this.#forget(schema)
    this.#checks.set(schema, check)
    this.#characters += schema.length
    for (const oldest of this.#checks.keys()) {
      if (this.#checks.size <= CHECKS_MAX && this.#characters <= CHARACTERS_MAX) break
      this.#forget(oldest)
    }
    return check
  }

  /** Never compiles: false also when that is what it would take to say. */
  isKnownToFit(schema: string, params: unknown): boolean {
    return this.#checks.has(schema) && this.of(schema).fits(params)
  }

  #forget(schema: string): void {
    if (this.#checks.delete(schema)) this.#characters -= schema.length
  }
}
