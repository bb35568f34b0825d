/** The terminal's conversation, on an engine whose model is pretended. */

import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { Terminal, type TerminalOptions } from "../src/node/terminal.ts";
import { RequestValidationError } from "../src/support/errors.ts";
import { PLACES, soon, type Setup } from "./fakes/engine.ts";
import { fails } from "./fakes/expect.ts";
import { saying } from "./fakes/saying.ts";
import { checkSeeing, picture } from "./fakes/vision.ts";

interface Told {
  readonly terminal: Terminal;
  readonly input: PassThrough;
  readonly said: { answers: string; notes: string };
  quits: number;
}

const files = new Map([["a.png", picture("7: 3")], ["a.wav", picture("7: 3")], ["no.png", picture("no picture")]]);

type Choice = Partial<Pick<TerminalOptions, "system" | "continues" | "sampling" | "styled"> & { readonly isTTY: boolean }>;

function terminalOf({ client }: Setup, { isTTY = false, ...options }: Choice = {}): Told {
  const [input, output, notes] = [new PassThrough(), Object.assign(new PassThrough(), { isTTY }), Object.assign(new PassThrough(), { isTTY })];
  const said = { answers: "", notes: "" };
  output.on("data", (data) => { said.answers += String(data); });
  notes.on("data", (data) => { said.notes += String(data); });
  const told: Told = {
    terminal: new Terminal(client, { continues: false, system: undefined, sampling: {}, styled: true, ...options, input, output, notes, open: async (path) => files.get(path) ?? Promise.reject(new Error("there is no such file")), quit: () => { told.quits++; } }),
    input, said, quits: 0,
  };
  return told;
}

const inThisThread = PLACES["in this thread"];

function make(): Setup {
  assert.ok(inThisThread !== undefined);
  return inThisThread();
}

test("a conversation answers line by line, remembers, and ends with its input", async () => {
  const it = await saying(make, ["Hello", "Again"]);
  const asked: unknown[] = [];
  const render = it.engine.tokenizer.render.bind(it.engine.tokenizer);
  it.engine.tokenizer.render = (conversation) => {
    asked.push(conversation.messages.map(({ role, content }) => `${role}: ${content}`));
    return render(conversation);
  };
  const { terminal, input, said } = terminalOf(it, { system: "Be brief" });
  input.end("one\n\n  \ntwo\n");
  await soon(terminal.converse());
  assert.equal(said.answers, "Hello\nAgain\n");
  assert.equal(terminal.exitCode, 0);
  assert.deepEqual(asked, [["system: Be brief", "user: one"], ["system: Be brief", "user: one", "assistant: Hello", "user: two"]]);
});

test("an answer that fails is told, and the conversation goes on", async () => {
  const it = await saying(make, ["Hello"]);
  const { terminal, input, said } = terminalOf(it);
  input.write("one\n");
  await it.client.unload();
  input.end("two\n");
  await soon(terminal.converse());
  assert.match(said.notes, /Error: No model is loaded/);
});

test("an interrupt stops an answer; the next one, or one while nothing runs, quits", async () => {
  const it = await saying(make, ["x".repeat(200)]);
  const told = terminalOf(it);
  const answering = told.terminal.answer("one");
  while (told.said.answers === "") await new Promise((resolve) => { setTimeout(resolve, 1); });
  told.terminal.interrupt();
  assert.equal(told.quits, 0);
  told.terminal.interrupt();
  assert.equal(told.quits, 1);
  await soon(answering);
  assert.ok(told.said.answers.length < 200);
  assert.equal(told.terminal.exitCode, 130, "of a pipe, whoever reads it is told");
  const conversing = terminalOf(await saying(make, ["x".repeat(200)]));
  const conversation = conversing.terminal.converse();
  conversing.input.write("one\n");
  while (conversing.said.answers === "") await new Promise((resolve) => { setTimeout(resolve, 1); });
  conversing.terminal.interrupt();
  while (!conversing.said.answers.endsWith("\n")) await new Promise((resolve) => { setTimeout(resolve, 1); });
  assert.deepEqual([conversing.quits, conversing.terminal.exitCode], [0, 0]);
  conversing.terminal.interrupt();
  await soon(conversation);
  assert.deepEqual([conversing.quits, conversing.terminal.exitCode], [1, 130]);
});

test("what a model writes steers no terminal, and is whole in a pipe", async () => {
  const hostile = "\x1b]52;c;eA==\x07\tone\n\x1b[2J\x9b2J\u202etwo\x7f";
  const answer = async (...choice: [Choice, ...string[]]): Promise<Told["said"]> => {
    const [options, ...texts] = choice;
    const { terminal, said } = terminalOf(await saying(make, texts, texts.some((text) => text.includes("</think>"))), options);
    await soon(terminal.answer("one"));
    return said;
  };
  assert.equal((await answer({}, hostile)).answers, `${hostile}\n`);
  const shown = "\ufffd]52;c;eA==\ufffd\tone\n\ufffd[2J\ufffd2J\ufffdtwo\ufffd";
  assert.equal((await answer({ isTTY: true }, hostile)).answers, `${shown}\n`);
  const thought = `${hostile}</think>yes`;
  for (const styled of [true, false]) {
    const { answers, notes } = await answer({ isTTY: true, styled }, thought);
    assert.equal(answers, "yes\n");
    assert.equal(notes.replaceAll("\x1b[2m", "").replaceAll("\x1b[22m", ""), shown);
    assert.equal(notes.includes("\x1b[2m"), styled);
  }
});

test("tokens are drawn as the model's makers say, and as a chat's usually are where they say nothing", async (context) => {
  const it = await saying(make, ["Hello", "Hello"]);
  const create = context.mock.method(it.client.chat.completions, "create");
  for (const sampling of [{}, { temperature: 0, topK: 5 }]) await soon(terminalOf(it, { sampling }).terminal.answer("one"));
  assert.deepEqual(create.mock.calls.map(({ arguments: [{ temperature, top_p }] }) => [temperature, top_p]), [[0.7, 0.95], [0, 0.95]]);
});

test("a pipe that gives nothing is told so", async () => {
  const it = await saying(make, ["Hello"]);
  for (const nothing of ["", " \n"]) await assert.rejects(soon(terminalOf(it).terminal.answer(nothing)), fails(RequestValidationError, /no prompt/));
});

test("a base model goes on with the text", async () => {
  const it = await saying(make, [" upon a time"]);
  const { terminal, said } = terminalOf(it, { continues: true });
  await soon(terminal.answer("Once"));
  assert.equal(said.answers, " upon a time\n");
});

checkSeeing("a picture or a sound goes with what is written next, and what is none is told", async (it) => {
  const { terminal, input, said } = terminalOf(it);
  input.end("/image gone.png\n/image no.png\n/image\n/image 'a.png'\nwhat is it?\n/sound\n/sound no.wav\n/sound a.wav\nand this?\nand now?\n");
  await soon(terminal.converse());
  assert.match(said.notes, /Error: gone.png cannot be read \(Error: there is no such file\)/);
  assert.match(said.notes, /Error: messages\[0\].content\[0\]: This is no picture/);
  assert.match(said.notes, /Error: Write which picture: \/image photo.png/);
  assert.match(said.notes, /a.png goes with what you write next/);
  assert.match(said.notes, /Error: Write which sound: \/sound voice.wav/);
  assert.match(said.notes, /a.wav goes with what you write next/);
  assert.deepEqual([it.vision.encoded, it.hearing.encoded], [["7/0"], ["7/0"]]);
  assert.equal(said.answers.split("\n").filter((line) => line !== "").length >= 2, true);
});

test("a model that reads text alone is shown nothing", async () => {
  const { terminal, input, said } = terminalOf(await saying(make, ["Hello"]));
  input.end("/image a.png\nhi\n");
  await soon(terminal.converse());
  assert.match(said.notes, /Error: messages\[0\]\.content/);
  assert.equal(said.answers, "Hello\n");
});
