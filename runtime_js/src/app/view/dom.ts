/** What the views need to work with elements. */

export { byId, element } from "../../page/dom.ts";

const SVG = "http://www.w3.org/2000/svg";

/** The symbols that index.html defines. */
export type IconName = "copy" | "check" | "close" | "again" | "edit";

export function icon(name: IconName): SVGSVGElement {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#icon-${name}`);
  svg.append(use);
  return svg;
}

/** Show `name` on a button for a moment, as "done" after copying. */
export function flash(button: HTMLElement, name: IconName, back: IconName): void {
  button.replaceChildren(icon(name));
  setTimeout(() => button.replaceChildren(icon(back)), 1500);
}
