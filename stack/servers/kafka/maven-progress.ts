import { readFileSync } from 'node:fs'

const EVERY_MS = 1_000
const UNITS: Record<string, number> = { B: 1, kB: 1e3, MB: 1e6, GB: 1e9 }

/** Tells once a second, while it changes, how many jars Maven has downloaded. Answers a function that stops it. */
export function followDownload(logFile: string, tell: (text: string) => void): () => void {
  let told = ''
  const look = () => {
    const { jars, bytes } = countDownloads(readFileSync(logFile, 'utf8'))
    const text = `${jars} jars, ${(bytes / 1e6).toFixed(1)} MB downloaded`
    if (jars > 0 && text !== told) tell(text)
    told = text
  }
  const timer = setInterval(look, EVERY_MS)
  return () => clearInterval(timer)
}

/** Reads lines such as `Downloaded from central: https://…/kafka-clients-4.3.1.jar (9.8 MB at 12 MB/s)`. */
export function countDownloads(log: string): { jars: number; bytes: number } {
  const lines = log.matchAll(/Downloaded from \S+ \S+\.jar \(([\d.]+) ([kMG]?B)/g)
  const sizes = [...lines].map(([, size, unit]) => Number(size) * (UNITS[unit!] ?? 0))
  return { jars: sizes.length, bytes: sizes.reduce((sum, size) => sum + size, 0) }
}

/** The first warnings and errors of a Maven log: the reason comes first, then a page of advice. */
export function mavenComplaints(logFile: string): string {
  const lines = readFileSync(logFile, 'utf8').split('\n')
  const complaints = lines.filter((line) => /^\[(WARNING|ERROR)\] \S/.test(line)).slice(0, 4)
  return (complaints.length > 0 ? complaints : lines.slice(-12)).map((line) => `  ${line}`).join('\n')
}
