/** Longer would let a silent database keep the broker from ending. What is not stored then goes to the spool. */
export const DRAIN_MS = 1_200
/** For the disk. What is not there then either is not acknowledged. */
export const SPOOL_MS = 600
export const STOP_MS = 300
