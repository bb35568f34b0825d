/** Engines whose model says what a test has written down. */

import { fakeTokenizer, MODEL, type Setup } from "./engine.ts";
import { HERMES, THINK } from "./formats.ts";

const TEMPLATE = "{% for m in messages %}<{{ m.role }}>{% if m.reasoning_content %}({{ m.reasoning_content }}){% endif %}{{ m.content }}"
  + "{% if m.tool_calls %}{% for c in m.tool_calls %}{{ c.function.name }}={{ c.function.arguments | tojson }}{% endfor %}{% endif %}{% endfor %}"
  + "{% if tools %}{% for t in tools %}[{{ t.function.name }}]{% endfor %}{% endif %}<a>";
const TEMPLATE_THINKING = `${TEMPLATE}<think>\n`;
const END = 1;

/** An engine whose model says these texts, one for each request. `isThinking`: each behind a thought that its template begins. */
export async function saying(make: () => Setup, texts: readonly string[], isThinking = false): Promise<Setup> {
  const it = make();
  it.engine.tokenizer = fakeTokenizer({ chat_template: isThinking ? TEMPLATE_THINKING : TEMPLATE });
  it.engine.format = { ...HERMES, thinking: THINK.thinking };
  it.engine.eosTokenIds = new Set([END]);
  it.engine.rowCounts = [1]; // the texts are said in their order: nothing is guessed
  it.engine.prepare = (runner) => {
    const scripts = texts.map((text) => [...it.engine.tokenizer.encode(text), END]);
    let [answer, step, before]: [number, number, readonly number[]] = [-1, 0, [-1]];
    runner.script = (tokens) => {
      if (tokens.length !== before.length + 1 || before.some((token, i) => token !== tokens[i])) [answer, step] = [answer + 1, 0]; // it is behind another prompt
      before = tokens;
      return scripts[answer]?.[step++] ?? END;
    };
  };
  await it.client.reload(MODEL);
  return it;
}
