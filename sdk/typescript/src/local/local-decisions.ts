/** What decides in this process, as a program sees it. */
export interface LocalDecisions {
  /** Why the service is asked just now; undefined while checks are decided here. */
  readonly whyNot: string | undefined;

  /** Whether policies are here in time, which decide here. */
  waitUntilReady(timeoutMs: number): Promise<boolean>;

  /** Everything that was decided here, to the service, now. Rejects where it can't be reached; then it stays on disk. */
  handOver(): Promise<void>;
}
