/** The loop: the model calls tools, their results go back to it, until it answers. Each write waits for the user. */

import { parseArguments, ToolError } from "./arguments.ts";
import type { Change, Tool } from "./tools.ts";

export interface Call {
  readonly id: string;
  readonly name: string;
  /** JSON, as the model wrote it. */
  readonly arguments: string;
}

export type Message =
  | { readonly role: "system" | "user"; readonly content: string }
  | { readonly role: "assistant"; readonly content: string; readonly calls: readonly Call[] }
  | { readonly role: "tool"; readonly content: string; readonly call: string };

export interface Turn {
  readonly text: string;
  readonly calls: readonly Call[];
  /** Whether it ended for want of room: its last call may be cut. */
  readonly isCut: boolean;
}

export interface Model {
  /** Raises the signal's reason. */
  respond(messages: readonly Message[], tools: readonly Tool[], onText: (text: string) => void, signal: AbortSignal): Promise<Turn>;
}

/** Who watches, and decides about writes. */
export interface User {
  /** The model's text in this round, as far as it has come. */
  said(text: string): void;
  called(call: Call): void;
  /** What the model is told of its call. */
  answered(call: Call, result: string, isError: boolean): void;
  /** Raises the signal's reason. */
  confirm(change: Change, signal: AbortSignal): Promise<boolean>;
}

/** answered: the model said what it had to. rounds, repeated: the loop was ended. */
export type Ending = "answered" | "rounds" | "repeated";

export const MAX_ROUNDS = 8;
const REFUSED = "The user refused this change. Do not try it again.";

/** Runs one task; `messages` grows by what is said. Raises the signal's reason, or what the model does. */
export async function run(messages: Message[], model: Model, tools: readonly Tool[], user: User, signal: AbortSignal): Promise<Ending> {
  const [reads, writes] = [new Set<string>(), new Set<string>()];
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const turn = await model.respond(messages, tools, (text) => user.said(text), signal);
    messages.push({ role: "assistant", content: turn.text, calls: turn.calls });
    if (turn.calls.length === 0) return "answered";
    let isRepeated = false;
    for (const [i, call] of turn.calls.entries()) {
      user.called(call);
      const key = `${call.name} ${canonical(call.arguments)}`;
      isRepeated ||= reads.has(key) || writes.has(key);
      const told = isRepeated ? failure("This very call was made before.")
        : turn.isCut && i === turn.calls.length - 1 ? failure("The call was cut off: make it shorter.")
          : await perform(call, tools, user, signal);
      if (told.hasWritten) reads.clear(); // what was read may be another now
      (isWrite(call, tools) ? writes : reads).add(key);
      messages.push({ role: "tool", content: told.result, call: call.id });
      user.answered(call, told.result, told.isError);
    }
    if (isRepeated) return "repeated";
  }
  return "rounds";
}

function isWrite({ name }: Call, tools: readonly Tool[]): boolean {
  return tools.some((tool) => tool.name === name && tool.writes);
}

interface Told {
  readonly result: string;
  readonly isError: boolean;
  readonly hasWritten: boolean;
}

function failure(error: string): Told {
  return { result: JSON.stringify({ error }), isError: true, hasWritten: false };
}

/** Makes one call, of the model or of another agent. Errors of tools are results; what else is raised is the signal's reason. */
export async function perform({ name, arguments: json }: Pick<Call, "name" | "arguments">, tools: readonly Tool[], user: Pick<User, "confirm">, signal: AbortSignal): Promise<Told> {
  try {
    const tool = tools.find((known) => known.name === name);
    if (tool === undefined) throw new ToolError(`There is no tool "${name.slice(0, 40)}".`);
    const outcome = await tool.call(parseArguments(json));
    if (outcome.kind === "result") return { result: JSON.stringify(outcome.value), isError: false, hasWritten: false };
    if (!await user.confirm(outcome.change, signal)) return failure(REFUSED);
    signal.throwIfAborted();
    return { result: JSON.stringify(await outcome.change.apply()), isError: false, hasWritten: true };
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    return failure(error instanceof ToolError ? error.message : `The tool failed: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** The same for the same arguments in another order. */
function canonical(json: string): string {
  try {
    const given = parseArguments(json);
    return JSON.stringify(Object.keys(given).sort().map((key) => [key, given[key]]));
  } catch {
    return json;
  }
}
