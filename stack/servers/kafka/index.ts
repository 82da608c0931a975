import { freshKafka } from '../../kafka-admin.ts'
import { isRunName } from '../../run-names.ts'
import { onPath } from '../pieces.ts'
import type { ServerKind } from '../server.ts'
import type { KafkaBroker } from './broker.ts'
import { KAFKA_VERSION, kafkaIsCached } from './cache.ts'
import { startDockerKafka } from './docker.ts'
import { readKafkaBrokers, useExternalKafka } from './external.ts'
import { mavenPiece } from './jars.ts'
import { findJava, javaPiece } from './java.ts'
import { startLocalKafka } from './local.ts'

export const kafka: ServerKind<KafkaBroker> = {
  name: 'kafka',
  label: 'Kafka',
  variable: 'KAFKA_BROKERS',
  external: { address: (env) => readKafkaBrokers(env).join(', '), use: useExternalKafka },
  docker: startDockerKafka,
  local: {
    async pieces(env) {
      const java = await findJava(env)
      return [
        { piece: javaPiece, found: java && `Java ${java.major} (${java.command})` },
        { piece: mavenPiece, found: findDownload(env) },
      ]
    },
    start: startLocalKafka,
  },
  address: ({ brokers, prefix }) =>
    prefix === '' ? brokers.join(', ') : `${brokers.join(', ')}, names begin with ${prefix}`,
  env: ({ brokers, prefix }) => ({
    KAFKA_BROKERS: brokers.join(','),
    ...(prefix !== '' && { KAFKA_PREFIX: prefix }),
  }),
  place: (broker, { signal }) => freshKafka(broker, { ...(signal && { signal }) }),
  isOwnPlace: ({ prefix }) => isRunName(prefix.slice(0, -1)),
}

function findDownload(env: NodeJS.ProcessEnv): string | undefined {
  if (kafkaIsCached(env)) return `Kafka ${KAFKA_VERSION}, downloaded`
  const maven = onPath('mvn', env)
  return maven && `Maven (${maven}), to download Kafka ${KAFKA_VERSION}, about 54 MB`
}
