// What was published of the round up to the proposal, and what follows from it, as in verify.py.

import { sha256Hex, Unreadable } from "./hashes.js";
import { Life } from "./life.js";

export function turnsOf(events, epoch) {
  const life = new Life(events);
  const needed = (event, of) => {
    const body = life.one(event, of);
    if (body === null) throw new Unreadable({ what: "lacks-event", event, of });
    return body;
  };
  for (const event of ["RoundAnnounced", "RoundOpened"]) needed(event, 0);
  needed("RoundFrozen", 1);
  for (let of = 2; of <= epoch; of += 1) needed("EpochOpened", of);
  const opened = needed("RoundOpened", 0);
  const frozen = epoch === 1 ? needed("RoundFrozen", 1) : needed("EpochOpened", epoch);
  const completed = needed("EligibilityCompleted", epoch);
  const commitment = needed("InputsCommitted", epoch);
  const closed = [...life.all("ScoresClosed").values()];
  return {
    life,
    policy: opened.policy,
    opened,
    frozen,
    completed,
    commitment,
    committed: life.all("InputsCommitted"),
    values: life.all("SourceValueRecorded"),
    proposed: needed("SelectionProposed", epoch),
    scoresClosed: closed.at(-1) ?? null,
    hasAll: hasAll(life, epoch),
  };
}

/** By the epoch of the commitment and the value they are of. */
export function seedsOf({ committed, values }) {
  const drawn = [...values].filter(([epoch]) => committed.has(epoch));
  const seed = (root, value) => sha256Hex(`firstbuy-seed-v1:${root}:${value}`);
  return new Map(drawn.map(([epoch, { value }]) => [epoch, seed(committed.get(epoch).commitment_root, value)]));
}

/** The source announced for who was admitted since the commitment before that epoch's, by the newest act. */
export function supplementaryOf(life, committed, epoch) {
  const before = Math.max(0, ...committed.filter((of) => of < epoch));
  const opened = [...life.all("EpochOpened")].filter(([of]) => before < of && of <= epoch);
  return opened.map(([, body]) => body.supplementary_source).findLast((source) => source) ?? null;
}

/** Whether nobody was taken out since the freeze: all applications of earlier epochs are in the set. */
export function hasAll(life, epoch) {
  const epochs = [...life.all("EpochOpened")].filter(([of]) => of <= epoch);
  const admitted = epochs.reduce((sum, [, body]) => sum + (body.admitted ?? []).length, 0);
  const first = life.one("RoundFrozen", 1);
  const own = epoch === 1 ? first : life.one("EpochOpened", epoch);
  return own.applications.count === first.applications.count + admitted;
}
