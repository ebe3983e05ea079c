import { z } from 'zod'
import { defineTool } from './tool.ts'

export const whoami = defineTool({
  name: 'whoami',
  title: 'Who am I',
  description: 'Says who is signed in, for which organisation and with which roles.',
  input: z.strictObject({}),
  output: z.object({
    user_id: z.string(),
    email: z.string(),
    org_id: z.string(),
    roles: z.array(z.string()),
    client_id: z.string(),
    scope: z.string(),
  }),
  run: ({ identity: { user_id, email, org_id, roles, client_id, scope } }) => ({
    user_id,
    email,
    org_id,
    roles: [...roles],
    client_id,
    scope,
  }),
})
