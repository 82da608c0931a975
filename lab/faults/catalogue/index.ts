import type { Fault } from '../fault.ts'
import { crashPoints } from './crash-points.ts'
import { instanceFaults } from './instances.ts'
import { messageFaults } from './messages.ts'
import { networkFaults } from './network.ts'
import { brokerFaults, clockFaults, processFaults, storeFaults } from './process.ts'
import { kafkaFaults, rabbitFaults } from './topology.ts'

/** Every way in which the lab breaks a part, by kind. */
export const catalogue: Fault[] = [
  ...processFaults,
  ...brokerFaults,
  ...networkFaults,
  ...storeFaults,
  ...clockFaults,
  ...messageFaults,
  ...instanceFaults,
  ...rabbitFaults,
  ...kafkaFaults,
  ...crashPoints,
]
