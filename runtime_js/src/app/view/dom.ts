/** What the views need to work with elements. */

export { byId, element } from "../../page/dom.ts";

const SVG = "http://www.w3.org/2000/svg";

/** One of the symbols that index.html defines. */
export function icon(name: "copy" | "check" | "again" | "edit"): SVGSVGElement {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#icon-${name}`);
  svg.append(use);
  return svg;
}

/** Show `name` on a button for a moment, as "done" after copying. */
export function flash(button: HTMLElement, name: "check", back: "copy"): void {
  button.replaceChildren(icon(name));
  setTimeout(() => button.replaceChildren(icon(back)), 1500);
}
