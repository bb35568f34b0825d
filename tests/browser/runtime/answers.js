/** What an engine in the page answers. */

import { NEVER_ENDS, QUESTION, alive, check, checkVectors, engine, equal, fresh, ids, rejects, say, soon, streamed, text } from "./common.js";

export let answer = "";

export default {
  async "loading reports bytes, then kernels, then ready"() {
    const reports = [];
    engine.setInitProgressCallback((report) => reports.push(report));
    await engine.reload("tiny");
    const phases = [...new Set(reports.map((report) => report.phase))];
    equal(phases.filter((phase) => phase !== "weights"), ["config", "kernels", "ready"]);
    const last = reports.at(-1);
    equal([last.progress, last.bytesDone > 0, last.bytesDone === last.bytesTotal], [1, true, true]);
    check(Object.values(last.times).every((seconds) => seconds > 0 && seconds <= last.timeElapsed), JSON.stringify(last.times));
    check(reports.every((report, i) => report.progress >= (reports[i - 1]?.progress ?? 0)), "progress went back");
  },

  async "the same prompt gives the same tokens, with and without the cache"() {
    const first = await fresh(QUESTION);
    equal(first.length, 24);
    equal(await ids(QUESTION), first, "cached");
    equal(await fresh(QUESTION), first, "computed again");
  },

  async "an answer is the same with guesses, of which some are right"() {
    const guessed = async (more) => {
      const request = { messages: QUESTION, ...NEVER_ENDS, max_tokens: 64, ...more };
      const plain = await ids(QUESTION, { ...request, speculation: "off" });
      for (let time = 0; time < 20; time++) { // kernels of several rows compile while answers go on
        const { accepted_prediction_tokens: accepted } = (await engine.chat.completions.create(request)).usage.completion_tokens_details;
        equal(await ids(QUESTION, request), plain, JSON.stringify(more));
        if (accepted > 20) return true;
      }
      return false;
    };
    check(await guessed({ logit_bias: { 60: 100 } }), "no guess was right where all tokens are the same");
    const several = { messages: QUESTION, ...NEVER_ENDS, logit_bias: { 60: 100, 61: 100 }, temperature: 0.1, seed: 3, max_tokens: 64 };
    equal(await ids(QUESTION, several), await ids(QUESTION, { ...several, speculation: "off" }), "drawn");
  },

  async "a follow-up computes only what is new, and answers as if all were new"() {
    const longer = [...QUESTION, { role: "assistant", content: await text(QUESTION) }, ...say("And you?")];
    const { usage } = await engine.chat.completions.create({ messages: longer, ...NEVER_ENDS });
    check(usage.prompt_tokens_details.cached_tokens >= 10, `${usage.prompt_tokens_details.cached_tokens} cached`);
    const continued = await ids(longer);
    equal(continued, await fresh(longer));
  },

  async "the cache grows in the middle of an answer"() {
    const prompt = say("x 1 y 2 ".repeat(30));
    const before = (await engine.debugTokenIds({ messages: prompt, ...NEVER_ENDS })).prompt.length;
    check(before < 256 && before > 232, `a prompt of ${before} tokens does not cross the first growth at 256`);
    const growing = await fresh(prompt, { max_tokens: 60 });
    equal(growing, await fresh(prompt, { max_tokens: 60 }));
  },

  async "an answer ends with length at the end of the context window"() {
    const { prompt, ids: given } = await engine.debugTokenIds({ messages: say("x 1 y 2 ".repeat(61)), temperature: 0 });
    check(prompt.length > 450, `${prompt.length} tokens`);
    equal(prompt.length + given.length, 512);
  },

  async "a prompt that does not fit is refused, and the next request works"() {
    const error = await rejects(engine.chat.completions.create({ messages: say("x 1 y 2 ".repeat(100)) }), "ContextWindowSizeExceeded");
    equal(error.details.contextWindowSize, 512);
    equal(await ids(QUESTION), await fresh(QUESTION));
  },

  async "a stream is the answer in pieces; usage comes last when asked for"() {
    answer = await text(QUESTION);
    equal(await streamed(QUESTION), answer);
    const chunks = [];
    const request = { messages: QUESTION, ...NEVER_ENDS, stream: true, stream_options: { include_usage: true } };
    for await (const chunk of await engine.chat.completions.create(request)) chunks.push(chunk);
    equal(chunks[0].choices[0].delta.role, "assistant");
    equal(chunks.at(-2).choices[0].finish_reason, "length");
    equal([chunks.at(-1).choices.length, chunks.at(-1).usage.completion_tokens], [0, 24]);
    equal(await engine.getMessage(), answer);
  },

  async "a stop string ends the answer before it"() {
    const stop = answer.slice(6, 9);
    const { choices: [choice] } = await engine.chat.completions.create({ messages: QUESTION, ...NEVER_ENDS, stop: [stop] });
    equal([choice.message.content, choice.finish_reason], [answer.slice(0, answer.indexOf(stop)), "stop"]);
    equal(await ids(QUESTION), await fresh(QUESTION), "after a stop");
  },

  async "a seed repeats an answer, another gives another"() {
    const drawn = (seed) => ids(QUESTION, { temperature: 1, top_p: 0.9, seed });
    const first = await drawn(1);
    equal(await drawn(1), first);
    check(JSON.stringify(await drawn(2)) !== JSON.stringify(first), "seed 2 gave the tokens of seed 1");
  },

  async "leaving a stream, a signal and an interruption end an answer, and the next one is right"() {
    const expected = await fresh(QUESTION);
    const long = { messages: QUESTION, temperature: 0, stream: true };
    for await (const chunk of await engine.chat.completions.create(long)) if (chunk.choices[0].delta.content) break;
    equal(await ids(QUESTION), expected, "after leaving");

    const controller = new AbortController();
    await rejects((async () => {
      for await (const chunk of await engine.chat.completions.create(long, { signal: controller.signal })) {
        if (chunk.choices[0].delta.content) controller.abort();
      }
    })(), "Abort");
    equal(await ids(QUESTION), expected, "after a signal");

    let interrupted;
    for await (const chunk of await engine.chat.completions.create(long)) {
      if (chunk.choices[0].delta.content) await engine.interruptGenerate();
      ({ interrupted } = chunk.choices[0]);
    }
    equal(interrupted, true);
    equal(await ids(QUESTION), expected, "after an interruption");
  },

  async "a loop may unload the model; a stream that nobody reads holds nobody up"() {
    const expected = await fresh(QUESTION);
    const long = { messages: QUESTION, temperature: 0, stream: true };
    await engine.chat.completions.create({ ...long, max_tokens: 30 });
    equal(await soon(ids(QUESTION), "the request behind"), expected);
    let interrupted;
    for await (const chunk of await engine.chat.completions.create(long)) {
      if (chunk.choices[0].delta.content) await soon(engine.unload(), "unload");
      ({ interrupted } = chunk.choices[0]);
    }
    equal([interrupted, alive.size], [true, 0]);
    await engine.reload("tiny");
    equal(await ids(QUESTION), expected);
  },

  async "a text is continued, by its own words"() {
    const request = { prompt: "Hello there", ...NEVER_ENDS };
    const { choices: [choice] } = await engine.completions.create(request);
    let pieces = "";
    for await (const chunk of await engine.completions.create({ ...request, stream: true })) pieces += chunk.choices[0].text;
    equal([pieces, choice.finish_reason], [choice.text, "length"]);
  },

  async "two requests at once both get their own answer"() {
    const other = say("Good night");
    const alone = [await text(QUESTION), await text(other)];
    equal(await Promise.all([text(QUESTION), text(other)]), alone);
  },

  async "four conversations in one step get the tokens that each gets alone"() {
    const texts = ["Hello there", "Good night", "Count many stars", "One long"];
    const alone = [];
    for (const given of texts) alone.push(...await engine.debugRows([given], 12));
    check(new Set(alone.map(String)).size > 1, "the conversations differ");
    equal(await engine.debugRows(texts, 12), alone);
  },

  async "four positions of a conversation in one step get the tokens that they get one after the other"() {
    const text = "Hello there, good night, count many stars, one long";
    equal(await engine.debugPositions(text, 4, true), await engine.debugPositions(text, 4, false));
  },

  async "texts have vectors"() {
    await checkVectors(engine);
  },
};
