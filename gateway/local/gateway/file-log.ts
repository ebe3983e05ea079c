import { z } from 'zod'
import { createLineFile } from './line-file.ts'
import { createRedaction, custom_fields_by_lua, redactionNotice } from './log-redaction.ts'
import { nativePlugin } from './native-plugin.ts'

/** Kong's `file-log`: a line of JSON for each request, by the names of Kong's log serializer. */
export const file_log = nativePlugin({
  name: 'file-log',
  priority: 9,
  notice: config => redactionNotice(config.custom_fields_by_lua),
  config: z.strictObject({
    path: z.string().regex(/^[^*&%\\`]+$/, 'is no valid filename'),
    reopen: z.boolean().default(false),
    custom_fields_by_lua,
  }),
  start({ path, reopen, custom_fields_by_lua }, { log, print }) {
    const redact = createRedaction(custom_fields_by_lua)
    if (path === '/dev/stdout' || path === '/dev/stderr') {
      return { log: message => print(JSON.stringify(redact(message)), path) }
    }
    const file = createLineFile(path, {
      reopen,
      onError: reason => log({ msg: 'file-log failed', level: 'err', path, reason }),
    })
    return {
      log: message => file.write(JSON.stringify(redact(message))),
      async problem() {
        try {
          await file.open()
          return undefined
        } catch (error) {
          const reason = (error as Error).message
          return `config.path: ${path} cannot be written (${reason}): make its folder, or name another file`
        }
      },
      close: () => file.close(),
    }
  },
})
