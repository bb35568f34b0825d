// What is asked of a model whose per-layer embeddings stay in storage; test_stored_rows.py builds it.

/** Logprobs of the tokens behind the first, by logits float32[tokens, vocabulary]. */
function logprobs(tokens, logits) {
  const vocabulary = logits.length / tokens.length;
  return tokens.slice(1).map((token, i) => {
    const row = logits.subarray(i * vocabulary, (i + 1) * vocabulary);
    return row[token] - Math.log(row.reduce((sum, logit) => sum + Math.exp(logit), 0));
  });
}

/** An echoed prompt has the reference's probabilities, and answers at once are those that each is alone. */
export async function check(engine, tokens, logits) {
  const { choices: [{ logprobs: found }] } = await engine.completions.create({ prompt: tokens, echo: true, logprobs: 0, max_tokens: 1, temperature: 0 });
  const errors = logprobs(tokens, logits).map((expected, i) => Math.abs(found.token_logprobs[i + 1] - expected));
  const largest = Math.max(...errors);
  if (!(largest < 5e-3)) throw new Error(`logprobs differ by ${largest}`);
  const ask = async (length) => (await engine.completions.create({ prompt: tokens.slice(0, length), max_tokens: 12, temperature: 0 })).choices[0].text;
  const lengths = [3, 20, tokens.length];
  const together = await Promise.all(lengths.map(ask));
  const alone = [];
  for (const length of lengths) alone.push(await ask(length));
  if (JSON.stringify(together) !== JSON.stringify(alone)) throw new Error(`${together} at once, ${alone} alone`);
}

/** Tokens that nobody has asked for yet. */
export const UNSEEN = [11, 12, 13, 14, 15, 16, 17];

/** An answer that needs a shard which is gone fails by saying so; where it is there again, the same conversation is answered. */
export async function outlive(engine, remove, restore) {
  const ask = () => engine.completions.create({ prompt: UNSEEN, max_tokens: 4, temperature: 0 });
  await remove();
  const error = await ask().then(() => null, (refusal) => refusal);
  if (error?.code !== "Download" || !/is cut or gone/.test(error.message)) throw new Error(`the answer failed with ${error}`);
  await restore();
  const { usage } = await ask();
  if (usage.completion_tokens !== 4) throw new Error(`${usage.completion_tokens} tokens`);
}
