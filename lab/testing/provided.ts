import type { ServerName } from '@lab/stack/servers/index.ts'

/** What `inject` answers in a test: data only, because it crosses from the runner to its workers. */
declare module 'vitest' {
  interface ProvidedContext {
    /** The runner's own run directories, one for each lane; `joinRunDir` makes one usable. */
    runs: { id: string; path: string }[]
    /** Where the runner answers for its servers; `sharedServer` asks there. */
    serversAt: string
    /** The servers that the tests of this project share; named in `vitest.workspace.ts`. */
    needs: readonly ServerName[]
  }
}
