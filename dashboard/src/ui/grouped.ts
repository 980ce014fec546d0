const formats = new Map<string, Intl.NumberFormat>()

/** `1,234.50`. Making a format takes far longer than using it, and charts write hundreds of numbers a second. */
export function grouped(value: number, decimals: { min?: number; max: number }): string {
  const { min = 0, max } = decimals
  const key = `${min} ${max}`
  let format = formats.get(key)
  if (format === undefined) {
    format = new Intl.NumberFormat('en-US', { minimumFractionDigits: min, maximumFractionDigits: max })
    formats.set(key, format)
  }
  return format.format(value)
}
