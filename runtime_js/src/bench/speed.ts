/** Times answers through the engine's public stream, and single decode steps. */

import { InternalError } from "../support/errors.ts";
import type { ChatCompletionMessageParam, CompletionUsage } from "../api/openai/types.ts";
import type { DebugEngine } from "./debug_engine.ts";
import type { BenchOptions } from "./options.ts";
import type { AnswerReport, DecodeReport, SpeedReport } from "./report.ts";
import { intervals, median, percentile } from "./statistics.ts";

type Log = (line: string) => void;

/** One greedy answer, to a conversation of which the cache holds nothing. */
async function answer(engine: DebugEngine, messages: readonly ChatCompletionMessageParam[], maxTokens: number): Promise<AnswerReport> {
  await engine.resetChat();
  const begin = performance.now();
  let first: number | undefined;
  let end = begin;
  let usage: CompletionUsage | undefined;
  const stream = await engine.chat.completions.create({
    messages, temperature: 0, speculation: "off", max_tokens: maxTokens, stream: true, stream_options: { include_usage: true },
  });
  for await (const { choices: [choice], usage: counted } of stream) {
    if (choice?.delta.content) first ??= performance.now();
    if (choice?.finish_reason) end = performance.now();
    usage = counted ?? usage;
  }
  if (usage === undefined || first === undefined) throw new InternalError("The model answered without any text, which cannot be timed.");
  return {
    prompt_tokens: usage.prompt_tokens,
    output_tokens: usage.completion_tokens,
    time_to_first_token_ms: first - begin,
    prefill_tokens_per_s: 1000 * usage.prompt_tokens / (first - begin),
    decode_tokens_per_s: end > first ? 1000 * (usage.completion_tokens - 1) / (end - first) : 0,
  };
}

/** Medians of `runs` answers after one to warm up. */
export async function measureAnswers(
  engine: DebugEngine, messages: readonly ChatCompletionMessageParam[], { outputTokens, runs }: BenchOptions, log: Log,
): Promise<SpeedReport> {
  log("Warming up");
  await answer(engine, messages, outputTokens);
  const answers: AnswerReport[] = [];
  for (let run = 1; run <= runs; run++) {
    const report = await answer(engine, messages, outputTokens);
    answers.push(report);
    log(`Answer ${run} of ${runs}: ${report.prompt_tokens} + ${report.output_tokens} tokens, first after `
      + `${report.time_to_first_token_ms.toFixed(1)} ms, then ${report.decode_tokens_per_s.toFixed(1)} tokens/s`);
  }
  const of = (key: keyof AnswerReport): number => median(answers.map((report) => report[key]));
  return {
    prompt_tokens: of("prompt_tokens"),
    output_tokens: of("output_tokens"),
    time_to_first_token_ms: of("time_to_first_token_ms"),
    prefill_tokens_per_s: of("prefill_tokens_per_s"),
    decode_tokens_per_s: of("decode_tokens_per_s"),
    runs: answers,
  };
}

/** Decoding behind `context` tokens, which no end token stops: `runs` runs after one to warm up. */
export async function measureDecode(engine: DebugEngine, context: number, { outputTokens, runs }: BenchOptions, log: Log): Promise<DecodeReport> {
  log(`Decoding behind ${context} tokens`);
  await engine.debugDecodeTimes(context, outputTokens);
  const steps: number[][] = [];
  for (let run = 0; run < runs; run++) steps.push(intervals(await engine.debugDecodeTimes(context, outputTokens)));
  const rates = steps.map((times) => 1000 * times.length / times.reduce((sum, time) => sum + time, 0));
  const all = steps.flat();
  return {
    context_tokens: context,
    output_tokens: outputTokens,
    tokens_per_s: median(rates),
    token_ms: { p50: percentile(all, 0.5), p90: percentile(all, 0.9), p99: percentile(all, 0.99) },
  };
}
