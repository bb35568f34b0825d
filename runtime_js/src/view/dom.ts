/** The few helpers that pages need to work with elements. */

/** The element with this id, checked to be of the expected class. root: the page, or the shadow root where it is. */
export function byId<T extends HTMLElement>(id: string, type: abstract new () => T, root: NonElementParentNode = document): T {
  const found = root.getElementById(id);
  if (!(found instanceof type)) throw new Error(`the page has no ${type.name} with the id ${id}`);
  return found;
}

/** A new element. Children that are strings become text, never markup. */
export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K, attributes: Readonly<Record<string, string>> = {}, ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[K] {
  const created = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) created.setAttribute(name, value);
  created.append(...children);
  return created;
}

const SVG = "http://www.w3.org/2000/svg";

/** A new element of SVG. */
export function svg(tag: string, attributes: Readonly<Record<string, string>>, ...children: readonly Node[]): SVGElement {
  const created = document.createElementNS(SVG, tag);
  if (!(created instanceof SVGElement)) throw new Error(`${tag} is no element of SVG`);
  for (const [name, value] of Object.entries(attributes)) created.setAttribute(name, value);
  created.append(...children);
  return created;
}

/** The symbols of icons.json, which are defined where the icon is used. */
export type IconName = "plus" | "sliders" | "theme" | "send" | "stop" | "copy" | "check" | "again" | "edit" | "down" | "close" | "quote" | "chats" | "more" | "pin" | "attach" | "camera" | "record" | "dictate" | "speak";

export function icon(name: IconName): SVGElement {
  return svg("svg", { "aria-hidden": "true" }, svg("use", { href: `#icon-${name}` }));
}

/** Show `name` on a button for a moment, as "done" after copying. */
export function flash(button: HTMLElement, name: IconName, back: IconName): void {
  button.replaceChildren(icon(name));
  setTimeout(() => button.replaceChildren(icon(back)), 1500);
}
