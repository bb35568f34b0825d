/** What an answer's text must look like, as it is sent to the engine. */

export type Structure =
  /** A grammar in EBNF whose first rule is `root`. */
  | { readonly kind: "grammar"; readonly grammar: string }
  /** A regular expression for the whole answer. */
  | { readonly kind: "regex"; readonly pattern: string }
  /** A structural tag of xgrammar, as JSON text: free text with parts that have grammars of their own. */
  | { readonly kind: "tags"; readonly tags: string };
