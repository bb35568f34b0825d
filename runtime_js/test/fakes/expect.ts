/** For assert.throws and assert.rejects: an error of this class whose message matches. */
export function fails(ErrorClass: abstract new (...args: never[]) => Error, message: RegExp): (error: unknown) => boolean {
  return (error) => error instanceof ErrorClass && message.test(error.message);
}
