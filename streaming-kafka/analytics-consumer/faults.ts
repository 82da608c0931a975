import { Faults } from '@lab/kit/faults.ts'

/** The faults of every service, and the throttle: a sleep before each message, which ends like the others. */
export class ConsumerFaults extends Faults {
  readonly throttle = new Faults()

  /** Whether messages have to go one by one. */
  get isSlow(): boolean {
    return this.throttle.isActive || this.isActive
  }

  override clear(): void {
    super.clear()
    this.throttle.clear()
  }
}
