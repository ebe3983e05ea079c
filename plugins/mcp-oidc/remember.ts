/**
 * Asks at most once in `age` milliseconds, and once at a time: a question that costs the database
 * more as it grows is not for everybody who can reach the metrics to repeat.
 */
export function rememberFor<T>(
  age: number,
  now: () => number,
  ask: () => Promise<T>,
): () => Promise<T> {
  let known: { readonly answer: Promise<T>; readonly at: number } | undefined
  return () => {
    if (!known || now() - known.at >= age) known = { answer: ask(), at: now() }
    return known.answer
  }
}
