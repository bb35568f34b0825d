/** What a model's text is made of. Pieces of one kind that follow one another belong together. */
export type OutputEvent =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "reasoning"; readonly text: string }
  /** Begins call `index`, which counts from 0. */
  | { readonly type: "toolCall"; readonly index: number; readonly id: string; readonly name: string }
  /** A piece of its arguments' JSON, as the model writes it. */
  | { readonly type: "toolArguments"; readonly index: number; readonly text: string };
