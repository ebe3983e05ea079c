import { existsSync } from 'node:fs'
import { type Browser, chromium } from 'playwright-core'

/** Where Debian's package `chromium` puts it. CHROMIUM names another. */
const executable = process.env['CHROMIUM'] ?? '/usr/bin/chromium'

/**
 * A real Chromium without a window. `hosts` are https hosts that are to be found on this computer,
 * with the port each is served at. Rejects with what to install when there is no Chromium.
 */
export async function launchChromium(
  hosts: Readonly<Record<string, number>> = {},
  executable_path = executable,
): Promise<Browser> {
  if (!existsSync(executable_path))
    throw new Error(
      `There is no Chromium at ${executable_path}. Install the Debian package "chromium" (apt-get install chromium), or name another in CHROMIUM.`,
    )
  const rules = Object.entries(hosts).map(([host, port]) => `MAP ${host}:443 127.0.0.1:${port}`)
  return chromium.launch({
    executablePath: executable_path,
    args: [
      // Chromium has no sandbox for root, as which tests run in a container.
      ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
      '--disable-gpu',
      ...(rules.length === 0 ? [] : [`--host-resolver-rules=${rules.join()}`]),
    ],
  })
}
