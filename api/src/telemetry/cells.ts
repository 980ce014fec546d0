/** What Excel, LibreOffice and Google Sheets take for the beginning of a formula, full-width forms included. */
const FORMULA = '[=+\\-@\\t\\r\\n＝＋－＠]'
const STARTS_FORMULA = new RegExp(`^${FORMULA}`)
/**
 * Where a spreadsheet with other separators than ours begins a cell in the midst of ours: behind a line break even
 * inside quotes, and behind a semicolon, the list separator of half of Europe.
 */
const HIDES_FORMULA = /([;\t\r\n]\s*)(?=[=+\-@＝＋－＠])/g

/**
 * A cell of CSV: RFC 4180 quoting. Text that a spreadsheet would run as a formula gets an apostrophe (OWASP, CSV
 * injection); numbers stay numbers, negative ones too.
 */
export function csvCell(value: number | boolean | string | null): string {
  if (typeof value !== 'string') return String(value ?? '')
  const safe = (STARTS_FORMULA.test(value) ? `'${value}` : value).replace(HIDES_FORMULA, "$1'")
  return /[",;\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
