/** What a step loop is asked, and what the answer is where nobody else is answered: prompt and answer read once, in the plainest way. */

import { ProcessedAnswer, type LogitProcessor } from "../../src/engine/logit_processor.ts";
import { SINKS } from "../../src/engine/overflow.ts";
import type { SeenPicture } from "../../src/engine/pictures.ts";
import { Sampler } from "../../src/engine/sampler.ts";
import type { SamplingConfig } from "../../src/engine/sampling.ts";
import type { StepResult } from "../../src/executor/runner.ts";
import { FakeConstraint } from "../fakes/constraint.ts";
import { FakeControls } from "../fakes/logits.ts";
import { VOCABULARY, logitsAfter, noiseOf, seenAs, turned } from "../fakes/runner.ts";
import { promptOf } from "../fakes/generations.ts";
import type { World } from "./world.ts";

/** The end token of an answer with a form. */
export const END = 96;

export interface Question {
  readonly prompt: readonly number[];
  readonly maxTokens: number;
  readonly eosTokenIds: ReadonlySet<number>;
  readonly sampling: SamplingConfig;
  /** Of an answer with a form. */
  readonly choices: readonly (readonly number[] | null)[] | undefined;
  readonly shifts: boolean;
  /** Whether code of the embedder's changes its logits. */
  readonly isProcessed: boolean;
  readonly pictures: readonly SeenPicture[];
  readonly priority: number;
}

export interface Model {
  readonly contextLength: number;
  readonly isTurned: boolean;
  readonly isNoisy: boolean;
}

/** Changes logits by how many tokens came since its state was reset. */
export class Turning implements LogitProcessor {
  #count = 0;

  constructor(readonly mayFail: () => void = () => undefined) {}

  processLogits(logits: Float32Array): Float32Array {
    this.mayFail();
    return logits.map((_, token) => logits[(token + 3 * this.#count) % logits.length] ?? 0);
  }

  processSampledToken(): void {
    this.#count++;
  }

  resetState(): void {
    this.#count = 0;
  }
}

/** A form that fails now and then. */
export class FailingConstraint extends FakeConstraint {
  constructor(choices: NonNullable<Question["choices"]>, readonly mayFail: () => void) {
    super(choices, END);
  }

  override mask(): Uint32Array | undefined {
    this.mayFail();
    return super.mask();
  }
}

/** What a model sees of tokens: of pictures their vectors, and where positions differ by axis, these. */
export function seenTokens(tokens: readonly number[], pictures: readonly SeenPicture[], isTurned: boolean): number[] {
  let next = 0;
  return tokens.map((token, place) => {
    const picture = pictures.find(({ first, tokens: count }) => token <= first && token > first - count);
    const at = picture === undefined ? 0 : picture.first - token;
    const [rows, columns] = picture?.grid ?? [1, 1];
    const turns = picture === undefined ? [next, next, next] : [next, next + Math.floor(at / columns), next + at % columns];
    if (picture === undefined) next++;
    else if (at === picture.tokens - 1) next += Math.max(rows, columns);
    const seen = picture === undefined ? token : seenAs([Number(/\d+/.exec(picture.hash)?.[0]), at]);
    return isTurned && pictures.length > 0 ? turned(seen, place, Int32Array.from(turns), 0) : seen;
  });
}

/** The answer's tokens, one by one, up to its end. */
export function* plainAnswer(question: Question, { contextLength, isTurned, isNoisy }: Model): Generator<StepResult, "stop" | "length", undefined> {
  const { prompt, eosTokenIds, choices, pictures, sampling, shifts } = question;
  const tokens = [...prompt];
  const sampler = new Sampler(sampling, prompt, 0, question.isProcessed ? new ProcessedAnswer(new Turning(), false) : undefined);
  const constraint = choices && new FakeConstraint(choices, END);
  const controls = new FakeControls();
  const limit = shifts ? question.maxTokens : Math.min(question.maxTokens, contextLength - prompt.length);
  for (let count = 0; count < limit; count++) {
    if (tokens.length > contextLength) {
      let [begin, end] = [SINKS, SINKS + tokens.length - (contextLength >> 1)];
      while ((tokens[begin - 1] ?? 0) < 0 && (tokens[begin] ?? 0) < 0) begin--;
      while ((tokens[end] ?? 0) < 0) end++;
      tokens.splice(begin, end - begin);
    }
    const draw = sampler.next();
    const logits = logitsAfter(seenTokens(tokens, pictures, isTurned), VOCABULARY, isNoisy ? noiseOf(draw.sampling) : 0);
    const result = controls.choose(logits, { ...draw, control: 0, mask: constraint && (() => constraint.mask()) }, tokens.slice(-1), Math.min(count, 1));
    tokens.push(result.token);
    sampler.sampled(result.token);
    constraint?.accept(result.token);
    yield result;
    if (eosTokenIds.has(result.token) || constraint?.isEnded === true) return "stop";
  }
  return "length";
}

/** Beginnings of former questions and answers, and something new behind them. */
export function randomPrompt(world: World, known: readonly (readonly number[])[], most: number): number[] {
  const begin = world.pick(known);
  let length = world.chance(0.3) ? begin.length : 1 + world.below(begin.length);
  while ((begin[length - 1] ?? 0) < 0) length--; // no part of a picture
  return [...begin.slice(0, length), ...promptOf(world.below(world.chance(0.2) ? most : 12), world.below(5))].slice(0, most);
}

function randomSampling(world: World): SamplingConfig {
  return {
    temperature: world.chance(0.4) ? 0.8 : 0, seed: world.below(4), topP: 1,
    ...(world.chance(0.2) && { repetitionPenalty: 1.2, frequencyPenalty: world.pick([0, 0.5]), presencePenalty: world.pick([0, 1.5]) }),
    ...(world.chance(0.1) && { logitBias: [[world.below(VOCABULARY), world.pick([-100, 3, 0.5])] as const] }),
    ...(world.chance(0.1) && { topLogprobs: world.below(3) }),
  };
}

function randomChoices(world: World): (number[] | null)[] {
  const some = (count: number): number[] => Array.from({ length: count }, () => world.below(END));
  return Array.from({ length: world.below(14) }, () => (world.chance(0.2) ? null : some(world.chance(0.6) ? 1 : 2 + world.below(40))));
}

export function randomQuestion(world: World, prompt: readonly number[], pictures: readonly SeenPicture[], contextLength: number): Question {
  const choices = world.chance(0.2) ? randomChoices(world) : undefined;
  return {
    prompt, choices, pictures, sampling: randomSampling(world), priority: world.below(3),
    maxTokens: 1 + world.below(world.chance(0.1) ? 3 * contextLength : 30),
    eosTokenIds: new Set(choices === undefined && world.chance(0.4) ? [world.below(VOCABULARY), world.below(VOCABULARY), world.below(VOCABULARY)] : []),
    shifts: choices === undefined && world.chance(0.1), isProcessed: world.chance(0.05),
  };
}
