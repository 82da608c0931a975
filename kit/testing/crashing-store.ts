import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openStore, type Store } from '../store.ts'

export interface CrashingStore extends Disposable {
  /** The store as the process that lives now has it open. */
  current: () => Store
  /** What a kill leaves: nothing of an open transaction, all of what was committed. Opens the file again. */
  crash: () => Store
}

/** New stores as files, by their schema: made once, because SQLite waits for the disk when it makes one. */
const fresh = new Map<string, Buffer>()

/** A store in a file of its own, whose process can be killed; gone when disposed. */
export function crashingStore(name: string, schema: string): CrashingStore {
  const folder = mkdtempSync(join(tmpdir(), `lab-${name}-`))
  const file = join(folder, `${name}.sqlite`)
  const template = fresh.get(schema)
  if (template) writeFileSync(file, template)
  let store = open()
  if (!template) {
    store.close()
    fresh.set(schema, readFileSync(file))
    store = open()
  }

  /** A kill leaves to the system what was written; only a loss of power asks whether it had reached the disk. */
  function open(): Store {
    const opened = openStore(name, folder, schema)
    opened.db.exec('PRAGMA synchronous = OFF')
    return opened
  }

  return {
    current: () => store,
    crash: () => {
      store.close()
      store = open()
      return store
    },
    [Symbol.dispose]: () => {
      store.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
