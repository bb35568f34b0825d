/** Reads WAV files: whole numbers of 8 to 32 bits, floats, those of telephones, any number of channels, plain or "extensible". */

import { RequestValidationError } from "../../support/errors.ts";
import { checkLength, type Samples } from "./samples.ts";
import { FLOAT, ONLY_WAV, PCM, isWav, letters } from "./wav.ts";

const A_LAW = 6;
const MU_LAW = 7;
const EXTENSIBLE = 0xfffe;
/** Sizes from here on are written where a file was made without an end in sight. */
const UNKNOWN = 0x7fff_0000;
const MAX_CHANNELS = 64;
/** Of ten minutes as a CD has them. */
const MAX_WAV_BYTES = 2 ** 27;

const refuse = (what: string): RequestValidationError => new RequestValidationError(`The WAV file ${what}. Take another one, or save it anew as 16-bit WAV.`);

type Read = (view: DataView, at: number) => number;

/** Of G.711, both of which have four bits behind a power of two: linear in 16 bits. */
function aLaw(byte: number): number {
  const [bits, power] = [byte ^ 0x55, ((byte ^ 0x55) >> 4) & 7];
  const value = (((bits & 15) << 4) + (power > 0 ? 0x108 : 8)) << Math.max(0, power - 1);
  return bits & 0x80 ? value : -value;
}

function muLaw(byte: number): number {
  const value = ((((~byte & 15) << 3) + 0x84) << ((~byte >> 4) & 7)) - 0x84;
  return byte & 0x80 ? value : -value;
}

/** How a sample is stored, between -1 and 1. */
function sampleReader(format: number, bits: number): Read | undefined {
  switch (`${format} ${bits}`) {
    case `${PCM} 8`: return (view, at) => (view.getUint8(at) - 128) / 2 ** 7;
    case `${PCM} 16`: return (view, at) => view.getInt16(at, true) / 2 ** 15;
    case `${PCM} 24`: return (view, at) => (view.getInt16(at + 1, true) * 256 + view.getUint8(at)) / 2 ** 23;
    case `${PCM} 32`: return (view, at) => view.getInt32(at, true) / 2 ** 31;
    case `${A_LAW} 8`: return (view, at) => aLaw(view.getUint8(at)) / 2 ** 15;
    case `${MU_LAW} 8`: return (view, at) => muLaw(view.getUint8(at)) / 2 ** 15;
    case `${FLOAT} 32`: return (view, at) => view.getFloat32(at, true);
    case `${FLOAT} 64`: return (view, at) => view.getFloat64(at, true);
    default: return undefined;
  }
}

interface Shape {
  readonly channels: number;
  readonly rate: number;
  readonly bytes: number;
  readonly read: Read;
}

function readShape(view: DataView, at: number, size: number): Shape {
  if (size < 16) throw refuse("does not say how its samples are stored");
  const format = view.getUint16(at, true) === EXTENSIBLE && size >= 26 ? view.getUint16(at + 24, true) : view.getUint16(at, true);
  const channels = view.getUint16(at + 2, true);
  const rate = view.getUint32(at + 4, true);
  const block = view.getUint16(at + 12, true);
  const bits = view.getUint16(at + 14, true);
  // Numbers of other sizes are the upper bits of whole bytes.
  const read = sampleReader(format, 8 * Math.ceil(bits / 8));
  if (rate === 0) throw refuse("says that a second has no samples");
  if (read === undefined) throw refuse(`has samples of format ${format} with ${bits} bits, which are not read here`);
  if (channels < 1 || channels > MAX_CHANNELS || block !== channels * Math.ceil(bits / 8)) throw refuse(`says that ${channels} channels of ${bits} bits take ${block} bytes`);
  return { channels, rate, bytes: Math.ceil(bits / 8), read };
}

/** All channels' mean, at the file's own rate. Raises RequestValidationError, whose details have the `seconds` of one that is too long for any model. */
export async function readWav(file: Blob): Promise<Samples> {
  if (file.size > MAX_WAV_BYTES) throw new RequestValidationError(`The sound's file has ${file.size} bytes; at most ${MAX_WAV_BYTES} are read. Cut it.`);
  if (!(await isWav(file))) throw new RequestValidationError(file.size === 0 ? "The sound's file is empty. Take another one." : ONLY_WAV);
  return samplesOf(new Uint8Array(await file.arrayBuffer()));
}

function samplesOf(file: Uint8Array): Samples {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  let shape: Shape | undefined;
  for (let at = 12; at + 8 <= file.length;) {
    const kind = letters(view, at);
    const said = view.getUint32(at + 4, true);
    const left = file.length - at - 8;
    if (said > left && !(kind === "data" && said >= UNKNOWN)) throw refuse(`is cut or lies: its part ${JSON.stringify(kind)} should have ${said} bytes, and ${left} are left`);
    const size = Math.min(said, left);
    if (kind === "fmt ") shape = readShape(view, at + 8, size);
    if (kind === "data") {
      if (shape === undefined) throw refuse("does not say how its samples are stored");
      return mono(view, at + 8, size, shape);
    }
    at += 8 + size + (size % 2);
  }
  throw refuse("has no samples");
}

function mono(view: DataView, begin: number, size: number, { channels, rate, bytes, read }: Shape): Samples {
  const count = Math.floor(size / (channels * bytes));
  checkLength(count / rate);
  const values = new Float32Array(count);
  let at = begin;
  for (let i = 0; i < values.length; i++) {
    let sum = 0;
    for (let channel = 0; channel < channels; channel++, at += bytes) sum += read(view, at);
    values[i] = sum / channels;
  }
  return { values, rate };
}
