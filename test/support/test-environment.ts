import { TestEnvironment } from 'jest-environment-node'

/**
 * Jest's environment for Node, in worker processes that end without taking their heap apart. At the end
 * of a run that is hundreds of megabytes, which took longer than the half second that Jest waits; it
 * then killed the worker and warned of tests that leave something open. `beforeExit` does not come while
 * anything is open, so that warning now means what it says.
 */
process.once('beforeExit', () => process.exit())

export default TestEnvironment
