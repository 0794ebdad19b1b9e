import { writeSync } from 'node:fs';
import { PgprovError } from '../lib/errors.js';

/** That something could not be shown: the disk is full, or who would see it is gone. */
export interface Loss {
  /** What could not be written to: `stdout`. */
  name: string;
  /** Why, as a clause: `ENOSPC: no space left on device`. */
  reason: string;
  /** Nobody is there to read it: a pipe that was closed, a terminal that is gone. */
  isGone: boolean;
  /** A person was told that the display is not whole. */
  told: boolean;
}

/** Writing fails like this where the reader went away. */
const GONE = new Set(['EPIPE', 'EIO', 'ECONNRESET', 'ENOTCONN', 'ERR_STREAM_DESTROYED', 'ERR_STREAM_WRITE_AFTER_END']);

const LOSSES = new WeakMap<NodeJS.WriteStream, Loss>();
const KEPT = new WeakSet<NodeJS.WriteStream>();
const LISTENERS = new WeakMap<NodeJS.WriteStream, Set<(loss: Loss) => void>>();

/** What a stream lost first; undefined while all was written. */
export function lossOf(stream: NodeJS.WriteStream): Loss | undefined {
  return LOSSES.get(stream);
}

/** Calls the listener when a stream loses something for the first time. Gives the function that stops listening. */
export function onLoss(stream: NodeJS.WriteStream, listener: (loss: Loss) => void): () => void {
  const listeners = LISTENERS.get(stream) ?? new Set();
  LISTENERS.set(stream, listeners.add(listener));
  return () => void listeners.delete(listener);
}

type WriteArguments = [chunk: string | Uint8Array, encoding?: BufferEncoding, callback?: (error?: Error | null) => void];

/**
 * Has a stream of the display never fail those who write to it: what cannot be written is lost, the first time is remembered, and all
 * else goes on. A full disk may have room again, so every write is tried.
 */
export function keepGoing(name: string, stream: NodeJS.WriteStream): void {
  if (KEPT.has(stream)) return;
  KEPT.add(stream);
  const note = (error: unknown): void => {
    if (error === null || error === undefined || LOSSES.has(stream)) return;
    const { code = '', message } = error as NodeJS.ErrnoException;
    const loss: Loss = { name, reason: message.replace(/, write$/u, ''), isGone: GONE.has(code), told: false };
    LOSSES.set(stream, loss);
    for (const listener of LISTENERS.get(stream) ?? []) listener(loss);
  };
  stream.on('error', note);
  writeWhole(stream);
  const write = stream.write.bind(stream) as (...words: WriteArguments) => boolean;
  stream.write = ((...words: WriteArguments): boolean => {
    const [chunk, second] = words;
    const callback = words.find((word): word is (error?: Error | null) => void => typeof word === 'function');
    const done = (error?: Error | null): void => {
      note(error);
      callback?.(error);
    };
    try {
      return write(chunk, typeof second === 'string' ? second : undefined, done);
    } catch (error) {
      process.nextTick(() => {
        done(error as Error);
        stream.emit('error', error);
      });
      return true;
    }
  }) as NodeJS.WriteStream['write'];
}

/**
 * Node.js takes a part of a text that a file's disk had room for as the whole of it. What follows a torn line begins a line of its own, for
 * the sake of those who read line by line.
 */
function writeWhole(stream: NodeJS.WriteStream & { _type?: string; fd?: number }): void {
  const { _type: type, fd } = stream;
  if (type !== 'fs' || fd === undefined) return;
  let isTorn = false;
  const put = (bytes: Buffer): void => {
    for (let at = 0; at < bytes.length; ) {
      at += writeSync(fd, bytes, at);
      isTorn = bytes[at - 1] !== 0x0a;
    }
  };
  let isBroken = false;
  stream._write = (chunk: Buffer, _encoding, done) => {
    try {
      if (isBroken && isTorn && chunk.length > 0) put(Buffer.from('\n'));
      put(chunk);
      isBroken = false;
      done();
    } catch (error) {
      isBroken = true;
      done(error as Error);
    }
  };
}

/** That an answer is not whole; undefined where all of it was written, or its reader had seen enough. */
export function answerLoss(out: NodeJS.WriteStream): PgprovError | undefined {
  const loss = lossOf(out);
  if (loss === undefined || loss.told || loss.isGone) return undefined;
  return new PgprovError({
    kind: 'output/unwritten',
    message: `${loss.name} cannot be written: ${loss.reason}; what was printed is not whole`,
    hint: 'make room there, and give the command again',
  });
}
