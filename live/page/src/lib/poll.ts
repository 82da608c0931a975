import { read } from './api.ts'

const EVERY_MS = 2_000

/** Asks for `path` now and every two seconds; answers how to stop that. */
export function poll<Answer>(
  path: string,
  { take, fail }: { take: (answer: Answer) => void; fail: (message: string) => void },
): () => void {
  const ask = () => read<Answer>(path).then(take, (err: Error) => fail(err.message))
  void ask()
  const timer = setInterval(ask, EVERY_MS)
  return () => clearInterval(timer)
}
