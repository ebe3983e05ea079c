import { runCheck } from '../../check-command.ts'
import { checkCompose } from './check.ts'

await runCheck({
  usage: `Checks docker-compose.yml, the images it builds and .env, without starting anything.

  npm run compose:check

Says everything that is wrong, and exits 1 when something is.`,
  check: checkCompose,
  in_order: 'docker-compose.yml, its images and .env are in order',
})
