/** An option's value as a whole number; throws a TypeError for the user. */
export function wholeNumber(name: string, given: string, least: number, most: number): number {
  const number = Number(given)
  if (/^\d+$/.test(given) && number >= least && number <= most) return number
  throw new TypeError(`--${name} must be a whole number from ${least} to ${most}`)
}
