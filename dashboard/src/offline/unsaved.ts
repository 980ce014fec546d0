type Field = { value: string; isConnected: boolean; closest: (selector: string) => unknown }

/** What is typed there is a question, not something to keep. */
const searches = 'search, [role="search"], [role="combobox"], [type="search"], dialog.over--palette'

/** Fields somebody has typed into. React keeps no trace of it in the DOM, so the typing itself is noted. */
export class TypedFields {
  readonly #fields = new Set<Field>()

  note(field: Field): void {
    if (!field.closest(searches)) this.#fields.add(field)
  }

  /** A form that was sent, or left, is gone from the page or emptied. */
  some(): boolean {
    for (const field of this.#fields) if (!field.isConnected) this.#fields.delete(field)
    return [...this.#fields].some(({ value }) => value !== '')
  }
}

const typedFields = new TypedFields()

export function noteTyping(): void {
  document.addEventListener('input', ({ target }) => {
    if (target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement) typedFields.note(target)
  })
}

export function hasUnsavedInput(): boolean {
  return typedFields.some()
}
