/** Styles that come with the script which needs them, so that a first visit goes without. A page's policy lets scripts of its own do that. */

/** Gives what lays the style upon a page or a shadow root, once. */
export function dresser(style: string): (root: NonElementParentNode) => void {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(style);
  return (root) => {
    if ((root instanceof Document || root instanceof ShadowRoot) && !root.adoptedStyleSheets.includes(sheet)) root.adoptedStyleSheets = [...root.adoptedStyleSheets, sheet];
  };
}
