import type { Fault } from '../fault.ts'
import { brokerFaults } from './broker.ts'
import { clockFaults } from './clock.ts'
import { crashPoints } from './crash-points.ts'
import { instanceFaults } from './instances.ts'
import { kafkaFaults } from './kafka.ts'
import { messageFaults } from './messages.ts'
import { networkFaults } from './network.ts'
import { processFaults } from './process.ts'
import { rabbitFaults } from './rabbit.ts'
import { storeFaults } from './store.ts'

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
