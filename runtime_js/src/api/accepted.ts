/** Who serves requests hears when one is accepted: what is wrong with it has been said by then. No request can ask for that itself. */

const listeners = new WeakMap<object, () => void>();

/** These options of a request, of which `accepted` is called with the request's acceptance, perhaps more than once. */
export function hearing<O extends object>(options: O, accepted: () => void): O {
  listeners.set(options, accepted);
  return options;
}

/** What is to be called where the request with these options is accepted. */
export function listenerOf(options: object | null | undefined): (() => void) | undefined {
  return options ? listeners.get(options) : undefined;
}
