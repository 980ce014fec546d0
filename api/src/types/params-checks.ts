import { compileParamsSchema, type ParamsCheck } from './params-validator.ts'

/** A compiled schema takes some 16 KiB, or 70 times its text if that is more: 45 MB together. */
const CHECKS_MAX = 500
const CHARACTERS_MAX = 512 * 1024

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

  #forget(schema: string): void {
    if (this.#checks.delete(schema)) this.#characters -= schema.length
  }
}
