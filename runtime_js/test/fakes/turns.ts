/**
 * Waits until so many timers of no time, one behind the other, have run. What messages, fake steps and fake locks do takes such timers, too: a
 * chain of fewer of them is over by then, however busy the machine is. (One timer of so many milliseconds may run before it, all late together.)
 */
export async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => { setTimeout(resolve, 0); });
}
