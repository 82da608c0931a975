import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { messageOf } from '@lab/kit/errors.ts'
import { postmanFiles } from './generate.ts'

const usage = `Usage: npm run lab -- restman postman [options]

Writes the Postman collection and its environment from the merged document of a gateway that runs.

  --gateway URL  http://localhost:8000 by default
  --help         this text`

interface Io {
  signal: AbortSignal
  print(line: string): void
  say(line: string): void
}

/** Exit code 2 for a wrong use, 1 where the gateway does not answer or a route has no place in the collection. */
export async function run(args: string[], { print, say, signal }: Io): Promise<number> {
  let values: { gateway: string; help?: boolean }
  try {
    const options = {
      gateway: { type: 'string', default: 'http://localhost:8000' },
      help: { type: 'boolean' },
    } as const
    values = parseArgs({ args, options }).values
  } catch (err) {
    say(`${messageOf(err)}\n\n${usage}`)
    return 2
  }
  if (values.help) {
    print(usage)
    return 0
  }
  try {
    const response = await fetch(new URL('/docs/json', values.gateway), { signal })
    for (const [name, text] of Object.entries(postmanFiles((await response.json()) as never))) {
      await writeFile(join(import.meta.dirname, name), text)
      print(`platform-restman/postman/${name}`)
    }
    return 0
  } catch (err) {
    signal.throwIfAborted()
    say(`${values.gateway}: ${messageOf(err)}`)
    return 1
  }
}
