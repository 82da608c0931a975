/** The figures of a run mean nothing: orders are missing, or were not completed. The message says what was seen. */
export class BenchInvalid extends Error {}
