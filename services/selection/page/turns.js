// What was published of the round, and what follows from it: its seeds, and when a source's value was due.

import { sha256Hex, Unreadable } from "./hashes.js";
import { shaped } from "./shapes.js";

/** What leads to a proposal, in the order of a round's life: each once in an epoch, none of a later one. */
const LIFE = [
  "RoundAnnounced",
  "RoundAmended",
  "RoundOpened",
  "RoundExtended",
  "RoundFrozen",
  "EpochOpened",
  "EligibilityCompleted",
  "ScoresClosed",
  "InputsCommitted",
  "SourceValueRecorded",
  "SelectionProposed",
  "ReleaseOpened",
];
/** Events that belong to no epoch, or to the first alone. */
const OF_THE_ROUND = new Map([
  ["RoundAnnounced", 0],
  ["RoundAmended", 0],
  ["RoundOpened", 0],
  ["RoundExtended", 0],
  ["RoundFrozen", 1],
]);

/** What the life of a round up to the proposal of that epoch has no place for, and what of it is not there. */
export function* misplaced(events, epoch) {
  const seen = new Set();
  let last = [];
  for (const { event, body } of events) {
    if (!LIFE.includes(event)) {
      yield { what: "event-foreign", event };
      continue;
    }
    const [of, batch, number] = ["epoch", "batch", "amendment"].map((name) => whole(body[name] || 0, name));
    const until = event === "ReleaseOpened" ? epoch - 1 : epoch;
    const own = OF_THE_ROUND.get(event);
    if (own === undefined ? of < 1 || of > until : of !== own) yield { what: "event-epoch", event, of, epoch };
    const place = [of, LIFE.indexOf(event), batch, number, String(body.closes_at)];
    const once = JSON.stringify(event === "RoundExtended" ? place : place.slice(0, 4));
    if (seen.has(once)) yield { what: "event-twice", event, of };
    else if (before(place, last)) yield { what: "event-order", event, of };
    seen.add(once);
    if (before(last, place)) last = place;
  }
  for (let opened = 2; opened <= epoch; opened += 1) {
    const once = JSON.stringify([opened, LIFE.indexOf("EpochOpened"), 0, 0]);
    if (!seen.has(once)) yield { what: "event-missing", event: "EpochOpened", of: opened };
  }
}

function whole(value, name) {
  if (!Number.isSafeInteger(value)) throw new TypeError(`${name} of an event is no whole number`);
  return value;
}

/** Whether one place stands before the other. */
function before(one, other) {
  for (let part = 0; part < other.length; part += 1) {
    if (one[part] === undefined || one[part] < other[part]) return true;
    if (one[part] > other[part]) return false;
  }
  return false;
}

/** Two persons, both officers: one under two spellings is one. */
export function twoOfficers(actors) {
  const names = new Set(actors.map(({ name }) => name.normalize("NFKC").toLowerCase().trim().split(/\s+/).join(" ")));
  return names.size === 2 && actors.length === 2 && actors.every(({ role }) => role === "officer");
}

/** What was published of the round. */
export function turnsOf(events, epoch) {
  const found = new Map();
  for (const { event, body } of events) {
    if (!found.has(event)) found.set(event, new Map());
    found.get(event).set(body.epoch ?? 0, body);
  }
  const one = (event, of, shape = event) => {
    const body = found.get(event)?.get(of);
    if (body === undefined) throw new Unreadable({ what: "lacks-event", event });
    return shaped(shape, body);
  };
  const all = (event) => {
    const bodies = found.get(event);
    if (bodies === undefined) throw new Unreadable({ what: "lacks-event", event });
    return new Map([...bodies].sort(([left], [right]) => left - right).map(([of, body]) => [of, shaped(event, body)]));
  };
  const turns = {
    opened: one("RoundOpened", 0),
    frozen: epoch === 1 ? one("RoundFrozen", 1, "frozen") : one("EpochOpened", epoch, "frozen"),
    completed: one("EligibilityCompleted", epoch),
    commitment: one("InputsCommitted", epoch),
    committed: all("InputsCommitted"),
    values: all("SourceValueRecorded"),
    proposed: one("SelectionProposed", epoch),
    scoresClosed: newest(found.get("ScoresClosed")),
    admitted: admittedBy(found.get("EpochOpened")),
    supplementary: (of) => supplementaryOf(found, of),
  };
  return { ...turns, policy: turns.opened.policy };
}

/** The source announced for who was admitted since the commitment before that epoch's, by the newest act. */
function supplementaryOf(found, epoch) {
  const before = Math.max(0, ...[...found.get("InputsCommitted").keys()].filter((one) => one < epoch));
  let [newest, source] = [0, null];
  for (const [opened, body] of found.get("EpochOpened") ?? []) {
    if (before < opened && opened <= epoch && opened > newest && body.supplementary_source)
      [newest, source] = [opened, body.supplementary_source];
  }
  return source;
}

/** Whom acts admitted late, by the epoch each opened. */
function admittedBy(opened = new Map()) {
  const each = [...opened].flatMap(([epoch, { admitted = [] }]) => admitted.map((identifier) => [identifier, epoch]));
  return new Map(each);
}

/** Of the greatest epoch; null where there is none. */
function newest(bodies = new Map()) {
  return bodies.size ? shaped("ScoresClosed", bodies.get(Math.max(...bodies.keys()))) : null;
}

/** By the epoch of the commitment and the value they are of. */
export async function seedsOf({ committed, values }) {
  const seeds = new Map();
  for (const [epoch, { value }] of values) {
    if (!committed.has(epoch)) continue;
    if (/[^\x00-\x7f]/.test(value)) throw new TypeError("a source's value is ASCII");
    seeds.set(epoch, await sha256Hex(`firstbuy-seed-v1:${committed.get(epoch).commitment_root}:${value}`));
  }
  return seeds;
}

/** An instant with its offset: seconds since 1970, and whether a fraction of a second follows. */
export function moment(text) {
  const parts = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(\.\d{1,6})?(Z|[+-]\d{2}:\d{2})$/.exec(text);
  const milliseconds = parts ? Date.parse(parts[1] + parts[3]) : NaN;
  if (Number.isNaN(milliseconds)) throw new TypeError(`${text} is no instant with its offset`);
  return { seconds: milliseconds / 1000, fraction: /[1-9]/.test(parts[2] ?? "") };
}

/** When the value of the last of `sources` is due, in seconds: of the first at its first drawing a lead after the
 * commitment, of each other at its first drawing once the one before has failed. */
export function firstDue(committedAt, leadSeconds, sources) {
  let second = moment(committedAt).seconds + 1 + leadSeconds;
  sources.forEach((source, turn) => {
    const began = source.anchor ? moment(source.anchor).seconds : 0;
    second = began + Math.ceil((second - began) / source.period_seconds) * source.period_seconds;
    if (turn < sources.length - 1) second += source.fails_after_seconds || source.period_seconds;
  });
  return second;
}
