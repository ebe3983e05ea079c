import { fileURLToPath } from 'node:url'

/**
 * What NODE_COMPILE_CACHE is for our processes: where Node keeps the JavaScript that it made of our
 * TypeScript, and what it compiled of that, so that the next process starts in two thirds of the
 * time. In the project's own folder: who may write there decides what runs.
 */
export const compile_cache = fileURLToPath(
  new URL('../../node_modules/.cache/compiled', import.meta.url),
)
