/**
 * Asks at once, and while an answer is on its way remembers only the newest question: no key press waits for a timer, and
 * no more than one question waits for the answer before it.
 */
export class Latest<Question> {
  #ask: (question: Question, signal: AbortSignal) => Promise<void>;
  #running: AbortController | null = null;
  #next: { readonly question: Question } | null = null;

  /** `ask` handles its own errors; once its signal is aborted its answer is no longer wanted. */
  constructor(ask: (question: Question, signal: AbortSignal) => Promise<void>) {
    this.#ask = ask;
  }

  get busy(): boolean {
    return this.#running !== null;
  }

  ask(question: Question): void {
    this.#next = { question };
    if (this.#running === null) void this.#run();
  }

  /** Forgets the question that waits, and gives up the one being answered. */
  stop(): void {
    this.#next = null;
    this.#running?.abort();
    this.#running = null;
  }

  async #run(): Promise<void> {
    const controller = new AbortController();
    this.#running = controller;
    while (this.#next !== null && !controller.signal.aborted) {
      const { question } = this.#next;
      this.#next = null;
      await this.#ask(question, controller.signal);
    }
    if (this.#running === controller) this.#running = null;
  }
}
