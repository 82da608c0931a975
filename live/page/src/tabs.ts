import type { Component } from 'svelte'
import type { Surroundings } from '../../wire/parts.ts'
import type { Stream } from './lib/stream.ts'

/** What every tab is given. */
export interface TabProps {
  stream: Stream
  around: Surroundings
}

export interface Tab {
  /** In the address, after `#/`. */
  id: string
  title: string
  load: () => Promise<{ default: Component<TabProps> }>
}

/** In the order in which people need them. */
export const tabs: readonly Tab[] = [
  { id: 'flow', title: 'Flow', load: () => import('./flow/Flow.svelte') },
  { id: 'figures', title: 'Figures', load: () => import('./figures/Figures.svelte') },
  { id: 'switches', title: 'Switches', load: () => import('./switches/Switches.svelte') },
  { id: 'dead-letters', title: 'Dead letters', load: () => import('./desk/Desk.svelte') },
  { id: 'brokers', title: 'Brokers', load: () => import('./views/Views.svelte') },
  { id: 'experiments', title: 'Experiments', load: () => import('./experiments/Experiments.svelte') },
]
