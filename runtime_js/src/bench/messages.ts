/** What bench.html and its worker say to each other. Both are of one build, so neither checks the other. */

import type { SiteModel } from "../page/config.ts";
import type { WireError } from "../support/errors.ts";
import type { BenchOptions } from "./options.ts";
import type { Report } from "./report.ts";

export interface BenchRequest {
  readonly model: SiteModel;
  readonly options: BenchOptions;
}

export type BenchReply =
  | { readonly kind: "line"; readonly text: string }
  | { readonly kind: "done"; readonly report: Report }
  | { readonly kind: "failed"; readonly error: WireError };
