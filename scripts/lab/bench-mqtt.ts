import { loadavg } from 'node:os'
import { benchMqtt, type MqttBench, mqttTable } from '@lab/lab/bench/mqtt.ts'
import { MQTT_SCHEMA_VERSION, MqttResults } from '@lab/lab/bench/mqtt-results.ts'
import { describeBroker, describeEnvironment } from '@lab/lab/report/environment.ts'
import type { BenchCommand } from './bench-command-line.ts'
import { saveBench } from './save-bench.ts'
import type { Terminal } from './terminal.ts'
import { withSession } from './with-session.ts'

/** Exit code 0 when every order had its food once; a target that is missed is a finding. */
export async function mqttCommand(command: BenchCommand, terminal: Terminal): Promise<number> {
  return withSession(terminal.say, async (session) => {
    const startedAt = new Date()
    const before = loadavg()
    const environment = await describeEnvironment()
    const [orders] = command.orders as [number]
    const broker = await session.server('mosquitto')
    const [result] = (await terminal.reporter.tasks([
      {
        title: 'pubsub-mqtt: orders per second against a bare loop',
        run: (progress) => benchMqtt({ session, orders, rounds: command.rounds, progress }),
        done: ({ comparison }: MqttBench) =>
          `pubsub-mqtt: ${comparison.ratio.median.toFixed(2)} of the bare loop`,
        failed: ({ valid }) => !valid,
      },
    ])) as [MqttBench]
    terminal.table(mqttTable(result))
    terminal.print(`the kitchen had at most ${Math.round(result.peak_rss_bytes / 2 ** 20)} MB resident`)
    if (!result.valid) terminal.print('INVALID  not every order had its food once')
    const results: MqttResults = {
      schema_version: MQTT_SCHEMA_VERSION,
      bench: 'mqtt',
      started_at: startedAt.toISOString(),
      ended_at: new Date().toISOString(),
      environment,
      load_average: { before, after: loadavg() },
      brokers: [describeBroker(broker)],
      ...result,
    }
    await saveBench(
      { command, session, terminal },
      { file: 'mqtt.json', schema: MqttResults, results, startedAt },
    )
    return result.valid ? 0 : 1
  })
}
