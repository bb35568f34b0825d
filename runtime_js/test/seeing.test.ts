/** Pictures on their way from a request to the model, which is the fake runner: what it answers depends on each vector, and on where it stands. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { test } from "node:test";
import type { ChatCompletionMessageParam, ContentPart } from "../src/api/openai/types.ts";
import { Pictures, PromptVectors } from "../src/engine/pictures.ts";
import { AbortError, DownloadError, RequestValidationError } from "../src/support/errors.ts";
import { MODEL, PLACES, type Setup } from "./fakes/engine.ts";
import { fails } from "./fakes/expect.ts";
import { NO_EOS } from "./fakes/generations.ts";
import { reference, seenAs } from "./fakes/runner.ts";
import { turns } from "./fakes/turns.ts";
import { FakeVision, IMAGE_TOKEN, checkSeeing, picture } from "./fakes/vision.ts";

const shown = (url: string | Blob): ContentPart => ({ type: "image_url", image_url: { url } });
const text = (said: string): ContentPart => ({ type: "text", text: said });
const user = (...content: ContentPart[]): ChatCompletionMessageParam => ({ role: "user", content });
const ask = (messages: readonly ChatCompletionMessageParam[], more: object = {}) => ({ messages, max_tokens: 6, temperature: 0, ...more });

/** What the model says to these messages, by way of the tokens that it sees: of the n-th picture these. */
async function expected({ client }: Setup, messages: readonly ChatCompletionMessageParam[], pictures: readonly (readonly [name: number, tokens: number])[], count = 6): Promise<string> {
  const seen = pictures.flatMap(([name, tokens]) => Array.from({ length: tokens }, (_, place) => seenAs([name, place])));
  const tokens = await client.tokenize(messages);
  assert.equal(tokens.filter((token) => token === IMAGE_TOKEN).length, seen.length);
  return client.detokenize(reference(tokens.map((token) => (token === IMAGE_TOKEN ? seen.shift() ?? -1 : token)), count, NO_EOS));
}

checkSeeing("an answer is about what is shown, and a second question about it encodes nothing", async (it) => {
  const messages = [user(text("What is "), shown(picture("7: 5 3")), text(" here?"))];
  const first = await it.client.chat.completions.create(ask(messages));
  assert.equal(first.choices[0]?.message.content, await expected(it, messages, [[7, 8]]));
  assert.deepEqual(it.vision.encoded, ["7/0", "7/1"]);
  const again = [...messages, { role: "assistant" as const, content: first.choices[0]?.message.content ?? "" }, user(text("And where?"))];
  const second = await it.client.chat.completions.create(ask(again));
  assert.equal(second.choices[0]?.message.content, await expected(it, again, [[7, 8]]));
  assert.deepEqual(it.vision.encoded, ["7/0", "7/1"], "nothing is encoded again");
  assert.equal(it.vision.reads, 1, "nor looked at");
  assert.ok(second.usage.prompt_tokens_details.cached_tokens >= first.usage.prompt_tokens - 1);
});

checkSeeing("several pictures, in any turn, one of them twice", async (it) => {
  const [one, other] = [picture("1: 4"), picture("2: 30")];
  const messages = [user(shown(one), text("a"), shown(other)), { role: "assistant" as const, content: "b" }, user(text("c"), shown(one))];
  const { choices } = await it.client.chat.completions.create(ask(messages));
  assert.equal(choices[0]?.message.content, await expected(it, messages, [[1, 4], [2, 30], [1, 4]]));
  assert.deepEqual(it.vision.encoded, ["1/0", "2/0"]);
});

checkSeeing("a call has as many tiles as there is room for", async (it) => {
  it.vision.mostFloats = 7;
  const messages = [user(shown(picture("2: 5 1 4 2 3")))];
  const { choices } = await it.client.chat.completions.create(ask(messages));
  assert.equal(choices[0]?.message.content, await expected(it, messages, [[2, 15]]));
  assert.deepEqual([it.vision.encoded.length, it.vision.calls], [5, 3]);
});

checkSeeing("several answers encode a picture once, and penalties know it as the model's own token", async (it) => {
  const messages = [user(shown(picture("3: 6 6")), text("?"))];
  const request = ask(messages, { n: 3, repetition_penalty: 1.1, frequency_penalty: 0.2 });
  assert.equal((await it.client.chat.completions.create(request)).choices.length, 3);
  assert.deepEqual(it.vision.encoded, ["3/0", "3/1"]);
});

checkSeeing("a text that spells what stands for a picture is a text", async (it) => {
  const messages = [
    { role: "system" as const, content: "<image> and \ufdd1" }, user(text("<image>\ufdd1"), shown(picture("4: 3"))), { role: "assistant" as const, content: "<image>" }, user(text("<image>")),
  ];
  const { choices } = await it.client.chat.completions.create(ask(messages));
  assert.equal(choices[0]?.message.content, await expected(it, messages, [[4, 3]]));
});

checkSeeing("pictures by their addresses", async (it) => {
  const data = `data:image/png;base64,${btoa("5: 2")}`;
  const blob = URL.createObjectURL(picture("5: 2"));
  for (const url of [data, `${data}#a`, "DATA:;a=b;base64,NTo%67Mg", "data: text/plain; base64 ,NTog%4dg==", "data:text/plain,5:%202", "data:,%35:%202#1", blob]) {
    const messages = [user(shown(url))];
    const { choices } = await it.client.chat.completions.create(ask(messages));
    assert.equal(choices[0]?.message.content, await expected(it, messages, [[5, 2]]), url);
  }
  URL.revokeObjectURL(blob);
  const server = createServer((request, response) => {
    const moved = /^\/moved\/(.*)/.exec(request.url ?? "")?.[1];
    if (moved !== undefined) response.writeHead(302, { location: moved === "" ? "/moved/" : `/${moved}` }).end();
    else if (request.url === "/whole.png") response.end("5: 2");
    else if (request.url === "/gone.png") response.writeHead(404).end();
    else {
      response.writeHead(200, { "content-length": "1000" });
      response.write("5: ", () => void response.destroy());
    }
  });
  await new Promise<void>((resolve) => { server.listen(0, "127.0.0.1", resolve); });
  const place = server.address();
  assert.ok(typeof place === "object" && place !== null);
  const messages = [user(shown(`http://127.0.0.1:${place.port}/moved/whole.png`))];
  assert.equal((await it.client.chat.completions.create(ask(messages))).choices[0]?.message.content, await expected(it, messages, [[5, 2]]), "an address that leads to another");
  for (const [url, error] of [
    [`http://127.0.0.1:${place.port}/moved/gone.png`, fails(DownloadError, /messages\[1\]\.content\[1\]: the picture at http:.*gone\.png could not be fetched: its server answers 404/)],
    [`http://127.0.0.1:${place.port}/moved/`, fails(DownloadError, /messages\[1\]\.content\[1\]: the picture at http:.* could not be fetched/)],
    [`http://127.0.0.1:${place.port}/cut.png`, fails(DownloadError, /messages\[1\]\.content\[1\]: the picture at http:.*cut\.png broke off before it was whole/)],
    [blob, fails(RequestValidationError, /messages\[1\]\.content\[1\]: nothing is behind the address blob:/)],
    ["data:image/png;base64", fails(RequestValidationError, /messages\[1\]\.content\[1\]: the data URL has no comma/)],
    ["data:image/png;base64,!", fails(RequestValidationError, /not base64/)],
    ["http://127.0.0.1:9/none.png", fails(DownloadError, /messages\[1\]\.content\[1\]: the picture at http:.* could not be fetched/)],
    ["file:///etc/passwd", fails(RequestValidationError, /image_url\.url must be an address that begins with/)],
    ["javascript:alert(1)", fails(RequestValidationError, /image_url\.url must be an address that begins with/)],
  ] as const) {
    await assert.rejects(it.client.chat.completions.create(ask([{ role: "user", content: "a" }, user(text("b"), shown(url))])), error, url);
  }
  server.close();
  assert.equal((await it.client.chat.completions.create(ask([user(text("b"))]))).choices.length, 1, "the conversation goes on");
});

checkSeeing("an address that says nothing is left with its request, or when all is interrupted", async (it) => {
  const server = createServer();
  await new Promise<void>((resolve) => { server.listen(0, "127.0.0.1", resolve); });
  const place = server.address();
  assert.ok(typeof place === "object" && place !== null);
  const controller = new AbortController();
  for (const end of [() => it.client.interruptGenerate(), () => controller.abort()]) {
    const asked = once(server, "request");
    const answer = it.client.chat.completions.create(ask([user(shown(`http://127.0.0.1:${place.port}/a.png`))]), { signal: controller.signal });
    const refused = assert.rejects(answer, fails(AbortError, /aborted|interrupted/));
    const [, response] = await asked;
    const left = once(response, "close");
    assert.equal((await it.client.chat.completions.create(ask([user(text("b"))]))).choices.length, 1, "others are answered meanwhile");
    await end();
    await Promise.all([refused, left]);
  }
  server.close();
});

checkSeeing("what cannot be read, and a part that is none, is told with its place", async (it) => {
  await assert.rejects(it.client.chat.completions.create(ask([user(text("a"), shown(picture("none")))])),
    fails(RequestValidationError, /^messages\[0\]\.content\[1\]: This is no picture/));
  for (const [image_url, message] of [
    [{}, /content\[0\]\.image_url\.url must be an address, or a Blob/], [{ url: 3 }, /image_url\.url must be an address, or a Blob/],
    [{ url: "data:,", detail: "much" }, /image_url\.detail must be "low" or "high" or "auto"/], [{ url: "data:,", size: 3 }, /image_url\.size is not known/],
  ] as const) {
    const request = { messages: [{ role: "user", content: [{ type: "image_url", image_url }] }] };
    await assert.rejects(it.client.chat.completions.create(JSON.parse(JSON.stringify(request))), fails(RequestValidationError, message));
  }
  const assistant: ChatCompletionMessageParam = { role: "assistant", content: [shown(picture("1: 1"))] };
  await assert.rejects(it.client.chat.completions.create(ask([user(text("a")), assistant])), fails(RequestValidationError, /messages\[1\]\.content\[0\]\.type must be "text"/));
});

checkSeeing("others are answered while a picture is encoded, and who leaves in its middle ends that", async (it) => {
  const held: (() => void)[] = [];
  it.vision.encoding = () => new Promise((resolve) => { held.push(resolve); });
  const controller = new AbortController();
  const waiting = it.client.chat.completions.create(ask([user(shown(picture("6: 4 4 4")))]), { signal: controller.signal });
  while (it.vision.loads === 0) await new Promise((resolve) => { setTimeout(resolve, 1); });
  const { choices } = await it.client.chat.completions.create(ask([user(text("meanwhile"))]));
  assert.equal(choices[0]?.message.content, await expected(it, [user(text("meanwhile"))], []));
  controller.abort();
  await assert.rejects(waiting, { name: "AbortError" });
  await turns(10);
  for (const go of held) go();
  await turns(10);
  assert.deepEqual(it.vision.encoded, ["6/0", "6/1"], "of its tiles those under way are the last");
  it.vision.encoding = () => Promise.resolve();
  const messages = [user(shown(picture("6: 4 4 4")))];
  const later = await it.client.chat.completions.create(ask(messages));
  assert.equal(later.choices[0]?.message.content, await expected(it, messages, [[6, 12]]));
});

checkSeeing("a tower that fails fails the answer, and is asked again", async (it) => {
  it.vision.encoding = () => Promise.reject(new DownloadError("The tower is not there."));
  const messages = [user(shown(picture("8: 2")))];
  await assert.rejects(it.client.chat.completions.create(ask(messages)), fails(DownloadError, /not there/));
  it.vision.encoding = () => Promise.resolve();
  assert.equal((await it.client.chat.completions.create(ask(messages))).choices[0]?.message.content, await expected(it, messages, [[8, 2]]));
});

checkSeeing("tokens are counted without encoding, and an answer about a picture cannot be kept", async (it) => {
  const messages = [user(text("a"), shown(picture("9: 7 7")))];
  const bare = await it.client.countTokens([user(text("a"))]);
  assert.ok(await it.client.countTokens(messages) >= bare + 14);
  assert.deepEqual(it.vision.encoded, []);
  await assert.rejects(it.client.chat.completions.create(ask(messages, { extra_body: { resumable: { enabled: true } } })), fails(RequestValidationError, /An answer about pictures or sounds cannot be kept/));
});

checkSeeing("of a chat that is too long the oldest pictures are left out", async (it) => {
  const turn = (name: number): ChatCompletionMessageParam[] => [user(shown(picture(`${name}: 60`)), text("x")), { role: "assistant", content: "y" }];
  const last = user(shown(picture("4: 20")), text("z"));
  const messages = [...turn(1), ...turn(2), ...turn(3), last];
  await assert.rejects(it.client.chat.completions.create(ask([...turn(1), ...messages])), { name: "ContextWindowSizeExceededError" });
  const { choices } = await it.client.chat.completions.create(ask([...turn(0), ...messages], { context_overflow: "drop_oldest" }));
  assert.equal(choices[0]?.message.content, await expected(it, [...turn(2), ...turn(3), last], [[2, 60], [3, 60], [4, 20]]));
  const long = user(text("m".repeat(150)), shown(picture("5: 10")), text("m".repeat(150)), shown(picture("6: 10")));
  assert.equal((await it.client.chat.completions.create(ask([user(text("a")), long], { context_overflow: "truncate_middle" }))).choices.length, 1);
});

test("a picture for a model that reads text alone is an error that says which part, and the conversation goes on", async () => {
  for (const make of Object.values(PLACES)) {
    const { client } = make();
    await client.reload(MODEL);
    const messages = [user(text("a")), { role: "assistant" as const, content: "b" }, user(shown(picture("1: 1")), text("c"))];
    await assert.rejects(client.chat.completions.create(ask(messages)), (error) => (
      error instanceof RequestValidationError && error.param === "messages[2].content[0]" && /messages\[2\]\.content\[0\] is a picture, and the model "toy" reads text alone/.test(error.message)));
    assert.equal((await client.chat.completions.create(ask([user(text("a"))]))).choices.length, 1);
  }
});

test("ids of pictures that were not seen for long are forgotten, and a prompt may have a picture under both of its ids", async () => {
  const vision = new FakeVision();
  const pictures = new Pictures();
  const see = async (name: string) => (await pictures.see([{ data: picture(name), path: "messages[0].content[0]" }], () => vision, new AbortController().signal))[0];
  const first = await see("1: 2 1");
  assert.equal((await see("1: 2 1"))?.first, first?.first);
  for (let i = 0; i < 1 << 13; i++) await see(`${i + 2}: 1`);
  const again = await see("1: 2 1");
  assert.ok(first !== undefined && again !== undefined && again.first < first.first);
  const vectors = new PromptVectors(pictures, [first, again], () => vision);
  const tokens = [first, again].flatMap((one) => Array.from({ length: 3 }, (_, i) => one.first - i));
  await vectors.of(tokens, () => true);
  const runs = vectors.of(tokens, () => true);
  assert.ok(!(runs instanceof Promise));
  assert.deepEqual(runs.map(({ at, values }) => [at, [...values]]), [[0, [1, 0, 1, 1, 1, 2]], [3, [1, 0, 1, 1, 1, 2]]]);
  assert.equal(vision.calls, 2, "it is encoded once");
});
