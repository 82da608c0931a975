import { startOpenLoop } from './start-open-loop.ts'

// Stands in for a runner that is killed in the middle of a run.
const [url = '', historyFile = ''] = process.argv.slice(2)
const { pid, result } = startOpenLoop({
  url,
  rate: { perSecond: 200, seconds: 60 },
  completion: 'response',
  historyFile,
})
process.send?.(pid)
await result
