/**
 * TeX → MathML, which browsers lay out themselves: it needs no fonts, is text that can be selected, and screen readers read it. What Temml makes goes through
 * DOMPurify with MathML's elements, and none that lead anywhere.
 */

import DOMPurify from "dompurify";
import temml from "temml";
import { element } from "./dom.ts";
import { dresser } from "./dresser.ts";
import { texOf } from "./formula_syntax.ts";
import style from "inline:./formulas.css";

const TAGS = [
  "math", "semantics", "annotation", "mrow", "mi", "mn", "mo", "ms", "mtext", "mspace", "mfrac", "msqrt", "mroot", "mstyle", "merror", "mpadded", "mphantom", "menclose",
  "msub", "msup", "msubsup", "munder", "mover", "munderover", "mmultiscripts", "mprescripts", "mtable", "mtr", "mtd", "span",
];
const ATTRIBUTES = [
  "display", "displaystyle", "scriptlevel", "mathvariant", "stretchy", "symmetric", "fence", "separator", "form", "lspace", "rspace", "minsize", "maxsize", "movablelimits",
  "largeop", "accent", "accentunder", "linethickness", "width", "height", "depth", "voffset", "notation", "columnalign", "rowspacing", "columnspacing", "columnlines", "rowlines",
  "encoding", "class", "style",
];
/** Of a style: lengths, lines and colors by name or number. */
const STYLE = /^(?:(?:padding|border|margin|text-align|font-weight|font-style|color|width|height|min-width|math-depth|math-style|display|vertical-align)[a-z-]*: ?[#\w.% -]+;? ?)*$/;
const MAX_TEX = 4000;
const MAX_NODES = 3000;
const MAX_EXPANSIONS = 200;
/** Of sizes that are written in a formula, in ems and in points. */
const MAX_SIZE: [number, number] = [20, 240];
const KEPT = 200;

const purify = DOMPurify(window);
purify.addHook("uponSanitizeAttribute", (_, attribute) => {
  if (attribute.attrName === "style") attribute.keepAttr = STYLE.test(attribute.attrValue);
});

/** Formulas of late, the latest last; null: what is none. */
const kept = new Map<string, Element | null>();

/** What formulas look like, in a page or a shadow root. */
export const dress = dresser(style);

/** A formula as it was written, with what marks it as one → its element; null where it is none that can be drawn. */
export function drawFormula(raw: string): Element | null {
  const known = knownFormula(raw);
  if (known !== undefined) return known;
  const oldest = kept.keys().next();
  if (kept.size >= KEPT && !oldest.done) kept.delete(oldest.value);
  kept.set(raw, render(raw));
  return knownFormula(raw) ?? null;
}

/** Undefined where it was not drawn of late. */
export function knownFormula(raw: string): Element | null | undefined {
  const drawn = kept.get(raw);
  if (drawn === undefined) return undefined;
  kept.delete(raw);
  kept.set(raw, drawn);
  const copy = drawn?.cloneNode(true);
  return copy instanceof Element ? copy : null;
}

function render(raw: string): Element | null {
  const { tex, isDisplayed } = texOf(raw);
  if (tex.length > MAX_TEX) return null;
  const formula = element("span", { class: isDisplayed ? "formula displayed" : "formula", "data-tex": raw });
  try {
    temml.render(tex, formula, { displayMode: isDisplayed, annotate: false, throwOnError: true, trust: false, strict: false, maxExpand: MAX_EXPANSIONS, maxSize: MAX_SIZE });
  } catch { // a mistake in it, or its recursion went too deep
    return null;
  }
  const math = formula.firstElementChild;
  if (math === null || formula.getElementsByTagName("*").length > MAX_NODES) return null;
  purify.sanitize(math, { IN_PLACE: true, ALLOWED_TAGS: TAGS, ALLOWED_ATTR: ATTRIBUTES, ALLOW_ARIA_ATTR: false, ALLOW_DATA_ATTR: false });
  return formula;
}
