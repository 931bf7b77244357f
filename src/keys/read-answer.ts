/**
 * Reads the answer of a key source: status 200, UTF-8, within a size, one JSON object or one text in PEM. We ask for no
 * compression; stores that hold a compressed file send it all the same, so that it is decompressed, within the same size. Throws a FetchError that says what came instead, in our words: nothing of the answer is repeated.
 */
import type { Transform } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import type { Dispatcher } from 'undici';
import { describe, FetchError } from './fetch-cause.ts';
import { isNestedDeeper } from './nesting.ts';

/** A JSON object as it came, every member of any type; or a text in PEM as the member `pem`. */
export type FetchedObject = Readonly<Record<string, unknown>>;

/** Reads to the end, or not at all. */
export async function readAnswer(
  { statusCode, headers, body }: Dispatcher.ResponseData,
  { maxBytes, form }: { readonly maxBytes: number; readonly form: 'json' | 'pem' },
): Promise<FetchedObject> {
  // What is cut off ends in an error that nobody else would listen to.
  body.on('error', () => {});
  try {
    if (statusCode !== 200) {
      throw new FetchError('status', `answered with status ${statusCode}`, statusCode);
    }
    const decompress = decompressorOf(single(headers['content-encoding']), statusCode);
    const packed = await collect(body, maxBytes, statusCode);
    const bytes = decompress === null ? packed : await decompressed(decompress(), packed, maxBytes);
    const read = form === 'json' ? parseObject(bytes) : parsePem(bytes);
    if (typeof read === 'string') throw new FetchError('body', read, statusCode);
    return read;
  } catch (error) {
    body.destroy();
    throw error;
  }
}

/** Content codings of RFC 9110 section 8.4.1, and Brotli (RFC 7932). */
const DECOMPRESSORS: ReadonlyMap<string, () => Transform> = new Map<string, () => Transform>([
  ['gzip', createGunzip],
  ['x-gzip', createGunzip],
  ['deflate', createInflate],
  ['br', createBrotliDecompress],
]);

/** What undoes a Content-Encoding; null where there is none. */
function decompressorOf(encoding: string | null, status: number): (() => Transform) | null {
  const coding = encoding?.trim().toLowerCase() ?? 'identity';
  if (coding === 'identity' || coding === '') return null;
  const decompressor = DECOMPRESSORS.get(coding);
  if (decompressor !== undefined) return decompressor;
  const cause =
    'answered with a compressed body, which was not asked for, in a coding that is not read here; gzip is';
  throw new FetchError('body', cause, status);
}

/** Stops at the bound, however little was sent: nothing beyond it is decompressed. */
async function decompressed(stream: Transform, packed: Buffer, maxBytes: number): Promise<Buffer> {
  try {
    stream.end(packed);
    return await collect(stream, maxBytes, 200, 'a compressed body of ');
  } catch (error) {
    if (error instanceof FetchError) throw error;
    throw new FetchError('body', 'answered with a compressed body that is broken', 200);
  } finally {
    stream.destroy();
  }
}

/** One header field as text; null when it is absent. */
export function single(value: string | string[] | undefined): string | null {
  return value === undefined ? null : String(value);
}

async function collect(
  body: AsyncIterable<Buffer>,
  maxBytes: number,
  status: number,
  what = '',
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of body) {
      size += chunk.length;
      if (size > maxBytes) {
        const cause = `answered with ${what}more than ${maxBytes} bytes; see refresh.max_bytes`;
        throw new FetchError('body', cause, status);
      }
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof FetchError || describe(error).kind !== 'connect') throw error;
    throw new FetchError('body', 'ended the connection in the middle of its answer', status);
  }
  return Buffer.concat(chunks);
}

/** The object, or what it is instead. */
function parseObject(bytes: Buffer): FetchedObject | string {
  const instead = 'not a JSON object';
  if (bytes.length === 0) return `answered with an empty body, ${instead}`;
  // RFC 8259 section 8.1: it must not be sent, and may be refused.
  if (bytes.subarray(0, 3).equals(BYTE_ORDER_MARK))
    return `answered with a byte order mark, ${instead}; it must be published as UTF-8 without one`;
  const text = decode(bytes);
  if (text === null) return `answered with something that is not UTF-8 and so ${instead}`;
  if (/^\s*</.test(text)) return `answered with a page (HTML or XML), ${instead}; is it the right address?`;
  if (isNestedDeeper(text, DEEPEST)) return 'answered with JSON that is nested too deeply';
  try {
    // Of members that occur twice the last one counts, as RFC 7517 section 5 allows.
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  } catch {}
  return `answered with something that is ${instead}`;
}

/** Metadata and key sets have four levels or so. */
const DEEPEST = 32;
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);

/** A document that is no PEM at all is the wrong address; what the PEM holds is judged with the keys. */
function parsePem(bytes: Buffer): FetchedObject | string {
  const text = decode(bytes);
  if (text === null || !/^[ \t\r\n]*-----BEGIN [A-Z0-9 ]+-----/.test(text))
    return 'answered with something that is not PEM';
  return { pem: text };
}

function decode(bytes: Buffer): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}
