/** How much room each kind of token has before it is taken for content: a version may be a hash, a purpose may not. */

import { ROOM_OF, ROOMS, tokenRoom } from "../tables.js";

export interface Room {
  readonly words: number;
  /** From this many mixed characters on without a separator it is a blob. */
  readonly run: number;
  readonly isOpaque: boolean;
  readonly isVersion: boolean;
  readonly isModel: boolean;
  readonly isHost: boolean;
  readonly isPseudonym: boolean;
  readonly isWord: boolean;
}

const KNOWN = new Map<string, Room>(Object.entries(ROOM_OF).map(([fact, room]) => [fact, ROOMS[room as keyof typeof ROOMS]]));

/** What may stand in a fact of this name. */
export function roomOf(fact: string): Room {
  const known = KNOWN.get(fact);
  if (known !== undefined) return known;
  if (tokenRoom.PHONE_NAME.test(fact)) return ROOMS.PHONES;
  if (tokenRoom.VERSION_NAME.test(fact)) return ROOMS.VERSIONS;
  return tokenRoom.OPAQUE_NAME.test(fact) ? ROOMS.OPAQUE : ROOMS.CUSTOM;
}
