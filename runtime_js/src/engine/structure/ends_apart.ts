/**
 * Keeps the ends of choices apart. xgrammar makes an automaton of a rule, in which it merges choices that begin alike and choices that end alike, also
 * where both meet: of "a." | "bc." | "bcc." it makes one that takes "ac.". Where an empty rule ends each choice, another one each, no ends are alike.
 */

/** Texts, comments, classes, the beginning of a rule, and what makes groups. */
const WORDS = /"(?:[^"\\\n]|\\.)*"|#[^\n]*|\[(?:[^\]\\]|\\.)*\]|[\w.-]+[ \t]*::=|[()|]/gsu;

interface Group {
  hasChoices: boolean;
  /** Where its latest choice begins. */
  from: number;
}

function tailed(grammar: string, name: (number: number) => string): { readonly text: string; readonly most: number } {
  let [text, done, number, most] = ["", 0, 0, 0];
  let groups: Group[] = [];
  const end = (at: number): void => {
    const { hasChoices = false, from = at } = groups.at(-1) ?? {};
    if (!hasChoices || /^\s*(?:"")?\s*$/.test(grammar.slice(from, at))) return;
    text += `${grammar.slice(done, at)} ${name(number++)}\n`; // a comment may stand before it, and the name of a rule behind it
    most = Math.max(most, number);
    done = at;
  };
  const endRule = (at: number): void => {
    end(at);
    groups = [];
    number = 0;
  };
  for (const { 0: word, index } of grammar.matchAll(WORDS)) {
    const group = groups.at(-1);
    if (word.endsWith("::=")) {
      endRule(index);
      groups = [{ hasChoices: false, from: index + word.length }];
    } else if (word === "(") groups.push({ hasChoices: false, from: index + 1 });
    else if (word === ")") {
      end(index);
      groups.pop();
    } else if (word === "|" && group !== undefined) {
      group.hasChoices = true;
      end(index);
      group.from = index + 1;
    }
  }
  endRule(grammar.length);
  return { text: text + grammar.slice(done), most };
}

/** The same grammar, in EBNF. */
export function endsApart(grammar: string): string {
  let prefix = "end_";
  while (grammar.includes(prefix)) prefix += "_";
  const { text, most } = tailed(grammar, (number) => prefix + number);
  return `${text}\n${Array.from({ length: most }, (_, i) => `${prefix}${i} ::= ""\n`).join("")}`;
}

/** A grammar of one text, a literal of EBNF, that may be a choice among others. */
export function textApart(literal: string): string {
  return `root ::= ${literal} end_0\nend_0 ::= ""\n`;
}
