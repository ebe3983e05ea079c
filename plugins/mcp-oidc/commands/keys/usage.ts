import { environment_help } from '../../../../storage/commands/command-store.ts'

export const usage = `Makes, rotates and lists the key rings of the gateway. docs/keys.md has each rotation, step by step.

  npm run keys -- new            [--ring R]… [--kid KID] [--out FILE] [--json]
  npm run keys -- rotate append  --ring R [--kid KID] [where] [--write | --out FILE] [--json]
  npm run keys -- rotate promote --ring R --kid KID   [where] [--write | --out FILE] [--json]
  npm run keys -- rotate remove  --ring R --kid KID   [where] [--write | --out FILE] [--json]
  npm run keys -- list           [--ring R]… [where] [--json]
  npm run keys -- reseal         [where] [--json]
  npm run keys -- forget         --ring R [--env F] [--json]

  new      a ring with one new key: its JWKS. Of several rings, or all three when none is named, the
           lines NAME=value for the environment of Kong.
  append   puts a new key last: known everywhere before anything is made with it
  promote  makes a key the first: from now on things are made with it
  remove   takes a key out; a storage key only when no row depends on it
  list     the kids of the rings in their order, and how many values each storage key seals
  reseal   seals with the first storage key what another one sealed, while the gateway runs. May be
           interrupted and begun again. Names what it could not open.
  forget   lets a ring be replaced at once, which a start refuses otherwise: a leaked signing key, say.
           What the old one signed or sealed is lost.

  --ring R     signing, storage or cookie
  --kid KID    how the key is called; a new one gets a name with the day in it
  --write      puts the ring back where it was read from, --file or --env
  --out FILE   writes the result into a new file, mode 0600, instead of printing it
  --unchecked  removes a storage key although no database was asked whether rows depend on it
  --json       one JSON object a line
  --help       this text

Where the rings are:
  --file F     the JWKS of the ring that is named, in a file of its own
  --env F      a file of NAME=value lines with the variables below
  Without them, the environment.

new and rotate print private keys, unless they write them into a file: mind where it goes. Nothing else
ever does. Exits 0 when done, 1 when it failed or something is amiss (rows that do not open, say), 2 when
it was called wrongly or refused to do harm.

${environment_help}
  SIGNING_KEYS, COOKIE_KEYS   the JWKS of signing_keys and cookie_keys`
