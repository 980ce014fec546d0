/** Tables and figures as every part of the results writes them. */

export function table(header: string[], rows: string[][]): string {
  const line = (cells: string[]) => `| ${cells.join(' | ')} |`
  return [line(header), line(header.map(() => '---')), ...rows.map(line)].join('\n')
}

export function thousands(value: number): string {
  return Math.round(value).toLocaleString('en-US')
}

/** Three figures are what these measurements are good for. */
export function milliseconds(value: number): string {
  return value < 100 ? value.toFixed(1) : value.toFixed(0)
}

export function ratio(value: number): string {
  return value.toFixed(2)
}

export function coresUsed(cores: Record<string, number>): string {
  return Object.entries(cores)
    .map(([name, used]) => `${name} ${used.toFixed(2)}`)
    .join(', ')
}

/** What makes a run worthless is said where its numbers would be read. */
export function listViolations(violations: readonly string[]): string {
  return ['**These runs do not count:**', ...violations].join('\n- ')
}
