/** Ends what global-setup.ts began; nothing when the run used a database of its own. */
export default async function tearDown(): Promise<void> {
  await globalThis.stopTestDatabases?.()
}
