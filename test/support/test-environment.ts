import { TestEnvironment } from 'jest-environment-node'

/**
 * Jest's environment for Node, in worker processes that end without taking their heap apart: that is
 * hundreds of megabytes at the end of a run, and Jest waits half a second before it kills a worker and
 * warns of tests that leave something open. On a machine that is busy with other things it may still
 * warn for nothing. `beforeExit` does not come while anything is open, so it always warns of that.
 */
process.once('beforeExit', () => process.exit())

export default TestEnvironment
