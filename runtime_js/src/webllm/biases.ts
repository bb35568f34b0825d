/** Biases of tokens that the model has not, as those of a program that was written for another model: WebLLM passes over them. */

import type { ModelHost } from "../api/host.ts";
import { RequestValidationError } from "../support/errors.ts";

type Biases = Readonly<Record<string, number>> | null | undefined;

/** Asks once more without the tokens that the model has not, where it was refused for them. */
export async function ignoringStrangers<R extends { readonly logit_bias?: Biases }, T>(
  request: R, modelId: string, host: ModelHost, ask: (request: R) => Promise<T>,
): Promise<T> {
  try {
    return await ask(request);
  } catch (error) {
    if (!(error instanceof RequestValidationError) || error.param !== "logit_bias") throw error;
    const isKnown = (token: string): Promise<boolean> => host.decodeTokens([Number(token)], modelId).then(() => true, () => false);
    const biases = await Promise.all(Object.entries(request.logit_bias ?? {}).map(async (bias) => (await isKnown(bias[0]) ? [bias] : [])));
    return ask({ ...request, logit_bias: Object.fromEntries(biases.flat()) });
  }
}
