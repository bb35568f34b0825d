/** A logit processor that forces tokens one after the other. */
export class Forcing {
  resets = 0;
  sampled = [];
  #next = 40;

  processLogits(logits) {
    logits.fill(-100);
    logits[this.#next] = 100;
    return logits;
  }

  processSampledToken(token) {
    this.sampled.push(token);
    this.#next++;
  }

  resetState() {
    this.resets++;
    this.#next = 40;
  }
}
