/** The broker of the seed's development setup. */
const DEFAULT_URL = 'ws://localhost:8083/mqtt'

/**
 * Where the broker is: what the place says in which this build is served (`config.json`), else what it was built for
 * (`VITE_MQTT_URL`), else a broker on this machine.
 */
export async function brokerUrl(): Promise<string> {
  const built: unknown = import.meta.env.VITE_MQTT_URL
  return (await servedUrl()) ?? (typeof built === 'string' && built !== '' ? built : DEFAULT_URL)
}

async function servedUrl(): Promise<string | undefined> {
  try {
    const response = await fetch('/config.json', { signal: AbortSignal.timeout(3_000) })
    const { mqttUrl } = (await response.json()) as { mqttUrl?: unknown }
    return typeof mqttUrl === 'string' && mqttUrl !== '' ? mqttUrl : undefined
  } catch {
    return undefined // a host that serves the files alone, and perhaps a page in place of what is missing
  }
}
