/** Keys while an input method composes belong to it. */

/** 229: Safari ends the composition before it reports the key that ended it, and says so by this code only. */
export function isComposing(event: KeyboardEvent): boolean {
  return event.isComposing || event.keyCode === 229;
}
