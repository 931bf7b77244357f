/** All attacks, in the order in which they are run. */
import type { Attack } from './attack.ts';
import { clientAborts } from './client-aborts.ts';
import { eventStreams } from './event-streams.ts';
import { headerFloods } from './header-floods.ts';
import { idleConnections } from './idle-connections.ts';
import { logFloods } from './log-floods.ts';
import { malformedTokens } from './malformed-tokens.ts';
import { passwordGuesses } from './password-guesses.ts';
import { pipelines } from './pipelines.ts';
import { refusedUploads } from './refused-uploads.ts';
import { slowBodies } from './slow-bodies.ts';
import { slowHeaders } from './slow-headers.ts';
import { slowReaders } from './slow-readers.ts';
import { uniqueTokens } from './unique-tokens.ts';
import { unknownKeys } from './unknown-keys.ts';
import { webSockets } from './websockets.ts';

/** One after the other, each against a gateway of its own. */
export const attacks: readonly Attack[] = [
  slowHeaders,
  slowBodies,
  slowReaders,
  idleConnections,
  headerFloods,
  pipelines,
  ...uniqueTokens,
  unknownKeys,
  malformedTokens,
  ...passwordGuesses,
  logFloods,
  eventStreams,
  ...webSockets,
  clientAborts,
  refusedUploads,
];
