import { describe, expect, test } from 'vitest'
import { countDownloads } from './maven-progress.ts'

describe('progress of a download', () => {
  test('counts jars and their size, and nothing else', () => {
    const log = [
      '[INFO] Downloading from central: https://repo/kafka-clients-4.3.1.jar',
      '[INFO] Downloaded from central: https://repo/kafka-clients-4.3.1.jar (9.8 MB at 12 MB/s)',
      'Downloaded from corporate-mirror: https://repo/slf4j-api-1.7.36.jar (41 kB at 1.2 MB/s)',
      '[INFO] Downloaded from central: https://repo/kafka-clients-4.3.1.pom (7.1 kB at 90 kB/s)',
    ]

    expect(countDownloads(log.join('\n'))).toEqual({ jars: 2, bytes: 9_841_000 })
  })
})
