import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

export interface Planted extends Disposable {
  root: string
}

/** A small repository in a folder of its own, with the real `node_modules` beside it; gone when disposed. */
export function plant(files: Record<string, string>): Planted {
  const root = mkdtempSync(join(tmpdir(), 'lab-check-'))
  symlinkSync(new URL('../../node_modules', import.meta.url).pathname, join(root, 'node_modules'))
  for (const [file, text] of Object.entries({ 'package.json': '{"type":"module"}', ...files })) {
    mkdirSync(dirname(join(root, file)), { recursive: true })
    writeFileSync(join(root, file), text)
  }
  return { root, [Symbol.dispose]: () => rmSync(root, { recursive: true, force: true }) }
}
